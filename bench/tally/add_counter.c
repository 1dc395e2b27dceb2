/* tally_counter, as a program uses it: anonymous counters, one add inline. */
#include <tally/counter.h>

typedef tally_counter bench_counter;

static inline void bench_add(bench_counter *c)
{
	tally_counter_inc(c);
}

static inline uint64_t bench_read(bench_counter *c)
{
	return tally_counter_load(c);
}

#include "../common/add.h"
