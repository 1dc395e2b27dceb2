#!/bin/sh
# What reads of counters and of up-down counters find, in all interleavings; and each planted mistake is found.
set -eu
. "$(dirname "$0")/search.sh"

right reads
right reads -DSTEP=3
right reads -DUPDOWN
right reads -DUPDOWN -DSTEP=3
for plant in ONCE FOLD SKIP; do
	wrong reads -DPLANT_$plant
done
for plant in UPS_FIRST NET SAME; do
	wrong reads -DUPDOWN -DPLANT_$plant
done
