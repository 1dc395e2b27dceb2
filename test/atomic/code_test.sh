#!/bin/sh
# On x86-64 the calls are the instructions that atomic.h tells: a load is one mov whatever its order, a plain
# store one xchg, a weaker one a mov; what reads and writes has one locked instruction, and no call is left.
set -eu
[ "$(uname -m)" = x86_64 ] || { echo "not x86-64"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0

# code NAME 'T' 'arguments' 'expression': a function of that name around the expression.
code() {
	printf '%s %s(%s);\n%s %s(%s) { %s; }\n' "$2" "$1" "$3" "$2" "$1" "$3" "$4"
}
{
	echo '#include <tally/atomic.h>'
	for X in u32 u64; do
		for order in '' _acquire _relaxed; do
			code "load_$X$order" uint64_t "tally_atomic_$X *p" "return tally_atomic_${X}_load$order(p)"
		done
		for order in _release _relaxed; do
			code "store_$X$order" void "tally_atomic_$X *p" "tally_atomic_${X}_store$order(p, 5)"
		done
		code "store_$X" void "tally_atomic_$X *p" "tally_atomic_${X}_store(p, 5)"
		code "swap_$X" uint64_t "tally_atomic_$X *p" "return tally_atomic_${X}_swap(p, 5)"
		for call in add sub fetch_add; do
			code "${call}_$X" uint64_t "tally_atomic_$X *p" "return tally_atomic_${X}_$call(p, 5)"
		done
		for call in add sub and or xor; do
			code "only_${call}_$X" void "tally_atomic_$X *p" "tally_atomic_${X}_$call(p, 5)"
		done
		code "cas_$X" bool "tally_atomic_$X *p" "return tally_atomic_${X}_compare_and_swap(p, 5, 6)"
	done
} >code.c

# instructions FUNCTION: its lines of assembly, without directives and labels.
instructions() {
	awk -v name="$1:" '$1 == name { on = 1; next } on && /^[A-Za-z_]/ { exit } on && /^\t[a-z]/ { print }' code.s
}

# has COUNT PATTERN FUNCTION: the function has so many lines that match.
has() {
	count=$(instructions "$3" | grep -cE "$2") || true
	if [ "$count" != "$1" ]; then
		echo "$compiler: $3 has $count of '$2', not $1:"
		instructions "$3"
		failed=1
	fi
}

tried=0
for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	tried=1
	$compiler -std=c11 -O2 -fno-asynchronous-unwind-tables -fcf-protection=none -I"$TALLY_SOURCE/include" -S code.c
	for X in u32 u64; do
		for function in load_$X load_${X}_acquire load_${X}_relaxed store_${X}_release store_${X}_relaxed; do
			has 1 '^\s+mov' $function
			has 0 'lock|xchg|fence|call' $function
		done
		has 1 'xchg' store_$X
		has 1 'xchg' swap_$X
		has 1 '^\s+lock\s+x?(add|inc|sub)' add_$X
		has 1 '^\s+lock\s+x?(add|inc|sub)' sub_$X
		has 1 '^\s+lock\s+xadd' fetch_add_$X
		has 1 '^\s+lock\s+cmpxchg' cas_$X
		for call in add sub and or xor; do
			has 1 "^\s+lock\s+(add|sub|and|or|xor)" only_${call}_$X
		done
		for function in store_$X swap_$X add_$X sub_$X fetch_add_$X cas_$X only_or_$X; do
			has 0 'fence|call|j[a-z]+' $function
		done
	done
done
[ "$tried" = 1 ] || { echo "no compiler"; exit 77; }
exit $failed
