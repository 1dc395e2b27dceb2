/* A plain integer, for one thread only: the least that counting can cost, and no peer of what is shared. */
#include <stdint.h>

typedef uint64_t bench_counter;

static inline void bench_add(bench_counter *c)
{
	++*c;
	__asm__("" : "+m"(*c)); /* each addition reaches memory */
}

static inline uint64_t bench_read(bench_counter *c)
{
	__asm__("" : "+m"(*c));
	return *c;
}

#include "../common/add.h"
