/* C11's atomic_fetch_add: what most programs use. One thread of it is the unit of doc/performance.md. */
#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t bench_counter;

static inline void bench_add(bench_counter *c)
{
	atomic_fetch_add(c, 1);
}

static inline uint64_t bench_read(bench_counter *c)
{
	return atomic_load(c);
}

#include "../common/add.h"
