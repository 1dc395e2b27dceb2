/* tasks.h - what the models of the whole runtime share: tasks that count, that tell, that wait at a gate. */
#ifndef TASKS_H
#define TASKS_H

#include "platform/clock.h"
#include "platform/futex.h"
#include <model.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_waitgroup group, inner, gate;
static int work[4];
static tally_atomic_u32 runs, ran;

/* Tasks that count, on somebody's group. */
static inline void task(void *arg)
{
	int *mine = arg;

	model_assert(model_read(mine) == 0);
	model_write(mine, 1);
	tally_atomic_u32_add_relaxed(&runs, 1);
}

static inline void see(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		model_assert(model_read(&work[i]) == 1);
}

static inline void prepare(int *mine)
{
	model_write(mine, 0);
}

static inline void expect_two(void)
{
	tally_waitgroup_add(&group, 2);
}

static inline void opens_the_gate(void)
{
	model_write(&work[2], 5);
	tally_waitgroup_done(&gate);
}

static inline void close_the_gate(void)
{
	tally_waitgroup_add(&gate, 1);
}

/* A task that nobody waits for in the runtime: a worker must come for it by itself, though the spawner sleeps.
 */
static inline void tell(void *arg)
{
	model_write((int *)arg, 1);
	tally_atomic_u32_add(&ran, 1);
	tally__futex_wake(&ran, MODEL_THREADS_MAX);
}

static inline void await_runs(uint32_t wanted)
{
	uint32_t now;

	while ((now = tally_atomic_u32_load(&ran)) < wanted)
		tally__futex_wait(&ran, now, TALLY__FOREVER);
}

static inline void waits_for_both(void)
{
	await_runs(2);
	see(0, 2);
}

#endif
