#!/bin/sh
# The Makefile in a fresh tree whose path has blanks: `make demo` and `make test` end with the lines they promise,
# from any folder, twice in a row; results are counted right whatever becomes of a test; `make install` keeps to
# DESTDIR and PREFIX; the user's compiler is the one that builds.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree="$work/a fresh tree"
export XDG_CACHE_HOME="$work/cache"
unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS LDFLAGS

# The tree without its tests and what belongs to them.
mkdir -p "$tree/test/some"
cd "$TALLY_SOURCE"
find . \( -path ./build -o -path './build-*' -o -path ./.git -o -path ./test \) -prune -o -type f -print |
	grep -v '/models.cmake$' | tar -cf - -T - | tar -xf - -C "$tree"
cp test/CONFIGURATIONS "$tree/test/"
cd /

door() {
	make -s -C "$tree" "$@" </dev/null 2>"$work/errors" || { cat "$work/errors"; return 1; }
}
last_line() {
	[ "$(tail -n 1 "$work/out")" = "$1" ] || { cat "$work/out"; echo "its last line is not: $1"; exit 1; }
}

door demo >"$work/out"
last_line 'ops: 50000'
# Nothing is left to build: what a second time prints is the program's own.
door demo >"$work/out"
[ "$(cat "$work/out")" = 'ops: 50000' ] || { cat "$work/out"; exit 1; }
[ ! -s "$work/errors" ] || { cat "$work/errors"; exit 1; }

door install "DESTDIR=$work/stage" PREFIX=/opt/tally >/dev/null
[ "$("$work/stage/opt/tally/bin/tally" run "$tree/examples/atomic_counters.c")" = 'ops: 50000' ]
[ ! -e /opt/tally ]
door install "PREFIX=$work/prefix" LIBDIR=lib/some-arch >/dev/null
[ -f "$work/prefix/lib/some-arch/libtally.a" ]
grep -q '^prefix=${pcfiledir}/\.\./\.\./\.\.$' "$work/prefix/lib/some-arch/pkgconfig/tally.pc"
[ "$("$work/prefix/bin/tally" run "$tree/examples/atomic_counters.c")" = 'ops: 50000' ]

# CC is heeded, and the next call that names none goes back.
printf '#!/bin/sh\necho called >>"%s/called"\nexec cc "$@"\n' "$work" >"$work/my-cc"
chmod +x "$work/my-cc"
door all "CC=$work/my-cc"
[ -s "$work/called" ] || { echo "CC was not used"; exit 1; }
: >"$work/called"
door all
touch "$tree/src/platform/lock.c"
door all
[ ! -s "$work/called" ] || { echo "CC was used when it was not named any more"; exit 1; }

# Results. Every way to end, and a C program that asks for blanks in its path.
plant() {
	cat >"$tree/test/some/$1"
	chmod +x "$tree/test/some/$1"
}
plant passes_test.sh <<'C'
#!/bin/sh
[ -d "$TALLY_SOURCE" ] && [ -d "$TALLY_BUILD" ] && [ "$TALLY_CONFIGURATION" = default ] && [ -n "$CC" ]
C
plant program_test.c <<'C'
#include <tally/tally.h>
int main(void) { tally_waitgroup wg = {{0}}; tally_waitgroup_wait(&wg); return 0; }
C
cd "$work"
"$tree/tools/test" default >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
grep -q '^default: 3 passed, 0 failed' "$work/out" # with cross/demo
last_line '3 passed, 0 failed'

printf '#!/bin/sh\necho "no such machine"; exit 77\n' | plant skips_test.sh
"$tree/tools/test" default >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
last_line '3 passed, 0 failed, 1 skipped'

printf '#!/bin/sh\necho "what went wrong"; exit 1\n' | plant fails_test.sh
printf '#!/bin/sh\nkill -SEGV $$\n' | plant crashes_test.sh
printf '#!/bin/sh\nexec sleep 20\n' | plant hangs_test.sh
printf 'exit 0\n' >"$tree/test/some/unusable_test.sh"
printf 'some/hangs: default timeout=1\n' >>"$tree/test/CONFIGURATIONS"
! "$tree/tools/test" default >"$work/out" 2>&1 || { cat "$work/out"; echo "failures, and exit status 0"; exit 1; }
grep -q '^what went wrong$' "$work/out"
last_line '3 passed, 4 failed, 1 skipped'

# A configuration that does not build is a failure, and the next one still runs.
echo 'int wrong(' | plant program_test.c
! "$tree/tools/test" default default >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
grep -q 'program_test.c:1' "$work/out"
last_line '0 passed, 2 failed'
