/* platform/cpus.h - how many CPUs there are for us, and what a CPU can do for waiting code. */
#ifndef TALLY_PLATFORM_CPUS_H_
#define TALLY_PLATFORM_CPUS_H_

#include <stdbool.h>

/* The CPUs this process may use, at least 1: the affinity mask of the calling thread, and no more than the
 * quota of its cgroup rounded up. */
int tally__cpus_usable(void);

/* The same without the quota, which costs far more to find out. */
int tally__cpus_in_mask(void);

/* A short pause for a loop that polls. */
void tally__cpu_relax(void);

/* An asymmetric barrier. Where tally__heavy_barrier_ready() is true, every thread of the process passes a full
 * barrier during tally__heavy_barrier(): a store before it is seen by what any thread loads after it, and
 * what any thread stored before it is seen by the caller's loads after it. So the other side of a
 * store-then-load pair needs no barrier of its own. Where it is false (old kernels, filters),
 * tally__heavy_barrier() does nothing, and both sides need sequentially consistent operations. The answer never
 * changes within a process once tally__heavy_barrier_start(), which any thread may call at any time, has
 * returned. */
void tally__heavy_barrier_start(void);
bool tally__heavy_barrier_ready(void);
void tally__heavy_barrier(void);

#endif
