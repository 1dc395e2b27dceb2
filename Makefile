# A thin front door to the CMake build. `make help` lists the targets.
# CC and CFLAGS, where given, are those the build uses. The last lines of demo and test are promises; from another
# folder, `make -s -C` keeps make's own last word out of them.
.DEFAULT_GOAL := all
.PHONY: all demo test check bench install soak mutate coverage clean help

PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?=
MINUTES ?= 10
export DESTDIR LIBDIR

all:      # build the library and the command
	@tools/setup build && tools/build default product

demo:     # set up, build and run the seed's program
	@tools/setup build >&2 && tools/build default product >&2 && build/default/bin/tally run examples/atomic_counters.c

test:     # set up, build and run all tests in all configurations
	@tools/setup build test && tools/test all

check:    # the quick subset, for while you work
	@tools/setup build check && tools/test check

bench:    # tally beside its peers: a table, and one JSON line a measurement
	@tools/setup build && tools/bench

install:  # to PREFIX (/usr/local), below DESTDIR
	@tools/setup build && tools/build default product && cmake --install build/default --prefix "$(PREFIX)"

soak:     # the long form of the explorations, for MINUTES (10)
	@tools/setup build test && tools/soak "$(MINUTES)"

mutate:   # weaken the core one place at a time; list the mutants that no test notices
	@tools/setup build test && tools/mutate

coverage: # the lines of the core that the tests run
	@tools/setup build test && tools/coverage

clean:    # remove what was built
	@rm -rf build

help:     # this list
	@sed -n 's/^\([a-z]*\): *#/\1\t/p' Makefile | expand -t 12
