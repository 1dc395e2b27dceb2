/* tally_set_workers: what it returns, and that no more tasks run at once than it says. */
#include "child.h"
#include "scale.h"

#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static void answers(void *arg)
{
	(void)arg;
	setenv("TALLY_WORKERS", "3", 1);
	CHECK_EQUAL(tally_set_workers(0), 3);
	CHECK_EQUAL(tally_set_workers(-1), 3);
	CHECK_EQUAL(tally_set_workers(5), 3);
	CHECK_EQUAL(tally_set_workers(INT32_MIN), 5);
	CHECK_EQUAL(tally_set_workers(1024), 5);
	CHECK_EQUAL(tally_set_workers(1025), 1024);
	CHECK_EQUAL(tally_set_workers(INT32_MAX), 1024);
	CHECK_EQUAL(tally_set_workers(1), 1024);
	CHECK_EQUAL(tally_set_workers(0), 1);
	tally_waitgroup group = {0};
	CHECK_EQUAL(tally_waitgroup_wait_until(&group, 0), 0);
	CHECK_EQUAL(tally_set_workers(0), 1);
}

static void it_returns_the_number_that_held_before(void **state)
{
	(void)state;
	assert_passes(answers, NULL);
}

/* --- how many run at once --- */

static tally_atomic_i32 running, most;
static tally_atomic_u64 ended;

static void enter(void)
{
	tally_atomic_i32_max(&most, tally_atomic_i32_add(&running, 1));
}

static void leave(void)
{
	tally_atomic_i32_add(&running, -1);
}

/* Runs for some time, so that tasks overlap where they can, then yields, as code between two calls of
 * tally_yield runs; then blocks in a group of its own. */
static void child_of_one(void *arg)
{
	(void)arg;
	enter();
	pause_for(20000);
	leave();
}

static void run_for_some_time(void *arg)
{
	(void)arg;
	tally_waitgroup own = {0};
	enter();
	pause_for(20000);
	leave();
	tally_yield();
	enter();
	pause_for(20000);
	tally_waitgroup_go(&own, child_of_one, NULL);
	leave();
	tally_waitgroup_wait(&own);
	enter();
	pause_for(20000);
	leave();
	tally_atomic_u64_add(&ended, 1);
}

/* Plain threads that wait, and main, run tasks too: each takes one of the n. */
static void *start_and_wait(void *arg)
{
	tally_waitgroup group = {0};
	for (size_t i = 0; i < *(const size_t *)arg; i++)
		tally_waitgroup_go(&group, run_for_some_time, NULL);
	tally_waitgroup_wait(&group);
	return NULL;
}

struct limits {
	int workers;
	int threads; /* that wait, beside main */
};

static void never_more(void *arg)
{
	const struct limits *limits = arg;
	pthread_t threads[8];
	size_t each = 60;
	tally_set_workers(limits->workers);
	for (int i = 0; i < limits->threads; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, start_and_wait, &each), 0);
	start_and_wait(&each);
	for (int i = 0; i < limits->threads; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQUAL(tally_atomic_u64_load(&ended), each * (size_t)(limits->threads + 1));
	CHECK(tally_atomic_i32_load(&most) <= limits->workers);
}

static void no_more_than_n_tasks_run_at_once(void **state)
{
	(void)state;
	static const struct limits limits[] = {{1, 0}, {1, 3}, {2, 0}, {2, 3}, {3, 8}, {8, 2}};
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		assert_passes(never_more, (void *)(uintptr_t)&limits[i]);
}

/* n tasks that each wait until all n run: they must be given n threads, main one of them if it waits. */
static tally_atomic_i32 arrived;

static void wait_for_all(void *arg)
{
	tally_atomic_i32_add(&arrived, 1);
	while (tally_atomic_i32_load(&arrived) < *(const int *)arg) {
	}
}

static void meet(int n, bool main_waits)
{
	tally_waitgroup group = {0};
	tally_atomic_i32_store(&arrived, 0);
	for (int i = 0; i < n; i++)
		tally_waitgroup_go(&group, wait_for_all, &n);
	if (main_waits)
		tally_waitgroup_wait(&group);
	else
		while (tally_waitgroup_wait_until(&group, now() + 1000000000) != 0) {
		}
}

static void all_at_once(void *arg)
{
	(void)arg;
	static const int steps[] = {1, 2, 8, 4, 12, 1, 3};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		tally_set_workers(steps[i]);
		meet(steps[i], false);
		meet(steps[i], true);
	}
}

