# A thin front door to the CMake build. `make help` lists the targets.
BUILD = build/default
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: all demo test check bench install clean help

all: ; @tools/setup build && tools/build default

demo: all ; @$(BUILD)/bin/tally run examples/atomic_counters.c

clean: ; rm -rf build

help: ; @sed -n 's/^\([a-z]*\):.*/\1/p' Makefile
