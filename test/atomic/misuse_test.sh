#!/bin/sh
# What must not compile does not: a plain integer, or the wrong type of atomic, where a typed one is meant; a plain
# ++ on one; a store through const. Each beside its right twin, so that nothing else is what the compiler minds.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
tried=0

# compiles COMPILER... : the function body on standard input, after the declarations that all of them share.
compiles() {
	{
		echo '#include <tally/atomic.h>'
		echo 'void f(void);'
		echo 'void f(void) { uint64_t plain = 0; tally_atomic_u64 u64 = {0}; tally_atomic_u32 u32 = {0};'
		echo 'const tally_atomic_u64 fixed = {0}; void *pointer = 0; tally_atomic_ptr ptr = {0};'
		echo '(void)plain; (void)u64; (void)u32; (void)fixed; (void)pointer; (void)ptr;'
		cat
		echo '}'
	} >body.c
	"$@" -I"$TALLY_SOURCE/include" -fsyntax-only body.c 2>errors
}

# pair RIGHT WRONG
pair() {
	for compiler in 'gcc -Werror=incompatible-pointer-types -Werror=discarded-qualifiers' \
		'clang -Werror=incompatible-pointer-types -Werror=incompatible-pointer-types-discards-qualifiers' \
		'g++ -x c++' 'clang++ -x c++'; do
		command -v "${compiler%% *}" >/dev/null || continue
		tried=$((tried + 1))
		if ! echo "$1" | compiles $compiler; then
			echo "$compiler refuses: $1"
			cat errors
			failed=1
		fi
		if echo "$2" | compiles $compiler; then
			echo "$compiler accepts: $2"
			failed=1
		fi
	done
}

pair 'tally_atomic_u64_add(&u64, 1);' 'tally_atomic_u64_add(&plain, 1);'
pair '(void)tally_atomic_u64_load(&u64);' '(void)tally_atomic_u64_load(&plain);'
pair 'tally_atomic_u64_store(&u64, 1);' 'tally_atomic_u64_store(&u32, 1);'
pair 'tally_atomic_u32_add(&u32, 1);' 'tally_atomic_u32_add(&u64, 1);'
pair 'tally_atomic_ptr_store(&ptr, pointer);' 'tally_atomic_ptr_store(&pointer, pointer);'
pair '(void)tally_atomic_u64_load(&fixed);' 'tally_atomic_u64_store(&fixed, 1);'
pair 'plain++;' 'u64++;'
pair 'plain = 1;' 'u64 = 1;'
pair 'plain = tally_atomic_u64_load(&u64);' 'plain = u64;'
[ "$tried" -gt 0 ] || { echo "no compiler"; exit 77; }
exit $failed
