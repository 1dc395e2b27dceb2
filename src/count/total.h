/* count/total.h - adding to a metric and summing it, for the metrics that are made of cells. */
#ifndef TALLY_COUNT_TOTAL_H_
#define TALLY_COUNT_TOTAL_H_

#include "count/metric.h"

/* Counts in a cell of the calling thread, else in the shared one, else in the object. `cells` is how many the
 * metric takes, `which` the one to count in. */
void tally__total_add(struct tally__metric *metric, uint32_t cells, unsigned which, uint64_t n);

/* All that has been counted in one of them. For the first, less what the cells of the metric held before it had
 * them. */
uint64_t tally__total(const struct tally__metric *metric, unsigned which);

#endif
