/* Gauges: one cell, of the slot that all share. Without a name, one in the object. */
#include "count/metric.h"

static tally_atomic_u64 *cell_of(tally_gauge *gauge)
{
	uint64_t offset = TALLY__METRIC_NO_CELL;

	if (gauge->metric_.text_)
		offset = tally__metric_offset(&gauge->metric_, 1);
	return offset == TALLY__METRIC_NO_CELL ? &gauge->metric_.own_[0] : tally__mine_shared_cell(offset);
}

void tally_gauge_set(tally_gauge *gauge, int64_t value)
{
	tally_atomic_u64_store(cell_of(gauge), (uint64_t)value);
}

void tally_gauge_add(tally_gauge *gauge, int64_t n)
{
	tally_atomic_u64_add(cell_of(gauge), (uint64_t)n);
}

int64_t tally_gauge_load(const tally_gauge *gauge)
{
	uint64_t offset = tally__metric_known_offset(&gauge->metric_);
	const tally_atomic_u64 *cell = &gauge->metric_.own_[0];

	if (offset != TALLY__METRIC_NO_CELL)
		cell = tally__mine_shared_cell(offset);
	return (int64_t)tally_atomic_u64_load(cell);
}
