#!/bin/sh
# The C files are as clang-format would write them.
set -eu
command -v clang-format >/dev/null || { echo "skipped: no clang-format"; exit 77; }
cd "$TALLY_SOURCE"
set -- src include cmd test examples bench
for folder; do
	shift
	[ ! -d "$folder" ] || set -- "$@" "$folder"
done
find "$@" \( -name '*.c' -o -name '*.h' \) -print0 | xargs -0 clang-format --dry-run -Werror 2>&1 | head -n 40 >"$TALLY_BUILD/format.log"
[ ! -s "$TALLY_BUILD/format.log" ] || { cat "$TALLY_BUILD/format.log"; exit 1; }
