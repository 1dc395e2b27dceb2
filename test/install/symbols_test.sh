#!/bin/sh
# The shared library shows what the headers declare with TALLY_API, and nothing else. It needs nothing but the C
# library, and goes by the name libtally.so.0.
set -eu
. "$TALLY_SOURCE/test/install/tree.sh"
library=$libdir/libtally.so.0

echo '#include <tally/tally.h>' | "$CC" -E -P -I"$prefix/include" -x c - | tr '\n' ' ' | sed 's/[;{}]/\n/g' |
	grep 'visibility("default")' | sed -E 's/__attribute__ *\(\([^)]*(\([^)]*\))?[^)]*\)\)//g' |
	sed -E 's/^[^(]*\b(tally_\w+) *\(.*/\1/; t; s/.*\b(tally_\w+)[^A-Za-z]*$/\1/' | sort -u >"$work/declared"
[ "$(wc -l <"$work/declared")" -ge 10 ] || { echo "found few declarations:"; cat "$work/declared"; exit 1; }

nm -D --defined-only --without-symbol-versions "$library" | awk '$2 != "A" { print $3 }' | sort -u >"$work/shown"
diff "$work/declared" "$work/shown" || { echo "< declared in the headers, > shown by libtally.so"; exit 1; }

readelf -dW "$library" >"$work/dynamic"
grep -q 'SONAME.*\[libtally.so.0\]' "$work/dynamic" || { cat "$work/dynamic"; exit 1; }
if grep NEEDED "$work/dynamic" | grep -vE '\[(libc\.so\.6|ld-linux.*|libc\.musl.*)\]'; then
	echo "needed besides the C library"
	exit 1
fi
! grep -E 'RPATH|RUNPATH|TEXTREL' "$work/dynamic" || exit 1

# Every symbol has the version its release brought it with; the static libraries keep to the library's prefix.
nm -D --defined-only "$library" | awk '$2 != "A" && $3 !~ /@@TALLY_[0-9.]+$/ { print; bad = 1 } END { exit bad }'
for archive in libtally.a libtally_race.a; do
	nm -g --defined-only "$libdir/$archive" 2>/dev/null | awk 'NF == 3 && $3 !~ /^tally_/ { print; bad = 1 } END { exit bad }' ||
		{ echo "$archive defines a name that is not its own"; exit 1; }
done
