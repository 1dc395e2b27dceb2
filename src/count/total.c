/* The long way of an add, and the way of every load. */
#include "count/total.h"

#include "count/sum.h"

void tally__total_add(struct tally__metric *metric, uint32_t cells, unsigned which, uint64_t n)
{
	uint64_t offset = tally__metric_offset(metric, cells);
	uint64_t slot;

	if (offset == TALLY__METRIC_NO_CELL) {
		tally_atomic_u64_add(&metric->own_[which], n);
		return;
	}
	offset += which * sizeof(uint64_t);
	slot = tally__mine_slot();
	if (slot == 0)
		tally_atomic_u64_add(tally__mine_shared_cell(offset), n);
	else
		/* Pairs with sum.c:cell_acquire. */
		tally__cell_add_release((tally_atomic_u64 *)(uintptr_t)(slot + TALLY__CELL_BIAS + offset), n);
}

uint64_t tally__total(const struct tally__metric *metric, unsigned which)
{
	uint64_t offset = tally__metric_known_offset(metric);
	uint64_t sum = tally_atomic_u64_load(&metric->own_[which]);

	if (offset != TALLY__METRIC_NO_CELL) {
		sum += tally__sum_acquire(offset + which * sizeof(uint64_t));
		if (which == 0 && !metric->text_)
			/* The load of the cell has brought it. pairs with metric.c:find_own */
			sum -= tally_atomic_u64_load_relaxed(&metric->link_);
	}
	return sum;
}
