#!/bin/sh
# The marks of platform/plain.h cost nothing: with and without them a function is the same machine code.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/hand.c" <<'END'
#include <tally/atomic.h>
#include "platform/plain.h"
#ifdef WITHOUT
#define tally__plain_write(start, bytes) ((void)0)
#define tally__plain_read(start, bytes) ((void)0)
#define tally__plain_end(start, bytes) ((void)0)
#endif

struct box {
	int value;
	tally_atomic_u32 full;
};

void put(struct box *box, int value);
int take(struct box *box);

void put(struct box *box, int value)
{
	box->value = value;
	tally__plain_write(&box->value, sizeof(box->value));
	tally_atomic_u32_store_release(&box->full, 1);
}

int take(struct box *box)
{
	while (tally_atomic_u32_load_acquire(&box->full) == 0) {
	}
	tally__plain_read(&box->value, sizeof(box->value));
	int value = box->value;
	tally__plain_end(box, sizeof(*box));
	return value;
}
END

for level in -O1 -O2 -O3; do
	for marks in WITH WITHOUT; do
		${CC:-cc} -std=c11 $level -D$marks -I"$TALLY_SOURCE/include" -I"$TALLY_SOURCE/src" -S -o - "$folder/hand.c" |
			grep -v '^[[:space:]]*\.' > "$folder/$marks.s"
	done
	grep -q ret "$folder/WITH.s"
	cmp "$folder/WITH.s" "$folder/WITHOUT.s" || exit 1
done

# And so are the sources that the models run, all of them.
mkdir -p "$folder/without/platform"
cat > "$folder/without/platform/plain.h" <<'END'
#define tally__plain_write(start, bytes) ((void)0)
#define tally__plain_read(start, bytes) ((void)0)
#define tally__plain_end(start, bytes) ((void)0)
END
sources=0
for source in "$TALLY_SOURCE"/src/*/*.c; do
	grep -q 'platform/plain.h' "$source" || continue
	for marks in src without; do
		case $marks in src) before= ;; *) before=-I$folder/without ;; esac
		# shellcheck disable=SC2086 # one option or none
		${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 $before -I"$TALLY_SOURCE/include" -I"$TALLY_SOURCE/src" -S -o - "$source" |
			grep -v '^[[:space:]]*\.' > "$folder/$marks.s"
	done
	cmp "$folder/src.s" "$folder/without.s" || { echo "$source: its marks cost something"; exit 1; }
	sources=$((sources + 1))
done
[ "$sources" -ge 10 ]
