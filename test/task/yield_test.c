/* tally_yield: whose turn comes next, and that nobody starves, however few workers there are. */
#include "child.h"
#include "scale.h"

#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_atomic_bool stop;
static tally_atomic_u32 steps;

/* --- the order, on one worker --- */

static tally_atomic_u32 trace[300], trace_length;

static void take_turns(void *arg, size_t index)
{
	unsigned rounds = *(const unsigned *)arg;
	for (unsigned i = 0; i < rounds; i++) {
		uint32_t at = tally_atomic_u32_fetch_add(&trace_length, 1);
		tally_atomic_u32_store(&trace[at], (uint32_t)index);
		tally_yield();
	}
}

/* n tasks that yield come up again in the same order, round after round. */
static void turns(void *arg)
{
	size_t tasks = *(const size_t *)arg;
	unsigned rounds = 100;
	tally_waitgroup group = {0};
	tally_set_workers(1);
	tally_waitgroup_go_n(&group, tasks, take_turns, &rounds);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u32_load(&trace_length), tasks * rounds);
	for (size_t i = tasks; i < tasks * rounds; i++)
		CHECK_EQUAL(tally_atomic_u32_load(&trace[i]), tally_atomic_u32_load(&trace[i - tasks]));
	for (size_t i = 0; i < tasks; i++)
		for (size_t j = 0; j < i; j++)
			CHECK(tally_atomic_u32_load(&trace[i]) != tally_atomic_u32_load(&trace[j]));
}

static void tasks_that_yield_take_turns(void **state)
{
	(void)state;
	for (size_t tasks = 1; tasks <= 3; tasks++)
		assert_passes(turns, &tasks);
}

/* --- nobody starves --- */

static void yield_until_stopped(void *arg)
{
	(void)arg;
	tally_atomic_u32_add(&steps, 1);
	while (!tally_atomic_bool_load(&stop))
		tally_yield();
}

static void stop_all(void *arg)
{
	(void)arg;
	tally_atomic_bool_store(&stop, true);
}

static void sleep_until_stopped(void)
{
	while (!tally_atomic_bool_load(&stop))
		pause_for(100000);
}

static void sleep_until_steps(uint32_t wanted)
{
	while (tally_atomic_u32_load(&steps) < wanted)
		pause_for(100000);
}

/* The worker has a task that never ends; the other one is in the queue of a thread that does not wait. */
static void from_a_sleeping_thread(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_go(yield_until_stopped, NULL);
	sleep_until_steps(1);
	tally_go(stop_all, NULL);
	sleep_until_stopped();
}

static void nobody_starves_in_the_queue_of_a_sleeping_thread(void **state)
{
	(void)state;
	assert_passes(from_a_sleeping_thread, NULL);
}

static void from_a_waiting_thread(void *arg)
{
	tally_waitgroup group = {0};
	(void)arg;
	tally_set_workers(1);
	tally_go(yield_until_stopped, NULL);
	sleep_until_steps(1);
	tally_waitgroup_go(&group, stop_all, NULL);
	tally_waitgroup_wait(&group);
	CHECK(tally_atomic_bool_load(&stop));
}

static void nobody_starves_in_the_queue_of_a_waiting_thread(void **state)
{
	(void)state;
	assert_passes(from_a_waiting_thread, NULL);
}

/* The waiting thread has the one permit, for a task that yields for ever; a stranger's task must end that. */
static void a_stranger_stops_what_main_runs(void *arg)
{
	tally_waitgroup group = {0};
	(void)arg;
	tally_set_workers(1);
	tally_go(stop_all, NULL);
	tally_waitgroup_go(&group, yield_until_stopped, NULL);
	tally_waitgroup_wait(&group);
}

static void a_waiting_thread_lets_strangers_run(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_passes(a_stranger_stops_what_main_runs, NULL);
}

static void start_stopper_and_yield(void *arg)
{
	tally_go(stop_all, NULL);
	yield_until_stopped(arg);
}

