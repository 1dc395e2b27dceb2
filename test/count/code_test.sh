#!/bin/sh
# On x86-64 an add is a load of the thread's slot, one test and one add to memory that is not locked; only the way
# without a slot or cell calls anything.
set -eu
[ "$(uname -m)" = x86_64 ] || { echo "not x86-64"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0

cat >code.c <<'C'
#include <tally/counter.h>
extern tally_counter counter;
extern tally_updown updown;
void inc(void);
void inc(void) { tally_counter_inc(&counter); }
void add(tally_counter *c, uint64_t n);
void add(tally_counter *c, uint64_t n) { tally_counter_add(c, n); }
void up(tally_updown *u);
void up(tally_updown *u) { tally_updown_add(u, 5); }
void down(tally_updown *u, uint64_t n);
void down(tally_updown *u, uint64_t n) { tally_updown_sub(u, n); }
C

# instructions FUNCTION: its lines of assembly, without directives and labels.
instructions() {
	awk -v name="$1:" '$1 == name { on = 1; next } on && /^\t\.size/ { exit } on && /^\t[a-z]/ { print }' code.s
}

# has COUNT PATTERN FUNCTION: the function has so many lines that match.
has() {
	count=$(instructions "$3" | grep -cE "$2") || true
	if [ "$count" != "$1" ]; then
		echo "$options: $3 has $count of '$2', not $1:"
		instructions "$3"
		failed=1
	fi
}

tried=0
for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	tried=1
	for more in -O2 '-O2 -fPIC' '-O2 -fno-plt -fPIE' -O3; do
		options="$compiler $more"
		# shellcheck disable=SC2086 # options
		$options -std=c11 -fno-asynchronous-unwind-tables -fcf-protection=none -I"$TALLY_SOURCE/include" -S code.c
		for function in inc add up down; do
			# The add itself: to memory that is no variable and no thread-local.
			has 1 '^\s+(addq\s+[$%][^,]+, *[0-9]*\(%r..?\)|incq\s+[0-9]*\(%r..?\))' $function
			has 1 '%fs:' $function
			has 0 'lock|xchg|fence' $function
			has 1 '^\s+j(le|s|ns|g)\b' $function
			has 1 '^\s+(jmp|call)q?\s.*(add_slow)' $function
		done
	done
done
[ $tried = 1 ] || { echo "neither gcc nor clang"; exit 77; }
exit $failed
