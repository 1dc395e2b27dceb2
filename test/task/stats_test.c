/* The runtime counts itself: what its own metrics say when all is done is exactly what was done. Each case runs
 * in a child, with a runtime of its own, which looks at itself from outside. All are in one region, so what
 * those before it have counted is there. */
#include "child.h"

#include <tally/task.h>
#include <tally/view.h>
#include <tally/waitgroup.h>

enum { TASKS = 5000, BLOCKED = 300 };

static int64_t total(const char *name)
{
	tally_view *view;
	int64_t value = INT64_MIN;

	CHECK_EQUAL(tally_view_open_pid(getpid(), &view), 0);
	for (size_t i = 0; i < tally_view_size(view); i++) {
		const tally_view_metric *at = tally_view_get(view, i);

		if (strcmp(at->name, name) == 0)
			value = at->kind == TALLY_VIEW_COUNTER ? (int64_t)at->total : at->value;
	}
	tally_view_close(view);
	CHECK(value != INT64_MIN);
	return value;
}

/* Since the case began. */
static const char *const names[] = {"tally_tasks_spawned_total",
				    "tally_tasks_run_total",
				    "tally_tasks_stolen_total",
				    "tally_tasks_parked_total",
				    "tally_tasks_woken_total",
				    "tally_workers",
				    "tally_stacks"};
enum { NAMES = sizeof(names) / sizeof(names[0]) };
static int64_t before[NAMES];

static void begin(void)
{
	for (size_t i = 0; i < NAMES; i++)
		before[i] = total(names[i]);
}

static int64_t metric(const char *name)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (strcmp(names[i], name) == 0)
			return total(name) - before[i];
	}
	CHECK(false);
	return 0;
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static void at_the_start_all_are_zero(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < NAMES; i++)
		CHECK_EQUAL(total(names[i]), 0);
}

static void tasks_that_run_through(void *arg)
{
	tally_waitgroup group = {0};

	(void)arg;
	begin();
	for (int i = 0; i < TASKS; i++)
		tally_waitgroup_go(&group, do_nothing, NULL);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(metric("tally_tasks_spawned_total"), TASKS);
	/* A task that has said done may not quite have ended. */
	for (int i = 0; i < 2000 && metric("tally_tasks_run_total") < TASKS; i++)
		pause_for(1000000);
	CHECK_EQUAL(metric("tally_tasks_run_total"), TASKS);
	CHECK(metric("tally_tasks_stolen_total") <= TASKS);
	CHECK_EQUAL(metric("tally_tasks_parked_total"), 0);
	CHECK_EQUAL(metric("tally_tasks_woken_total"), 0);
}

static void do_nothing_with(void *arg, size_t index)
{
	(void)arg;
	(void)index;
}

static void tasks_of_one_call(void *arg)
{
	tally_waitgroup group = {0};

	(void)arg;
	begin();
	tally_waitgroup_go_n(&group, TASKS, do_nothing_with, NULL);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(metric("tally_tasks_spawned_total"), TASKS);
	for (int i = 0; i < 2000 && metric("tally_tasks_run_total") < TASKS; i++)
		pause_for(1000000);
	CHECK_EQUAL(metric("tally_tasks_run_total"), TASKS);
}

static tally_waitgroup gate;

static void wait_at_the_gate(void *arg)
{
	(void)arg;
	tally_waitgroup_wait(&gate);
}

static void tasks_that_block(void *arg)
{
	tally_waitgroup group = {0};

	(void)arg;
	begin();
	tally_set_workers(4);
	tally_waitgroup_add(&gate, 1);
	for (int i = 0; i < BLOCKED; i++)
		tally_waitgroup_go(&group, wait_at_the_gate, NULL);
	for (int i = 0; i < 5000 && metric("tally_tasks_parked_total") < BLOCKED; i++)
		pause_for(1000000);
	CHECK_EQUAL(metric("tally_tasks_parked_total"), BLOCKED);
	CHECK_EQUAL(metric("tally_tasks_woken_total"), 0);
	CHECK_EQUAL(metric("tally_tasks_run_total"), 0);
	CHECK(metric("tally_workers") >= 1);
	/* Each that is blocked has one. */
	CHECK(metric("tally_stacks") >= BLOCKED);
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
	for (int i = 0; i < 2000 && metric("tally_tasks_run_total") < BLOCKED; i++)
		pause_for(1000000);
	CHECK_EQUAL(metric("tally_tasks_parked_total"), BLOCKED);
	CHECK_EQUAL(metric("tally_tasks_woken_total"), BLOCKED);
	CHECK_EQUAL(metric("tally_tasks_run_total"), BLOCKED);
	CHECK_EQUAL(metric("tally_tasks_spawned_total"), BLOCKED);
}

static void each_is_exact(void **state)
{
	(void)state;
	assert_passes(at_the_start_all_are_zero, NULL);
	assert_passes(tasks_that_run_through, NULL);
	assert_passes(tasks_of_one_call, NULL);
	assert_passes(tasks_that_block, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
