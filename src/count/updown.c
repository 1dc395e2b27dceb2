/* Up-down counters: two counters, of ups and of downs. doc/counters.md has the proofs. */
#include "count/total.h"

enum { UPS = 0, DOWNS = 1 };

void tally__updown_add_slow(tally_updown *updown, unsigned which, uint64_t n)
{
	tally__total_add(&updown->metric_, 2, which, n);
}

int64_t tally_updown_load(const tally_updown *updown)
{
	/* The downs first: then each of them finds the up that it undoes among the ups. */
	uint64_t downs = tally__total(&updown->metric_, DOWNS);

	return (int64_t)(tally__total(&updown->metric_, UPS) - downs);
}

void tally_updown_bounds(const tally_updown *updown, int64_t *low, int64_t *high)
{
	/* Two collections. At the instant between them the ups are no fewer than those of the first and no more
	 * than those of the second, and so are the downs. */
	uint64_t ups = tally__total(&updown->metric_, UPS);
	uint64_t downs = tally__total(&updown->metric_, DOWNS);
	uint64_t more_ups = tally__total(&updown->metric_, UPS);
	uint64_t more_downs = tally__total(&updown->metric_, DOWNS);

	*low = (int64_t)(ups - more_downs);
	*high = (int64_t)(more_ups - downs);
}

void tally_updown_destroy(tally_updown *updown)
{
	tally__metric_destroy(&updown->metric_, 2);
}
