/* sched/stats.h - the runtime counts itself, with named counters that anybody can look at. */
#ifndef TALLY_SCHED_STATS_H_
#define TALLY_SCHED_STATS_H_

#include <tally/counter.h>

extern tally_counter tally__tasks_spawned;
extern tally_counter tally__tasks_run;
extern tally_counter tally__tasks_stolen;
extern tally_counter tally__tasks_parked;
extern tally_counter tally__tasks_woken;
extern tally_updown tally__workers;
extern tally_updown tally__stacks;

static inline void tally__stats_spawned(uint64_t count)
{
	tally_counter_add(&tally__tasks_spawned, count);
}

static inline void tally__stats_run(void)
{
	tally_counter_inc(&tally__tasks_run);
}

static inline void tally__stats_stolen(uint64_t count)
{
	tally_counter_add(&tally__tasks_stolen, count);
}

static inline void tally__stats_parked(void)
{
	tally_counter_inc(&tally__tasks_parked);
}

static inline void tally__stats_woken(void)
{
	tally_counter_inc(&tally__tasks_woken);
}

/* By 1, or by -1. */
static inline void tally__stats_workers(int change)
{
	if (change > 0)
		tally_updown_add(&tally__workers, 1);
	else
		tally_updown_sub(&tally__workers, 1);
}

static inline void tally__stats_stack(void)
{
	tally_updown_add(&tally__stacks, 1);
}

#endif
