#!/bin/sh
# The tests of typed atomics hold on a 32-bit machine too, where the 8-byte types need care.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo 'int main(void) { return 0; }' >probe.c
gcc -m32 probe.c -o probe 2>/dev/null && ./probe || { echo "no 32-bit programs here"; exit 77; }
for compiler in gcc clang; do
	command -v $compiler >/dev/null || { echo "no $compiler"; exit 77; }
	for name in atomic atomic_threads atomic_signal atomic_litmus; do
		$compiler -m32 -O2 -D_GNU_SOURCE -I"$TALLY_SOURCE/include" "$TALLY_SOURCE/test/cross/${name}_test.c" -pthread -o "$name"
		"./$name" || { echo "$compiler -m32: $name failed"; exit 1; }
	done
done