static void in_its_own_queue(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_go(start_stopper_and_yield, NULL);
	sleep_until_stopped();
}

static void nobody_starves_in_the_queue_of_the_yielding_worker(void **state)
{
	(void)state;
	assert_passes(in_its_own_queue, NULL);
}

/* Each task starts the next: there is always a newer one. */
static void chain(void *arg)
{
	(void)arg;
	tally_atomic_u32_add(&steps, 1);
	if (!tally_atomic_bool_load(&stop))
		tally_go(chain, NULL);
}

static void start_stopper_and_chain(void *arg)
{
	tally_go(stop_all, NULL);
	tally_go(chain, arg);
}

static void beside_a_chain(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_go(start_stopper_and_chain, NULL);
	sleep_until_stopped();
}

static void nobody_starves_beside_a_chain_of_new_tasks(void **state)
{
	(void)state;
	assert_passes(beside_a_chain, NULL);
}

/* A chain, and a task that has yielded. */
static void yield_then_stop(void *arg)
{
	tally_go(chain, NULL);
	tally_yield();
	stop_all(arg);
}

static void yielded_beside_a_chain(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_go(yield_then_stop, NULL);
	sleep_until_stopped();
}

static void who_has_yielded_does_not_starve_beside_a_chain(void **state)
{
	(void)state;
	assert_passes(yielded_beside_a_chain, NULL);
}

/* Two tasks that wake each other for ever: in each round one waits for the other, so that at every moment one
 * of them has just been woken. */
static tally_waitgroup turn[2];

static void ping(void *arg, size_t side)
{
	(void)arg;
	while (!tally_atomic_bool_load(&stop)) {
		tally_waitgroup_wait(&turn[side]);
		tally_waitgroup_add(&turn[side], 1);
		tally_atomic_u32_add(&steps, 1);
		tally_waitgroup_done(&turn[1 - side]);
	}
}

static tally_waitgroup gate;

static void wait_then_stop(void *arg)
{
	tally_waitgroup_wait(&gate);
	stop_all(arg);
}

static void open_the_gate_and_ping_pong(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	tally_waitgroup_go_n(&group, 2, ping, NULL);
	/* Both, and the one behind the gate, wait after this. */
	for (int i = 0; i < 10; i++)
		tally_yield();
	tally_waitgroup_done(&gate);
	tally_waitgroup_done(&turn[0]);
	tally_waitgroup_wait(&group);
}

static void beside_ping_pong(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_add(&turn[0], 1);
	tally_waitgroup_add(&turn[1], 1);
	tally_go(wait_then_stop, NULL);
	tally_go(open_the_gate_and_ping_pong, NULL);
	sleep_until_stopped();
}

static void who_was_woken_does_not_starve_beside_two_that_wake_each_other(void **state)
{
	(void)state;
	assert_passes(beside_ping_pong, NULL);
}

static void in_plain_threads(void *arg)
{
	(void)arg;
	/* Before the runtime has started, and after. */
	tally_yield();
	tally_go(stop_all, NULL);
	while (!tally_atomic_bool_load(&stop))
		tally_yield();
}

static void plain_threads_may_yield(void **state)
{
	(void)state;
	assert_passes(in_plain_threads, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_that_yield_take_turns),
		cmocka_unit_test(nobody_starves_in_the_queue_of_a_sleeping_thread),
		cmocka_unit_test(nobody_starves_in_the_queue_of_a_waiting_thread),
		cmocka_unit_test(a_waiting_thread_lets_strangers_run),
		cmocka_unit_test(nobody_starves_in_the_queue_of_the_yielding_worker),
		cmocka_unit_test(nobody_starves_beside_a_chain_of_new_tasks),
		cmocka_unit_test(who_has_yielded_does_not_starve_beside_a_chain),
		cmocka_unit_test(who_was_woken_does_not_starve_beside_two_that_wake_each_other),
		cmocka_unit_test(plain_threads_may_yield),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
