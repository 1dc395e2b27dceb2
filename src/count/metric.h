/* count/metric.h - metrics and their cells. */
#ifndef TALLY_COUNT_METRIC_H_
#define TALLY_COUNT_METRIC_H_

#include <tally/counter.h>

#include "count/mine.h"

/* metric.cell_ is one of
 *
 *     0                          not used yet
 *     TALLY__METRIC_NO_CELL      there is no room: it counts in own_, for good
 *     TALLY__METRIC_BUSY - pid   a thread of that process is finding it a cell; meanwhile it counts in own_
 *     TALLY__CELL_BIAS + offset  of its cell from the start of a slot
 *
 * The first is set by users, who may also set it anew with tally_X_destroy; the others by metric.c. No
 * slot's address plus any of the first three looks like an address (tally/cell.h). */
#define TALLY__METRIC_NO_CELL UINT64_MAX
#define TALLY__METRIC_BUSY    (UINT64_MAX - 1)
#define TALLY__METRIC_SPECIAL (UINT64_MAX - (UINT64_C(1) << 24)) /* the greatest offset is below this */

/* The offset of the metric's cell, which is found for it if need be; or TALLY__METRIC_NO_CELL if it has to
 * count in own_, for now or for good. `cells` is how many an anonymous one takes. */
uint64_t tally__metric_offset(struct tally__metric *metric, uint32_t cells);

/* The same, without finding one. */
static inline uint64_t tally__metric_known_offset(const struct tally__metric *metric)
{
	uint64_t cell = tally_atomic_u64_load(&metric->cell_);

	return cell == 0 || cell >= TALLY__METRIC_SPECIAL ? TALLY__METRIC_NO_CELL : cell - TALLY__CELL_BIAS;
}

/* Gives the cells of an anonymous metric back and makes it all zeros. */
void tally__metric_destroy(struct tally__metric *metric, uint32_t cells);

#endif
