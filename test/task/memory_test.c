/* What a task costs in memory while it is pending, and while it is blocked. */
#include "child.h"
#include "scale.h"

#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_waitgroup group, gate;
static tally_atomic_u64 arrived;
static tally_atomic_bool go_on;

/* Memory in use, that of the kernel's tables for it included, in bytes. */
static int64_t used(void)
{
	char line[256];
	int64_t bytes = 0;
	int found = 0;
	FILE *status = fopen("/proc/self/status", "r");
	CHECK(status != NULL);
	while (fgets(line, sizeof(line), status) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0 || strncmp(line, "VmPTE:", 6) == 0) {
			bytes += strtoll(line + 6, NULL, 10) * 1024;
			found++;
		}
	fclose(status);
	CHECK_EQUAL(found, 2);
	return bytes;
}

static void hold(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&arrived, 1);
	while (!tally_atomic_bool_load(&go_on))
		pause_for(100000);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void wait_until_arrived(uint64_t count)
{
	while (tally_atomic_u64_load(&arrived) < count)
		pause_for(100000);
}

#define PENDING 1000000

/* 64 for the descriptor, 8 to 16 for its place in the deque, which is of a power of two. */
static void pend(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_waitgroup_go(&group, hold, NULL);
	wait_until_arrived(1);
	int64_t before = used();
	for (int i = 0; i < PENDING; i++)
		tally_waitgroup_go(&group, nothing, NULL);
	int64_t each = (used() - before) / PENDING;
	CHECK(each <= 96);
	/* If it were less than a descriptor, the figure would be wrong. */
	CHECK(each >= 64);
	tally_atomic_bool_store(&go_on, true);
	tally_waitgroup_wait(&group);
	/* The same again takes no more: memory of tasks that have ended serves new ones. */
	int64_t first = used();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < PENDING; i++)
			tally_waitgroup_go(&group, nothing, NULL);
		tally_waitgroup_wait(&group);
	}
	CHECK(used() - first < 8 * 1024 * 1024);
}

static void a_pending_task_takes_at_most_96_bytes(void **state)
{
	(void)state;
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message("sanitizers take memory of their own\n");
		skip();
	}
	assert_passes(pend, NULL);
}

#define RANGE 100000000

/* A range that has not started is one entry. */
static void nothing_n(void *arg, size_t index)
{
	(void)arg;
	(void)index;
}

static void pend_range(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_waitgroup_go(&group, hold, NULL);
	wait_until_arrived(1);
	int64_t before = used();
	tally_waitgroup_go_n(&group, RANGE, nothing_n, NULL);
	CHECK(used() - before < 1024 * 1024);
}

static void a_pending_range_takes_next_to_nothing(void **state)
{
	(void)state;
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message("sanitizers take memory of their own\n");
		skip();
	}
	assert_passes(pend_range, NULL);
}

#define BLOCKED 100000

static void block(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	tally_atomic_u64_add(&arrived, 1);
	tally_waitgroup_wait(&gate);
}

/* A page of stack, and what the kernel and the runtime keep of it. */
static void park(void *arg)
{
	(void)arg;
	tally_set_workers(2);
	tally_waitgroup_go(&group, nothing, NULL);
	tally_waitgroup_wait(&group);
	int64_t before = used();
	for (int round = 0; round < 2; round++) {
		tally_waitgroup_add(&gate, 1);
		tally_waitgroup_go_n(&group, BLOCKED, block, NULL);
		wait_until_arrived((uint64_t)(round + 1) * BLOCKED);
		int64_t each = (used() - before) / BLOCKED;
		CHECK(each >= 4096);
		CHECK(each <= 4608);
		tally_waitgroup_done(&gate);
		tally_waitgroup_wait(&group);
	}
	/* Of the stacks that are free now, some thousands keep their page; the others have given it back. */
	tally_waitgroup_go(&group, nothing, NULL);
	tally_waitgroup_wait(&group);
}

static void a_blocked_task_takes_at_most_4608_bytes(void **state)
{
	(void)state;
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message("sanitizers take memory of their own\n");
		skip();
	}
	assert_passes(park, NULL);
}

/* A tree of waiting tasks, depth first: as many stacks as it is deep on each thread, not as it has leaves. */
static void tree(void *arg)
{
	size_t depth = (size_t)(uintptr_t)arg;
	if (depth == 0)
		return;
	tally_waitgroup own = {0};
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(&own, tree, (void *)(uintptr_t)(depth - 1));
	tally_waitgroup_wait(&own);
}

static void grow_tree(void *arg)
{
	(void)arg;
	tally_set_workers(2);
	int64_t before = used();
	tally_waitgroup_go(&group, tree, (void *)(uintptr_t)5);
	tally_waitgroup_wait(&group);
	CHECK(used() - before < 16 * 1024 * 1024);
}

static void a_tree_of_a_hundred_thousand_tasks_takes_few_stacks(void **state)
{
	(void)state;
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message("sanitizers take memory of their own\n");
		skip();
	}
	assert_passes(grow_tree, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pending_task_takes_at_most_96_bytes),
		cmocka_unit_test(a_pending_range_takes_next_to_nothing),
		cmocka_unit_test(a_blocked_task_takes_at_most_4608_bytes),
		cmocka_unit_test(a_tree_of_a_hundred_thousand_tasks_takes_few_stacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
