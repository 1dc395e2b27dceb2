/* A bit for each cell of anonymous metrics. No locks: a signal handler may count on a new counter, and a fork
 * may come at any time. */
#include "count/cells.h"

#include "region/layout.h"

static tally_atomic_u64 in_use[TALLY__CELLS_MAX / 64];

/* The lowest bit where `count` free ones begin, or -1. */
static int free_bits(uint64_t word, uint32_t count)
{
	uint64_t starts = ~word;

	if (count == 2)
		starts &= starts >> 1;
	return starts == 0 ? -1 : __builtin_ctzll(starts);
}

static uint64_t mask_of(uint32_t bit, uint32_t count)
{
	return (count == 2 ? UINT64_C(3) : UINT64_C(1)) << bit;
}

uint32_t tally__cells_take(uint32_t count)
{
	for (uint32_t i = 0; i < TALLY__CELLS_MAX / 64; i++) {
		/* The compare-and-swap checks it. pairs with cells.c:tally__cells_give */
		uint64_t word = tally_atomic_u64_load_relaxed(&in_use[i]);
		int bit;

		while ((bit = free_bits(word, count)) >= 0) {
			if (tally_atomic_u64_compare_and_swap(&in_use[i], word,
							      word | mask_of((uint32_t)bit, count)))
				return i * 64 + (uint32_t)bit;
			/* pairs with cells.c:tally__cells_give */
			word = tally_atomic_u64_load_relaxed(&in_use[i]);
		}
	}
	return TALLY__CELLS_NONE;
}

void tally__cells_give(uint32_t cell, uint32_t count)
{
	tally_atomic_u64_and(&in_use[cell / 64], ~mask_of(cell % 64, count));
}
