/* Summing cells. A slot is read if its number is below slots_used, which a thread raises before it counts; so
 * what happened before the read is in it. */
#include "count/sum.h"

#include "region/region.h"

static uint64_t cell_acquire(const char *cell)
{
	/* Pairs with tally/cell.h:tally__cell_add_release: the add that a sub undoes is seen by whoever sees
	 * the sub. */
	return tally_atomic_u64_load_acquire((const tally_atomic_u64 *)cell);
}

/* All the slots can be read there. */
static uint64_t sum_all(const char *cell, uint32_t slots)
{
	uint64_t sum = 0;
	uint64_t other = 0;

	for (; slots >= 4; slots -= 4, cell += 4 * TALLY__SLOT_STRIDE) {
		sum += cell_acquire(cell);
		other += cell_acquire(cell + TALLY__SLOT_STRIDE);
		sum += cell_acquire(cell + 2 * TALLY__SLOT_STRIDE);
		other += cell_acquire(cell + 3 * TALLY__SLOT_STRIDE);
	}
	for (; slots > 0; slots--, cell += TALLY__SLOT_STRIDE)
		sum += cell_acquire(cell);
	return sum + other;
}

/* Asks of each slot whether it can, and remembers if all can. */
static __attribute__((noinline)) uint64_t sum_some(uint64_t offset, uint32_t slots)
{
	enum tally__area area = tally__area_of(offset);
	uint64_t start = area == TALLY__AREA_OWN ? tally__region.own_offset : 0;
	uint32_t cell = (uint32_t)((offset - start) / sizeof(uint64_t));
	bool all = true;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < slots; i++) {
		if (tally__region_reaches(area, i, cell))
			sum += cell_acquire(tally__region_slot(i) + offset);
		else
			all = false;
	}
	if (all)
		tally__region_reach_all(area, slots, cell + 1);
	return sum;
}

uint64_t tally__sum_acquire(uint64_t offset)
{
	enum tally__area area = tally__area_of(offset);
	uint64_t all = tally_atomic_u64_load(&tally__region.all[area]);
	uint64_t start = area == TALLY__AREA_OWN ? tally__region.own_offset : 0;
	uint32_t slots = tally__slots_used(&tally__region.slots);

	if (all >> 32 >= slots && (all & UINT32_MAX) * sizeof(uint64_t) > offset - start)
		return sum_all(tally__region_slot(TALLY__SLOT_SHARED) + offset, slots);
	return sum_some(offset, slots);
}
