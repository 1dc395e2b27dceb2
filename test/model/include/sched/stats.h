/* In the place of src/sched/stats.h: in a model the runtime does not count itself. */
#ifndef TALLY_SCHED_STATS_H_
#define TALLY_SCHED_STATS_H_

#include <stdint.h>

static inline void tally__stats_spawned(uint64_t count)
{
	(void)count;
}

static inline void tally__stats_run(void)
{
}

static inline void tally__stats_stolen(uint64_t count)
{
	(void)count;
}

static inline void tally__stats_parked(void)
{
}

static inline void tally__stats_woken(void)
{
}

static inline void tally__stats_workers(int change)
{
	(void)change;
}

static inline void tally__stats_stack(void)
{
}

#endif
