/* tally_updown: a counter that may also go down. */
#include <tally/counter.h>

typedef tally_updown bench_counter;

static inline void bench_add(bench_counter *c)
{
	tally_updown_add(c, 1);
}

static inline uint64_t bench_read(bench_counter *c)
{
	return (uint64_t)tally_updown_load(c);
}

#include "../common/add.h"
