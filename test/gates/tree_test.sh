#!/bin/sh
# This tree keeps the rules of CONTRIBUTING.md that a program can check, and tools/check-tree sees each broken.
set -eu
"$TALLY_SOURCE/tools/check-tree"

. "$TALLY_SOURCE/test/gates/expect.sh"
plant src/platform/clock.c <<'C'
#if defined(__x86_64__)
#include <time.h>
#endif
void relax(void) { __asm__ volatile("pause"); }
C
plant src/count/slot.h <<'C'
#ifndef TALLY_COUNT_SLOT_H_
#define TALLY_COUNT_SLOT_H_
#include <string.h>
#include <tally/atomic.h>
#include "platform/clock.h"
#endif
C
accepts check-tree

while read -r line said; do
	plant src/count/slot.c <<C
$(echo "$line" | tr _ ' ')
C
	sees check-tree "src/count/slot.c:1: $said"
done <<'LINES'
#if_1 #if belongs into src/platform
#__ifdef_X #ifdef belongs into src/platform
#ifndef_TALLY #ifndef belongs into src/platform
asm("nop"); assembly belongs into src/platform
#include_<pthread.h> <pthread.h> belongs into src/platform
int_a;_ blanks at the end
LINES
rm "$tree/src/count/slot.c"
accepts check-tree

printf '/* %swork/here */\n' / | plant src/count/slot.c
sees check-tree 'src/count/slot.c:1: a folder of some machine'
printf 'int a;' | plant src/count/slot.c
sees check-tree 'src/count/slot.c: its last line has no end'
seq 601 | sed 's/.*/int a&;/' | plant src/count/slot.c
sees check-tree 'src/count/slot.c: 601 lines, more than 600'
seq 600 | sed 's/.*/int a&;/' | plant src/count/slot.c
accepts check-tree

for page in design/none none; do
	echo "/* See doc/""$page.md. */" | plant src/count/slot.c
	sees check-tree "src/count/slot.c:1: there is no doc/""$page.md"
done
rm "$tree/src/count/slot.c"
mkdir -p "$tree/doc/design"
echo 'See [this](design/none.md) and [that](design).' | plant doc/"page.md"
sees check-tree 'page.md:1: there is no design/none.md'
echo 'No design.' | plant doc/design/"none.md"
accepts check-tree
