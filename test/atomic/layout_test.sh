#!/bin/sh
# Every type is as large as what it holds and aligned to its size, in C and in C++, on 64 bits and on 32, where
# compilers would align 8-byte integers in structs to 4.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
absent=

expected() {
	for type in i32 u32 bool; do
		printf '%-4s size 4 align 4 at 4, 12, struct 20, misplaced 0\n' $type
	done
	for type in i64 u64; do
		printf '%-4s size 8 align 8 at 8, 24, struct 40, misplaced 0\n' $type
	done
	for type in uptr ptr; do
		if [ "$1" = 64 ]; then
			printf '%-4s size 8 align 8 at 8, 24, struct 40, misplaced 0\n' $type
		else
			printf '%-4s size 4 align 4 at 4, 12, struct 20, misplaced 0\n' $type
		fi
	done
}
expected 64 >64
expected 32 >32

# same BITS COMPILER OPTION...: the compiler's program prints what is expected.
same() {
	bits=$1
	shift
	command -v "$1" >/dev/null || { absent="$absent $1"; return 0; }
	"$@" -I"$TALLY_SOURCE/include" "$TALLY_SOURCE/test/atomic/layout.c" -o layout
	if ! ./layout | diff "$bits" - >differences; then
		echo "$*: other than expected:"
		cat differences
		failed=1
	fi
}
same 64 gcc
same 64 clang
same 64 g++ -x c++ -std=c++11
same 64 clang++ -x c++ -std=c++20
# The -m32 of gcc and clang run where the 32-bit C library is.
if echo 'int main(void) { return 0; }' | gcc -m32 -x c - -o probe 2>/dev/null && ./probe; then
	same 32 gcc -m32
	same 32 gcc -m32 -march=i586 -malign-double
	same 32 clang -m32
	sed 's/^#include <stdio.h>/extern "C" int printf(const char *, ...);/' "$TALLY_SOURCE/test/atomic/layout.c" >layout.cc
	for compiler in g++ clang++; do
		command -v $compiler >/dev/null || continue
		$compiler -m32 -I"$TALLY_SOURCE/include" -c layout.cc
		gcc -m32 layout.o -o layout
		./layout | diff 32 - || { echo "$compiler -m32: other than expected"; failed=1; }
	done
else
	absent="$absent gcc-m32"
fi

[ "$failed" = 0 ] || exit 1
[ -z "$absent" ] || { echo "not tried, because absent:$absent"; exit 77; }