static void n_tasks_do_run_at_once(void **state)
{
	(void)state;
	assert_passes(all_at_once, NULL);
}

/* Raised while all there are wait for more: the call itself must bring them. */
static void raise_while_running(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	int wanted = 6;
	tally_set_workers(2);
	for (int i = 0; i < wanted; i++)
		tally_waitgroup_go(&group, wait_for_all, &wanted);
	for (int n = 2; n <= wanted; n++) {
		while (tally_atomic_i32_load(&arrived) < n)
			pause_for(100000);
		CHECK(n == wanted || tally_atomic_i32_load(&arrived) == n);
		tally_set_workers(n + 1);
	}
	tally_waitgroup_wait(&group);
}

static void a_larger_number_takes_effect_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_passes(raise_while_running, NULL);
}

/* Lowered while `before` tasks run: when these have ended, no more than `after` run at once. */
struct change {
	int before;
	int after;
};

static tally_atomic_bool go_on;

static void hold(void *arg)
{
	(void)arg;
	tally_atomic_i32_add(&arrived, 1);
	while (!tally_atomic_bool_load(&go_on))
		pause_for(50000);
	/* None of what follows may overlap with more than `after`: it comes after a yield. */
	tally_yield();
	enter();
	pause_for(100000);
	leave();
	tally_atomic_u64_add(&ended, 1);
}

static void short_one(void *arg)
{
	(void)arg;
	enter();
	pause_for(100000);
	leave();
	tally_atomic_u64_add(&ended, 1);
}

static void lower_while_running(void *arg)
{
	const struct change *change = arg;
	tally_waitgroup group = {0};
	tally_set_workers(change->before);
	for (int i = 0; i < change->before; i++)
		tally_waitgroup_go(&group, hold, NULL);
	while (tally_atomic_i32_load(&arrived) < change->before)
		pause_for(50000);
	for (int i = 0; i < 200; i++)
		tally_waitgroup_go(&group, short_one, NULL);
	tally_set_workers(change->after);
	tally_atomic_bool_store(&go_on, true);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&ended), change->before + 200);
	CHECK(tally_atomic_i32_load(&most) <= change->after);
}

static void a_smaller_number_takes_effect_when_tasks_end_or_yield(void **state)
{
	(void)state;
	static const struct change changes[] = {{8, 1}, {2, 1}, {8, 3}};
	for (size_t i = 0; i < 3; i++)
		assert_passes(lower_while_running, (void *)(uintptr_t)&changes[i]);
}

/* Up and down at random beside a workload: exact. */
static void *change_often(void *arg)
{
	unsigned seed = 1;
	while (!tally_atomic_bool_load(arg)) {
		seed = seed * 1664525 + 1013904223;
		tally_set_workers((int)(seed >> 24) % 9);
		pause_for(100000);
	}
	return NULL;
}

static void leaf(void *arg, size_t index)
{
	(void)arg;
	if (index % 16 == 0)
		tally_yield();
	tally_atomic_u64_add(&ended, 1);
}

static void branch(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	tally_waitgroup_go_n(&group, 100, leaf, NULL);
	tally_waitgroup_wait(&group);
	tally_atomic_u64_add(&ended, 1);
}

static void changes_beside_work(void *arg)
{
	(void)arg;
	pthread_t thread;
	tally_atomic_bool stop = {0};
	int64_t end = soak_end();
	CHECK_EQUAL(pthread_create(&thread, NULL, change_often, &stop), 0);
	do {
		tally_waitgroup group = {0};
		tally_atomic_u64_store(&ended, 0);
		for (int i = 0; i < 200; i++)
			tally_waitgroup_go(&group, branch, NULL);
		tally_waitgroup_wait(&group);
		CHECK_EQUAL(tally_atomic_u64_load(&ended), 200 * 101);
	} while (now() < end);
	tally_atomic_bool_store(&stop, true);
	pthread_join(thread, NULL);
}

static void the_number_may_change_at_any_time(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_passes(changes_beside_work, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_returns_the_number_that_held_before),
		cmocka_unit_test(no_more_than_n_tasks_run_at_once),
		cmocka_unit_test(n_tasks_do_run_at_once),
		cmocka_unit_test(a_larger_number_takes_effect_at_once),
		cmocka_unit_test(a_smaller_number_takes_effect_when_tasks_end_or_yield),
		cmocka_unit_test(the_number_may_change_at_any_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
