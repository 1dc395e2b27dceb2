/* tally_waitgroup_wait_until: from tasks and plain threads, and deadlines that race with done. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static const int worker_counts[] = {1, 2, 8};
static tally_atomic_u64 total;

static void with_all_worker_counts(void (*body)(void *))
{
	for (int i = 0; i < 3; i++)
		assert_passes(body, (void *)(uintptr_t)&worker_counts[i]);
}

/* Runs fn(arg) in the plain thread, and then as a task while the thread sleeps. */
static void in_thread_and_task(void (*fn)(void *))
{
	tally_waitgroup group = {0};
	fn(NULL);
	tally_waitgroup_go(&group, fn, NULL);
	while (tally_waitgroup_wait_until(&group, now() + 1000000000) != 0) {
	}
}

static void nothing(void *arg)
{
	(void)arg;
}

static void expire(void *arg)
{
	static const int64_t past[] = {0, -1, INT64_MIN, 1};
	tally_waitgroup group = {0};
	(void)arg;
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(tally_waitgroup_wait_until(&group, past[i]), 0);
	tally_waitgroup_add(&group, 1);
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(tally_waitgroup_wait_until(&group, past[i]), -ETIMEDOUT);
	CHECK_EQUAL(tally_waitgroup_wait_until(&group, now()), -ETIMEDOUT);
	for (int i = 0; i < 20; i++) {
		int64_t deadline = now() + i * 50000;
		CHECK_EQUAL(tally_waitgroup_wait_until(&group, deadline), -ETIMEDOUT);
		CHECK(now() >= deadline);
	}
	/* Who has given up is not counted as a waiter any more: this is no misuse. */
	tally_waitgroup_done(&group);
	tally_waitgroup_add(&group, 1);
	tally_waitgroup_done(&group);
	CHECK_EQUAL(tally_waitgroup_wait_until(&group, 0), 0);
}

static void expire_everywhere(void *arg)
{
	tally_set_workers(*(const int *)arg);
	in_thread_and_task(expire);
}

static void a_deadline_passes(void **state)
{
	(void)state;
	with_all_worker_counts(expire_everywhere);
}

static void in_time(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	for (int i = 0; i < 100; i++) {
		tally_waitgroup_go(&group, nothing, NULL);
		/* The end of all time, and some that are farther than any test lasts. */
		int64_t deadline = i % 3 == 0 ? INT64_MAX : i % 3 == 1 ? INT64_MAX - 1 : now() + 3600000000000;
		CHECK_EQUAL(tally_waitgroup_wait_until(&group, deadline), 0);
	}
}

static void in_time_everywhere(void *arg)
{
	tally_set_workers(*(const int *)arg);
	in_thread_and_task(in_time);
}

static void a_group_is_done_before_its_deadline(void **state)
{
	(void)state;
	with_all_worker_counts(in_time_everywhere);
}

/* --- deadlines against done --- */

struct race {
	tally_waitgroup group;
	uint64_t value; /* written before done */
};

static void done_at_some_time(void *arg)
{
	struct race *race = arg;
	race->value = 1;
	tally_waitgroup_done(&race->group);
}

/* Waits for about as long as it takes; whichever comes first, the group is good for the next round and its
 * memory may go as soon as the waiters have returned and the count is 0. */
static void race_once(unsigned seed)
{
	struct race *race = calloc(1, sizeof(*race));
	tally_waitgroup_add(&race->group, 1);
	tally_go(done_at_some_time, race);
	int result = tally_waitgroup_wait_until(&race->group, now() + seed % 40000);
	if (result == 0) {
		CHECK_EQUAL(race->value, 1);
		tally_atomic_u64_add(&total, 1);
	} else {
		CHECK_EQUAL(result, -ETIMEDOUT);
		tally_waitgroup_wait(&race->group);
		CHECK_EQUAL(race->value, 1);
	}
	memset(race, 0xff, sizeof(*race));
	free(race);
}

static void race_often(void *arg, size_t index)
{
	(void)arg;
	unsigned seed = (unsigned)index * 977 + 1;
	size_t rounds = scaled(1000);
	for (size_t i = 0; i < rounds; i++) {
		seed = seed * 1664525 + 1013904223;
		race_once(seed >> 8);
	}
}

static void *race_in_a_thread(void *arg)
{
	race_often(NULL, (size_t)(uintptr_t)arg);
	return NULL;
}

