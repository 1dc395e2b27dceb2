/* Tasks that are started run once each, whoever starts them and whoever waits. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

#define TASKS 1000

static const int worker_counts[] = {1, 2, 8};

static tally_atomic_u32 runs[TASKS];
static tally_atomic_u64 ids[TASKS];
static tally_atomic_u64 total;

static void count_run(void *arg)
{
	size_t index = (size_t)((tally_atomic_u32 *)arg - runs);
	CHECK(tally_task_id() != 0);
	tally_atomic_u64_store(&ids[index], tally_task_id());
	tally_atomic_u32_add(&runs[index], 1);
	tally_atomic_u64_add(&total, 1);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* Sleeps, and takes no part, until so many are counted. */
static void sleep_until_total(uint64_t wanted)
{
	while (tally_atomic_u64_load(&total) < wanted)
		pause_for(100000);
	CHECK_EQUAL(tally_atomic_u64_load(&total), wanted);
}

static void each_once_with_a_number_of_its_own(void)
{
	uint64_t sorted[TASKS];
	for (int i = 0; i < TASKS; i++) {
		CHECK_EQUAL(tally_atomic_u32_load(&runs[i]), 1);
		sorted[i] = tally_atomic_u64_load(&ids[i]);
	}
	qsort(sorted, TASKS, sizeof(sorted[0]), by_value);
	for (int i = 0; i < TASKS; i++)
		CHECK(sorted[i] > (i == 0 ? 0 : sorted[i - 1]));
	CHECK_EQUAL(tally_task_id(), 0);
}

static void from_a_thread_that_never_waits(void *arg)
{
	tally_set_workers(*(const int *)arg);
	for (int i = 0; i < TASKS; i++)
		tally_go(count_run, &runs[i]);
	sleep_until_total(TASKS);
	each_once_with_a_number_of_its_own();
}

static void a_thread_that_starts_tasks_and_never_waits(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(from_a_thread_that_never_waits, (void *)(uintptr_t)&worker_counts[i]);
}

static void try_go_all(void *arg)
{
	tally_set_workers(*(const int *)arg);
	for (int i = 0; i < TASKS; i++)
		CHECK_EQUAL(tally_try_go(count_run, &runs[i]), 0);
	sleep_until_total(TASKS);
	each_once_with_a_number_of_its_own();
}

static void try_go_starts_a_task(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(try_go_all, (void *)(uintptr_t)&worker_counts[i]);
}

/* Task 1 starts 2 and 3, and so on: a tree, in heap order. */
static void start_two(void *arg)
{
	size_t index = (size_t)((tally_atomic_u32 *)arg - runs);
	for (size_t child = 2 * index + 1; child <= 2 * index + 2 && child < TASKS; child++)
		tally_go(start_two, &runs[child]);
	count_run(arg);
}

static void tree(void *arg)
{
	tally_set_workers(*(const int *)arg);
	tally_go(start_two, &runs[0]);
	sleep_until_total(TASKS);
	each_once_with_a_number_of_its_own();
}

static void tasks_start_tasks(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(tree, (void *)(uintptr_t)&worker_counts[i]);
}

static void *start_and_end(void *arg)
{
	tally_atomic_u32 *first = arg;
	for (int i = 0; i < 10; i++)
		tally_go(count_run, first + i);
	CHECK_EQUAL(tally_task_id(), 0);
	return NULL;
}

/* One thread after the other, so that each takes over what the one before left; and all at once. */
static void from_threads_that_end(void *arg)
{
	pthread_t threads[TASKS / 10];
	tally_set_workers(*(const int *)arg);
	for (int i = 0; i < TASKS / 10; i++) {
		CHECK_EQUAL(pthread_create(&threads[i], NULL, start_and_end, &runs[10 * i]), 0);
		if (i < TASKS / 20)
			pthread_join(threads[i], NULL);
	}
	for (int i = TASKS / 20; i < TASKS / 10; i++)
		pthread_join(threads[i], NULL);
	sleep_until_total(TASKS);
	each_once_with_a_number_of_its_own();
}

static void threads_that_start_tasks_and_end(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(from_threads_that_end, (void *)(uintptr_t)&worker_counts[i]);
}

static void nothing_but_start(void *arg)
{
	(void)arg;
	tally_go(count_run, &runs[0]);
	/* As main does when it returns. */
	exit(7);
}

static void the_end_of_main_does_not_wait_for_tasks(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct child_end end = child_run(nothing_but_start, NULL);
		assert_true(WIFEXITED(end.status));
		assert_int_equal(WEXITSTATUS(end.status), 7);
		assert_string_equal(end.text, "");
	}
}

/* The first calls read the environment, ask for CPUs, map memory and start threads. */
static void calls_with_errno_set(void *arg)
{
	tally_waitgroup group = {0};
	(void)arg;
	setenv("TALLY_WORKERS", "2", 1);
	setenv("TALLY_STACK_SIZE", "65536", 1);
	errno = 77;
	CHECK_EQUAL(tally_set_workers(0), 2);
	CHECK_EQUAL(errno, 77);
	tally_go(count_run, &runs[0]);
	CHECK_EQUAL(errno, 77);
	tally_waitgroup_go(&group, count_run, &runs[1]);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(errno, 77);
	tally_waitgroup_add(&group, 1);
	CHECK_EQUAL(tally_waitgroup_wait_until(&group, now() + 1000000), -ETIMEDOUT);
	CHECK_EQUAL(errno, 77);
	tally_yield();
	tally_dump_tasks(STDIN_FILENO); /* may be refused */
	CHECK_EQUAL(errno, 77);
}

static void no_call_sets_errno(void **state)
{
	(void)state;
	assert_passes(calls_with_errno_set, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_starts_tasks_and_never_waits),
		cmocka_unit_test(try_go_starts_a_task),
		cmocka_unit_test(tasks_start_tasks),
		cmocka_unit_test(threads_that_start_tasks_and_end),
		cmocka_unit_test(the_end_of_main_does_not_wait_for_tasks),
		cmocka_unit_test(no_call_sets_errno),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
