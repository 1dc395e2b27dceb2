#!/bin/sh
# The protocols of wait groups and of sleeping workers, in all interleavings; and each planted mistake is found.
set -eu
. "$(dirname "$0")/search.sh"

right waitgroup
for plant in TOUCH UNLOCKED EXPIRED ONE; do
	wrong waitgroup -DPLANT_$plant
done
right idle -DLIMIT=2
right idle -DLIMIT=1
for plant in RECHECK BARRIER NEWS FULL CHECK; do
	wrong idle -DLIMIT=1 -DPLANT_$plant
done
