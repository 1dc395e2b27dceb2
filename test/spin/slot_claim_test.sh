#!/bin/sh
# How slots change hands, in all interleavings, with one process killed at any step; and each planted mistake is
# found. With TALLY_SOAK_SECONDS set, for three processes too.
set -eu
. "$(dirname "$0")/search.sh"

right slot_claim -DPROCESSES=2 -DREADS=2
right slot_claim -DPROCESSES=2 -DREADS=2 -DSLOTS=1
if [ -n "${TALLY_SOAK_SECONDS:-}" ]; then
	right slot_claim -DPROCESSES=3
	right slot_claim -DPROCESSES=3 -DSLOTS=1
fi
for plant in STORE LIVING USED ZERO START ABOVE FOLD; do
	wrong slot_claim -DPROCESSES=2 -DREADS=2 -DPLANT_$plant
done
