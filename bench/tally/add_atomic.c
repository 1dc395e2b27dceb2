/* tally_atomic_u64: one shared word, as Go's atomic.Uint64. */
#include <tally/atomic.h>

typedef tally_atomic_u64 bench_counter;

static inline void bench_add(bench_counter *c)
{
	tally_atomic_u64_add(c, 1);
}

static inline uint64_t bench_read(bench_counter *c)
{
	return tally_atomic_u64_load(c);
}

#include "../common/add.h"
