/* Very many at once: pending tasks, blocked tasks, nested groups. All are counted. */
#include "places.h"

#include <tally/waitgroup.h>

static tally_waitgroup group, gate;
static tally_atomic_u64 total, arrived;
static tally_atomic_bool go_on;

static void count_one(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&total, 1);
}

/* --- pending --- */

static void hold(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&arrived, 1);
	while (!tally_atomic_bool_load(&go_on))
		pause_for(100000);
}

/* Every permit is taken while the tasks are started, so none of them runs. */
static void pending(void *arg)
{
	size_t tasks = scaled(1000000);
	go_to_place(arg);
	int workers = tally_set_workers(0);
	for (int i = 0; i < workers; i++)
		tally_waitgroup_go(&group, hold, NULL);
	while (tally_atomic_u64_load(&arrived) < (uint64_t)workers)
		pause_for(100000);
	for (size_t i = 0; i < tasks; i++)
		tally_waitgroup_go(&group, count_one, NULL);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 0);
	tally_atomic_bool_store(&go_on, true);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&total), tasks);
}

static void a_million_tasks_may_be_pending(void **state)
{
	(void)state;
	assert_passes_everywhere(pending);
}

/* --- blocked --- */

static void block(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	tally_atomic_u64_add(&arrived, 1);
	tally_waitgroup_wait(&gate);
	tally_atomic_u64_add(&total, 1);
}

static void blocked(void *arg)
{
	size_t tasks = scaled(100000);
	go_to_place(arg);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go_n(&group, tasks, block, NULL);
	while (tally_atomic_u64_load(&arrived) < tasks)
		pause_for(1000000);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 0);
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&total), tasks);
}

static void a_hundred_thousand_tasks_may_be_blocked(void **state)
{
	(void)state;
	assert_passes_everywhere(blocked);
}

/* --- nested --- */

static void descend(void *arg)
{
	size_t below = (size_t)(uintptr_t)arg;
	tally_atomic_u64_add(&total, 1);
	if (below == 0)
		return;
	tally_waitgroup own = {0};
	tally_waitgroup_go(&own, descend, (void *)(uintptr_t)(below - 1));
	for (int i = 0; i < 3; i++)
		tally_waitgroup_go(&own, count_one, NULL);
	tally_waitgroup_wait(&own);
}

static void nested(void *arg)
{
	size_t levels = UNDER_TSAN ? 200 : 1000;
	go_to_place(arg);
	tally_waitgroup_go(&group, descend, (void *)(uintptr_t)levels);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 4 * levels + 1);
}

static void groups_nest_a_thousand_levels(void **state)
{
	(void)state;
	assert_passes_everywhere(nested);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_tasks_may_be_pending),
		cmocka_unit_test(a_hundred_thousand_tasks_may_be_blocked),
		cmocka_unit_test(groups_nest_a_thousand_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
