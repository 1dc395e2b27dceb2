#!/bin/sh
# The includes of this tree go the way src/LAYERS says, and tools/check-layers sees one that does not.
set -eu
"$TALLY_SOURCE/tools/check-layers"

. "$TALLY_SOURCE/test/gates/expect.sh"
plant src/sched/task.c <<'C'
#include "platform/futex.h"
#include "task.h"
#include <tally/task.h>
C
plant cmd/tally/main.c <<'C'
#include "verbs.h"
C
accepts check-layers

plant src/count/counter.c <<'C'
#include "sched/task.h"
C
sees check-layers 'src/count/counter.c:1: count may not include "sched/task.h"'
plant src/count/counter.c <<'C'
#include <tally/counter.h>
C
accepts check-layers

plant cmd/tally/main.c <<'C'
 # include "region/layout.h"
C
sees check-layers 'cmd/tally/main.c:1: cmd may include only its own files'
plant cmd/tally/main.c </dev/null
mkdir "$tree/src/extra"
plant src/extra/new.c <<'C'
#include "new.h"
C
sees check-layers 'src/extra/new.c:1: extra is not in src/LAYERS'
