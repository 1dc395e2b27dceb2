/* What a plain thread may rely on while it waits, and what it leaves to others. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_atomic_bool started, stop;
static tally_atomic_u64 done_count;

static void count_one(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&done_count, 1);
}

/* Never yields, as a stranger's server loop may. */
static void endless(void *arg)
{
	(void)arg;
	tally_atomic_bool_store(&started, true);
	while (!tally_atomic_bool_load(&stop)) {
	}
}

static void sleep_until(tally_atomic_bool *flag)
{
	while (!tally_atomic_bool_load(flag))
		pause_for(100000);
}

/* Strangers' endless tasks lie in main's own queue, under and over its own; one worker may be caught. */
static void wait_beside_endless_tasks(void *arg)
{
	int permits = *(const int *)arg;
	tally_waitgroup group = {0};
	tally_set_workers(permits);
	/* One permit less than there are, so that somebody can work. */
	for (int i = 0; i < permits - 1; i++)
		tally_go(endless, NULL);
	for (int i = 0; i < 1000; i++)
		tally_waitgroup_go(&group, count_one, NULL);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&done_count), 1000);
}

static void a_waiting_thread_is_not_caught_in_a_strangers_task(void **state)
{
	(void)state;
	for (int permits = 2; permits <= 4; permits += 2)
		for (int i = 0; i < 5; i++)
			assert_passes(wait_beside_endless_tasks, &permits);
}

/* The same with the group's tasks given from outside: main's queue holds strangers only. */
static void *done_later(void *arg)
{
	pause_for(2000000);
	tally_waitgroup_done(arg);
	return NULL;
}

static void wait_with_only_strangers_queued(void *arg)
{
	(void)arg;
	pthread_t thread;
	tally_waitgroup group = {0};
	tally_set_workers(1);
	tally_go(endless, NULL);
	sleep_until(&started);
	for (int i = 0; i < 100; i++)
		tally_go(endless, NULL);
	tally_waitgroup_add(&group, 1);
	CHECK_EQUAL(pthread_create(&thread, NULL, done_later, &group), 0);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_waitgroup_wait_until(&group, 0), 0);
	pthread_join(thread, NULL);
}

static void a_waiting_thread_with_only_strangers_queued_returns(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_passes(wait_with_only_strangers_queued, NULL);
}

/* Main has the only permit; what it must not start itself is passed on, and the worker gives up looking. Then
 * main has nothing more to do, and the worker must hear of it. */
static tally_waitgroup inner;

static void keep_busy_and_wait_for_a_stranger(void *arg)
{
	(void)arg;
	int64_t end = now() + 60000000;
	while (now() < end) {
	}
	tally_waitgroup_wait(&inner);
}

static void inner_done(void *arg)
{
	(void)arg;
	tally_waitgroup_done(&inner);
}

static void leave_a_strangers_task(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	tally_set_workers(1);
	tally_waitgroup_add(&inner, 1);
	tally_waitgroup_go(&group, keep_busy_and_wait_for_a_stranger, NULL);
	tally_go(inner_done, NULL);
	tally_waitgroup_wait(&group);
}

static void what_a_waiting_thread_leaves_is_run_when_it_rests(void **state)
{
	(void)state;
	assert_passes(leave_a_strangers_task, NULL);
}

/* A plain thread keeps its tasks to itself only while it works: it may sleep, compute or end. */
static void *start_and_compute(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++)
		tally_go(count_one, NULL);
	while (tally_atomic_u64_load(&done_count) < 100) {
	}
	return NULL;
}

static void compute_beside_tasks(void *arg)
{
	pthread_t thread;
	tally_set_workers(*(const int *)arg);
	CHECK_EQUAL(pthread_create(&thread, NULL, start_and_compute, NULL), 0);
	pthread_join(thread, NULL);
}

static void tasks_run_while_their_thread_computes(void **state)
{
	(void)state;
	static const int counts[] = {1, 2, 8};
	for (int i = 0; i < 3; i++)
		assert_passes(compute_beside_tasks, (void *)(uintptr_t)&counts[i]);
}

/* A hog delays the tasks that are parked on its worker, and does not lose them. */
static tally_waitgroup gate;
static tally_atomic_u32 parked;

static void park(void *arg)
{
	(void)arg;
	tally_atomic_u32_add(&parked, 1);
	tally_waitgroup_wait(&gate);
	tally_atomic_u64_add(&done_count, 1);
}

static void hogs_delay(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	tally_set_workers(2);
	tally_waitgroup_add(&gate, 1);
	for (int i = 0; i < 100; i++)
		tally_waitgroup_go(&group, park, NULL);
	/* In the workers' hands, since main waits with a deadline or not at all. */
	while (tally_atomic_u32_load(&parked) < 100)
		pause_for(100000);
	for (int i = 0; i < 2; i++)
		tally_go(endless, NULL);
	sleep_until(&started);
	tally_waitgroup_done(&gate);
	pause_for(1000000);
	tally_atomic_bool_store(&stop, true);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&done_count), 100);
}

static void tasks_parked_beside_a_hog_are_late_and_not_lost(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_passes(hogs_delay, NULL);
}

/* A worker that has run tasks of a group goes on with an endless stranger: the group is done all the same. */
#define MANY 300

static tally_waitgroup big;
static tally_atomic_u32 blockers;

static void start_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < MANY; i++)
		tally_waitgroup_go(&big, count_one, NULL);
	tally_waitgroup_done(&big);
	tally_atomic_u32_add(&blockers, 1);
	while (tally_atomic_u32_load(&blockers) < 3) {
	}
}

static void hold_a_worker(void *arg)
{
	(void)arg;
	tally_atomic_u32_add(&blockers, 1);
	while (!tally_atomic_bool_load(&started)) {
	}
}

static void *start_endless(void *arg)
{
	(void)arg;
	tally_go(endless, NULL);
	return NULL;
}

static void stranger_comes_between(void *arg)
{
	(void)arg;
	pthread_t thread;
	tally_set_workers(2);
	tally_waitgroup_add(&big, 1);
	tally_go(hold_a_worker, NULL);
	tally_go(start_many, NULL);
	while (tally_atomic_u32_load(&blockers) < 2)
		pause_for(100000);
	/* Into the queue that all share, since the thread ends. */
	CHECK_EQUAL(pthread_create(&thread, NULL, start_endless, NULL), 0);
	pthread_join(thread, NULL);
	tally_atomic_u32_add(&blockers, 1);
	tally_waitgroup_wait(&big);
	CHECK_EQUAL(tally_atomic_u64_load(&done_count), MANY);
}

static void an_endless_task_does_not_hold_back_a_group_that_is_done(void **state)
{
	(void)state;
	assert_passes(stranger_comes_between, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_waiting_thread_is_not_caught_in_a_strangers_task),
		cmocka_unit_test(a_waiting_thread_with_only_strangers_queued_returns),
		cmocka_unit_test(what_a_waiting_thread_leaves_is_run_when_it_rests),
		cmocka_unit_test(tasks_run_while_their_thread_computes),
		cmocka_unit_test(tasks_parked_beside_a_hog_are_late_and_not_lost),
		cmocka_unit_test(an_endless_task_does_not_hold_back_a_group_that_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
