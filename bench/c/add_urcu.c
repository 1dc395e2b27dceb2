/* liburcu's uatomic_add. */
#include <stdint.h>
#include <urcu/uatomic.h>

typedef unsigned long bench_counter;

static inline void bench_add(bench_counter *c)
{
	uatomic_add(c, 1UL);
}

static inline uint64_t bench_read(bench_counter *c)
{
	return uatomic_read(c);
}

#include "../common/add.h"
