/* Concurrency Kit's ck_pr_inc_64. */
#include <ck_pr.h>
#include <stdint.h>

typedef uint64_t bench_counter;

static inline void bench_add(bench_counter *c)
{
	ck_pr_inc_64(c);
}

static inline uint64_t bench_read(bench_counter *c)
{
	return ck_pr_load_64(c);
}

#include "../common/add.h"
