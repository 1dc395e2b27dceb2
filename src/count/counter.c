/* Counters: the calls that are not inline. */
#include "count/total.h"

void tally__counter_add_slow(tally_counter *counter, uint64_t n)
{
	tally__total_add(&counter->metric_, 1, 0, n);
}

uint64_t tally_counter_load(const tally_counter *counter)
{
	return tally__total(&counter->metric_, 0);
}

void tally_counter_bounds(const tally_counter *counter, uint64_t *low, uint64_t *high)
{
	/* The first sum holds nothing that came after it, the second all that came before it; so at the instant
	 * between them the true value lies between the two. */
	*low = tally__total(&counter->metric_, 0);
	*high = tally__total(&counter->metric_, 0);
}

void tally_counter_destroy(tally_counter *counter)
{
	tally__metric_destroy(&counter->metric_, 1);
}