static void races(void *arg)
{
	tally_waitgroup group = {0};
	pthread_t threads[2];
	int64_t end = soak_end();
	tally_set_workers(*(const int *)arg);
	do {
		tally_waitgroup_go_n(&group, 4, race_often, NULL);
		for (size_t i = 0; i < 2; i++)
			CHECK_EQUAL(pthread_create(&threads[i], NULL, race_in_a_thread,
						   (void *)(uintptr_t)(i + 100)),
				    0);
		tally_waitgroup_wait(&group);
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
	} while (now() < end);
}

static void a_deadline_may_race_with_done(void **state)
{
	(void)state;
	with_all_worker_counts(races);
}

/* --- many deadlines at once --- */

static tally_waitgroup never, gate;
static tally_atomic_u64 expired, let_go;

/* Deadlines in no order; half of the tasks are let go before theirs. */
static void wait_with_deadline(void *arg, size_t index)
{
	int64_t start = *(const int64_t *)arg;
	if (index % 2 == 0) {
		int64_t deadline = start + (int64_t)(index * 7919 % 1000) * 20000;
		CHECK_EQUAL(tally_waitgroup_wait_until(&never, deadline), -ETIMEDOUT);
		CHECK(now() >= deadline);
		tally_atomic_u64_add(&expired, 1);
	} else {
		int64_t deadline = start + 3600000000000 + (int64_t)(index * 7919 % 1000) * 20000;
		CHECK_EQUAL(tally_waitgroup_wait_until(&gate, deadline), 0);
		tally_atomic_u64_add(&let_go, 1);
	}
}

static void many_deadlines(void *arg)
{
	tally_waitgroup group = {0};
	size_t tasks = scaled(4000) / 2 * 2;
	int64_t start = now();
	tally_set_workers(*(const int *)arg);
	tally_waitgroup_add(&never, 1);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go_n(&group, tasks, wait_with_deadline, &start);
	while (tally_atomic_u64_load(&expired) < tasks / 4)
		pause_for(100000);
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&expired), tasks / 2);
	CHECK_EQUAL(tally_atomic_u64_load(&let_go), tasks / 2);
}

static void many_deadlines_pass_in_any_order(void **state)
{
	(void)state;
	with_all_worker_counts(many_deadlines);
}

/* A thread that waits for a group runs its tasks; these may wait with deadlines on that thread. */
static void sleep_as_task(void *arg, size_t index)
{
	(void)arg;
	int64_t deadline = now() + (int64_t)(index % 10) * 100000;
	CHECK_EQUAL(tally_waitgroup_wait_until(&never, deadline), -ETIMEDOUT);
	CHECK(now() >= deadline);
	tally_atomic_u64_add(&total, 1);
}

static void deadlines_on_main(void *arg)
{
	tally_waitgroup group = {0};
	tally_set_workers(*(const int *)arg);
	tally_waitgroup_add(&never, 1);
	for (uint64_t round = 1; round <= 10; round++) {
		tally_waitgroup_go_n(&group, 100, sleep_as_task, NULL);
		tally_waitgroup_wait(&group);
		CHECK_EQUAL(tally_atomic_u64_load(&total), round * 100);
	}
}

static void tasks_of_a_waiting_thread_may_have_deadlines(void **state)
{
	(void)state;
	with_all_worker_counts(deadlines_on_main);
}

/* A deadline passes though its worker is never idle. */
static tally_atomic_bool stop;

static void keep_busy(void *arg)
{
	(void)arg;
	while (!tally_atomic_bool_load(&stop))
		tally_yield();
}

static void expire_then_stop(void *arg)
{
	(void)arg;
	CHECK_EQUAL(tally_waitgroup_wait_until(&never, now() + 1000000), -ETIMEDOUT);
	tally_atomic_bool_store(&stop, true);
}

static void beside_a_busy_task(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	tally_set_workers(1);
	tally_waitgroup_add(&never, 1);
	tally_waitgroup_go(&group, keep_busy, NULL);
	tally_waitgroup_go(&group, expire_then_stop, NULL);
	tally_waitgroup_wait(&group);
}

static void a_deadline_passes_beside_a_busy_task(void **state)
{
	(void)state;
	assert_passes(beside_a_busy_task, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_passes),
		cmocka_unit_test(a_group_is_done_before_its_deadline),
		cmocka_unit_test(a_deadline_may_race_with_done),
		cmocka_unit_test(many_deadlines_pass_in_any_order),
		cmocka_unit_test(tasks_of_a_waiting_thread_may_have_deadlines),
		cmocka_unit_test(a_deadline_passes_beside_a_busy_task),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
