/* Permits: who queues for one gets it, also when the number of them changes meanwhile. */
#include "sched/idle.h"
#include <model.h>
#include <tally/task.h>

static void one_permit(void)
{
	tally_set_workers(1);
}

/* Has a permit for a moment, twice: a thread that has just got one may queue again at once. */
static void has_one_twice(void)
{
	struct tally__thread *thread = tally__thread_attach();

	for (int i = 0; i < 2; i++) {
		model_assert(tally__permit_wait(thread, false));
		model_assert(thread->has_permit);
		tally__permit_release(thread);
	}
}

/* Makes room for two more while it has the only one: several are let in at once. */
static void makes_room_for_two(void)
{
	struct tally__thread *thread = tally__thread_attach();

	model_assert(tally__permit_wait(thread, false));
	for (int i = 0; i < 20 && tally_atomic_u32_load(&tally__idle_pressure) == PRESSURE_NONE; i++)
		model_yield();
	tally_set_workers(3);
	tally__permit_release(thread);
}

static const struct model models[] = {
	{.name = "one after the other",
	 .setup = one_permit,
	 .threads = {has_one_twice, has_one_twice, has_one_twice},
	 .schedules = 10000},
	{.name = "room for two",
	 .setup = one_permit,
	 .threads = {makes_room_for_two, has_one_twice, has_one_twice, has_one_twice},
	 .schedules = 20000},
};

MODEL_MAIN(models)
