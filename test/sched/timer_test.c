/* The heap of deadlines: the earliest is always first, whatever was added and removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "platform/clock.h"
#include "sched/thread.h"
#include "sched/timer.h"

#define TIMERS 200
#define STEPS  200000

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

static int64_t earliest(const struct tally__timer *timers, const bool *added)
{
	int64_t first = TALLY__FOREVER;
	for (int i = 0; i < TIMERS; i++)
		if (added[i] && timers[i].deadline < first)
			first = timers[i].deadline;
	return first;
}

static void the_first_is_always_the_earliest(void **state)
{
	(void)state;
	static struct tally__thread thread;
	static struct tally__timer timers[TIMERS];
	static bool added[TIMERS];
	random_state = (uint64_t)time(NULL) | 1;
	print_message("seed %llu\n", (unsigned long long)random_state);
	for (int step = 0; step < STEPS; step++) {
		size_t i = (size_t)random_below(TIMERS);
		if (added[i]) {
			tally__timer_remove(&thread, &timers[i]);
			added[i] = false;
		} else {
			/* Few values, so that many deadlines are equal. */
			timers[i].deadline = (int64_t)random_below(50);
			tally__timer_add(&thread, &timers[i]);
			added[i] = true;
		}
		assert_int_equal(tally__timer_first(&thread), earliest(timers, added));
	}
}

static void due_waiters_become_ready_and_others_stay(void **state)
{
	(void)state;
	static struct tally__thread thread;
	struct tally__task tasks[3] = {0};
	struct tally__waiter waiters[3] = {0};
	struct tally__timer timers[3] = {0};
	int64_t now = tally__clock_now();
	int64_t deadlines[3] = {now - 1, now + INT64_C(3600000000000), now - 2};
	for (int i = 0; i < 3; i++) {
		waiters[i].task = &tasks[i];
		assert_true(tally__waiter_park(&waiters[i]));
		timers[i].deadline = deadlines[i];
		timers[i].waiter = &waiters[i];
		tally__timer_add(&thread, &timers[i]);
	}
	tally__timer_run(&thread);
	/* Last made ready is first: the later of the two that were due. */
	assert_ptr_equal(thread.ready, &tasks[0]);
	assert_ptr_equal(thread.ready->next, &tasks[2]);
	assert_null(timers[0].waiter);
	assert_ptr_equal(timers[1].waiter, &waiters[1]);
	assert_int_equal(tally__timer_first(&thread), deadlines[1]);
}

static void a_waiter_that_was_woken_first_is_left_alone(void **state)
{
	(void)state;
	static struct tally__thread thread;
	struct tally__task task = {0};
	struct tally__waiter waiter = {.task = &task};
	struct tally__timer timer = {.deadline = 1, .waiter = &waiter};
	assert_true(tally__waiter_park(&waiter));
	tally__timer_add(&thread, &timer);
	assert_true(tally__waiter_wake(&waiter));
	tally__timer_run(&thread);
	assert_null(thread.ready);
	assert_true(tally__waiter_is_woken(&waiter));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_always_the_earliest),
		cmocka_unit_test(due_waiters_become_ready_and_others_stay),
		cmocka_unit_test(a_waiter_that_was_woken_first_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
