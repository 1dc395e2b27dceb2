/* Threads that come and go: their slots are used again, and what they counted stays. */
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <tally/counter.h>

#include "child.h"
#include "region/region.h"

TALLY_COUNTER(total, "test_threads_total", "Counted by all of them.");

enum { CHURN = 10000, AT_ONCE = 20 };

static void *count(void *arg)
{
	tally_counter_add(&total, (uint64_t)(uintptr_t)arg);
	return NULL;
}

static void ten_thousand_threads_come_and_go(void **state)
{
	pthread_t threads[AT_ONCE];
	uint64_t before = tally_counter_load(&total);
	uint64_t counted = 0;

	(void)state;
	for (int i = 0; i < CHURN; i += AT_ONCE) {
		for (int k = 0; k < AT_ONCE; k++) {
			counted += (uint64_t)(i + k);
			assert_int_equal(pthread_create(&threads[k], NULL, count, (void *)(uintptr_t)(i + k)),
					 0);
		}
		for (int k = 0; k < AT_ONCE; k++)
			assert_int_equal(pthread_join(threads[k], NULL), 0);
	}
	assert_int_equal(tally_counter_load(&total) - before, counted);
	/* The shared one, those of AT_ONCE threads, and that of this thread. */
	assert_true(tally__slots_used(&tally__region.slots) <= AT_ONCE + 2);
}

/* A destructor of thread-specific data that comes after the one that hands the slot back, and one before. */
static pthread_key_t late_key;
static pthread_key_t early_key;

static void count_late(void *arg)
{
	(void)arg;
	tally_counter_add(&total, 1000);
}

/* Keys run in the order in which they were made, and the library makes its own in a constructor. */
static __attribute__((constructor(101))) void make_early_key(void)
{
	if (pthread_key_create(&early_key, count_late) != 0)
		abort();
}

/* One that makes itself run again, as often as the system does that: it counts when all others are through. */
static pthread_key_t stubborn_key;

static void count_again(void *arg)
{
	tally_counter_add(&total, 1);
	pthread_setspecific(stubborn_key, arg);
}

static void *end_stubbornly(void *arg)
{
	tally_counter_add(&total, 1);
	assert_int_equal(pthread_setspecific(stubborn_key, arg), 0);
	return NULL;
}

static void slots_are_not_claimed_by_the_ended(void **state)
{
	uint32_t used = tally__slots_used(&tally__region.slots);

	(void)state;
	if (UNDER_TSAN) {
		/* It takes down what it knows of a thread in a destructor too, and ends the program if one that
		 * comes later does anything that it watches. */
		print_message("ThreadSanitizer does not stand code after its own end of a thread\n");
		skip();
	}
	assert_int_equal(pthread_key_create(&stubborn_key, count_again), 0);
	for (int i = 0; i < 100; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, end_stubbornly, &total), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	assert_true(tally__slots_used(&tally__region.slots) <= used + 1);
	assert_int_equal(pthread_key_delete(stubborn_key), 0);
}

static void *count_at_the_end(void *arg)
{
	if (arg)
		tally_counter_add(&total, 1);
	assert_int_equal(pthread_setspecific(early_key, &total), 0);
	assert_int_equal(pthread_setspecific(late_key, &total), 0);
	return NULL;
}

static void destructors_at_thread_exit_count(void **state)
{
	uint64_t before = tally_counter_load(&total);
	uint32_t used = tally__slots_used(&tally__region.slots);

	(void)state;
	assert_int_equal(pthread_key_create(&late_key, count_late), 0);
	for (int i = 0; i < 100; i++) {
		pthread_t thread;

		/* Some count for the first time in the destructors. */
		assert_int_equal(pthread_create(&thread, NULL, count_at_the_end, i % 2 ? &total : NULL), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	assert_int_equal(tally_counter_load(&total) - before, 100 * 2000 + 50);
	assert_true(tally__slots_used(&tally__region.slots) <= used + 1);
	assert_int_equal(pthread_key_delete(late_key), 0);
}

/* More threads at once than there are slots. */
static pthread_barrier_t all_there;

static void *count_among_many(void *arg)
{
	(void)arg;
	tally_counter_add(&total, 1);
	pthread_barrier_wait(&all_there);
	for (int i = 0; i < 10; i++)
		tally_counter_add(&total, 1);
	return NULL;
}

static void more_threads_than_slots(void *arg)
{
	enum { MANY = TALLY__SLOTS_MAX + 50 };
	pthread_t *threads = calloc(MANY, sizeof(*threads));
	uint64_t before = tally_counter_load(&total);
	uint32_t started = 0;
	pthread_attr_t attributes;

	(void)arg;
	CHECK(threads);
	CHECK(pthread_attr_init(&attributes) == 0);
	CHECK(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN + 65536) == 0);
	CHECK(pthread_barrier_init(&all_there, NULL, MANY) == 0);
	while (started < MANY && pthread_create(&threads[started], &attributes, count_among_many, NULL) == 0)
		started++;
	if (started < MANY) {
		dprintf(STDERR_FILENO, "only %u threads\n", started);
		_exit(77);
	}
	for (uint32_t i = 0; i < MANY; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(tally_counter_load(&total) - before == 11 * MANY);
	CHECK(tally__slots_used(&tally__region.slots) == TALLY__SLOTS_MAX);
	free(threads);
}

static void without_a_slot_threads_share_one(void **state)
{
	struct child_end end = child_run(more_threads_than_slots, NULL);

	(void)state;
	if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == 77) {
		print_message("%s", end.text);
		skip();
	}
	if (end.status != 0)
		child_describe(&end);
	assert_int_equal(end.status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_threads_come_and_go),
		cmocka_unit_test(destructors_at_thread_exit_count),
		cmocka_unit_test(slots_are_not_claimed_by_the_ended),
		/* Last: all slots have been used then. */
		cmocka_unit_test(without_a_slot_threads_share_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
