#!/bin/sh
# Each public header compiles alone, and twice, in every language standard that base.h promises, without a
# warning; and several files that include all of them link into one program.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# An absent compiler is told, not passed over; the others are tried all the same.
absent=
failed=0
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Wcast-qual -Werror'
c_warnings="$warnings -Wstrict-prototypes -Wmissing-prototypes -Wnested-externs"

headers=$(cd "$TALLY_SOURCE/include" && ls tally/*.h)
: >all.h
for header in $headers; do
	printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$(basename "$header" .h).c"
	echo "#include <$header>" >>all.h
done

# compiles COMPILER OPTION...: with the options, every header by itself.
compiles() {
	for header in $headers; do
		file=$(basename "$header" .h).c
		if ! "$@" -I"$TALLY_SOURCE/include" -fsyntax-only "$file"; then
			echo "$*: <$header> does not compile alone"
			failed=1
		fi
	done
}

for compiler in gcc clang; do
	command -v "$compiler" >/dev/null || { absent="$absent $compiler"; continue; }
	for standard in c11 c17 c2x gnu11; do
		compiles "$compiler" -std="$standard" $c_warnings
	done
done
for compiler in g++ clang++; do
	command -v "$compiler" >/dev/null || { absent="$absent $compiler"; continue; }
	for standard in c++11 c++17 c++20; do
		compiles "$compiler" -std="$standard" -x c++ $warnings
	done
done

# Two C files and a C++ file, each with all headers, are one program: nothing is defined twice, and C++ calls
# what C defines.
cat >one.c <<'C'
#include "all.h"
uint64_t add_one(tally_atomic_u64 *p);
uint64_t add_one(tally_atomic_u64 *p)
{
	return tally_atomic_u64_add(p, 1);
}
C
cat >two.c <<'C'
#include "all.h"
uint64_t add_one(tally_atomic_u64 *p);
uint64_t add_two(tally_atomic_u64 *p);
uint64_t add_two(tally_atomic_u64 *p)
{
	return add_one(p) + tally_atomic_u64_load(p);
}
int main(void)
{
	tally_atomic_u64 n = {0};
	return add_two(&n) != 2;
}
C
sed 's/^uint64_t add_\(...\)(.*);$/extern "C" &/' two.c >three.cc
for optimise in -O0 -O2; do
	"$CC" $optimise -Werror -I"$TALLY_SOURCE/include" -c one.c two.c
	"$CC" one.o two.o "$TALLY_BUILD/libtally.a" -pthread -o c_program
	./c_program
	if command -v g++ >/dev/null; then
		g++ $optimise -Werror -I"$TALLY_SOURCE/include" one.o three.cc "$TALLY_BUILD/libtally.a" -pthread \
			-o cc_program
		./cc_program
	fi
done

[ "$failed" = 0 ] || exit 1
[ -z "$absent" ] || { echo "not tried, because absent:$absent"; exit 77; }
