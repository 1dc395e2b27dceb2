/* Counters, up-down counters and gauges: what one process counts is there when it is done. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tally/counter.h>

#include "region/layout.h"

enum { THREADS = 8, ROUNDS = 20000 };

TALLY_COUNTER(named, "test_named_total", "A counter with a name.");
static TALLY_COUNTER(hidden, "test_hidden_total", "A static one.");
static TALLY_COUNTER(hidden_again, "test_hidden_total", "The same one.");
static TALLY_COUNTER(completed, "test_completed", "Without the ending.");
static TALLY_COUNTER(completed_again, "test_completed_total", "With it.");
TALLY_UPDOWN(open_files, "test_open", "An up-down counter.");
TALLY_GAUGE(level, "test_level", "A gauge.");

static void run_threads(void *(*fn)(void *), void *arg)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, arg), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void *count(void *arg)
{
	for (uint64_t i = 0; i < ROUNDS; i++) {
		tally_counter_inc(arg);
		tally_counter_add(arg, i);
	}
	return NULL;
}

#define COUNTED ((uint64_t)THREADS * (ROUNDS + (uint64_t)ROUNDS * (ROUNDS - 1) / 2))

static void threads_count_exactly(void **state)
{
	tally_counter anonymous = {0};
	uint64_t low, high;

	(void)state;
	run_threads(count, &named);
	assert_int_equal(tally_counter_load(&named), COUNTED);
	tally_counter_bounds(&named, &low, &high);
	assert_int_equal(low, COUNTED);
	assert_int_equal(high, COUNTED);
	run_threads(count, &anonymous);
	assert_int_equal(tally_counter_load(&anonymous), COUNTED);
	run_threads(count, &anonymous);
	tally_counter_bounds(&anonymous, &low, &high);
	assert_int_equal(low, 2 * COUNTED);
	assert_int_equal(high, 2 * COUNTED);
	tally_counter_destroy(&anonymous);
}

static void the_same_name_is_the_same_counter(void **state)
{
	(void)state;
	tally_counter_add(&hidden, 3);
	tally_counter_add(&hidden_again, 4);
	assert_int_equal(tally_counter_load(&hidden), 7);
	assert_int_equal(tally_counter_load(&hidden_again), 7);
	tally_counter_add(&completed, 1);
	assert_int_equal(tally_counter_load(&completed_again), 1);
}

static void sums_wrap_around(void **state)
{
	tally_counter counter = {0};
	tally_updown updown = {0};

	(void)state;
	tally_counter_add(&counter, UINT64_MAX);
	assert_int_equal(tally_counter_load(&counter), UINT64_MAX);
	tally_counter_add(&counter, 3);
	assert_int_equal(tally_counter_load(&counter), 2);
	tally_counter_add(&counter, UINT64_C(1) << 40);
	assert_int_equal(tally_counter_load(&counter), (UINT64_C(1) << 40) + 2);
	tally_counter_destroy(&counter);

	tally_updown_add(&updown, INT64_MAX);
	tally_updown_add(&updown, 1);
	assert_int_equal(tally_updown_load(&updown), INT64_MIN);
	tally_updown_destroy(&updown);
}

static void *go_up_and_down(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		tally_updown_add(arg, 5);
		tally_updown_sub(arg, 3);
	}
	return NULL;
}

static void up_down_counters_are_exact(void **state)
{
	tally_updown anonymous = {0};
	int64_t low, high;

	(void)state;
	run_threads(go_up_and_down, &open_files);
	assert_int_equal(tally_updown_load(&open_files), 2 * THREADS * ROUNDS);
	run_threads(go_up_and_down, &anonymous);
	tally_updown_sub(&anonymous, 2 * THREADS * ROUNDS + 1);
	assert_int_equal(tally_updown_load(&anonymous), -1);
	tally_updown_bounds(&anonymous, &low, &high);
	assert_int_equal(low, -1);
	assert_int_equal(high, -1);
	tally_updown_destroy(&anonymous);
	assert_int_equal(tally_updown_load(&open_files), 2 * THREADS * ROUNDS);
}

static void *add_to_gauge(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		tally_gauge_add(arg, 2);
	return NULL;
}

static void gauges_hold_what_was_set(void **state)
{
	tally_gauge anonymous = {0};

	(void)state;
	assert_int_equal(tally_gauge_load(&level), 0);
	tally_gauge_set(&level, -17);
	assert_int_equal(tally_gauge_load(&level), -17);
	run_threads(add_to_gauge, &level);
	assert_int_equal(tally_gauge_load(&level), 2 * THREADS * ROUNDS - 17);
	assert_int_equal(tally_gauge_load(&anonymous), 0);
	tally_gauge_set(&anonymous, INT64_MIN);
	tally_gauge_add(&anonymous, -1);
	assert_int_equal(tally_gauge_load(&anonymous), INT64_MAX);
}

/* The cells of counters that are gone are used again, and hold what was counted before. */
static void destroyed_counters_leave_nothing(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 100000; i++) {
		tally_counter counter = {0};
		tally_updown updown = {0};

		assert_int_equal(tally_counter_load(&counter), 0);
		tally_counter_add(&counter, i);
		assert_int_equal(tally_counter_load(&counter), i);
		tally_updown_sub(&updown, i);
		assert_int_equal(tally_updown_load(&updown), -(int64_t)i);
		tally_counter_destroy(&counter);
		assert_int_equal(tally_counter_load(&counter), 0);
		tally_updown_destroy(&updown);
	}
}

/* "No call sets errno": not the first one of a thread, which claims a slot, nor that of a counter. */
static void *keep_errno(void *arg)
{
	tally_counter fresh = {0};

	(void)arg;
	errno = 12345;
	tally_counter_inc(&fresh);
	tally_counter_inc(&named);
	if (tally_counter_load(&fresh) != 1 || errno != 12345)
		abort();
	tally_gauge_set(&level, 1);
	tally_counter_destroy(&fresh);
	if (errno != 12345)
		abort();
	return NULL;
}

static void no_call_sets_errno(void **state)
{
	(void)state;
	run_threads(keep_errno, NULL);
}

/* Ten thousand at once, each of them counted by several threads. */
static void *count_all(void *arg)
{
	tally_counter *counters = arg;

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 10000; i++)
			tally_counter_add(&counters[i], i);
	}
	return NULL;
}

static void ten_thousand_counters_are_apart(void **state)
{
	tally_counter *counters = calloc(10000, sizeof(*counters));

	(void)state;
	assert_non_null(counters);
	run_threads(count_all, counters);
	for (size_t i = 0; i < 10000; i++) {
		assert_int_equal(tally_counter_load(&counters[i]), 3 * THREADS * i);
		tally_counter_destroy(&counters[i]);
	}
	free(counters);
}

/* More than there are cells: the rest counts in the objects. */
static void too_many_counters_still_count(void **state)
{
	enum { MANY = TALLY__CELLS_MAX + 100 };
	tally_counter *counters = calloc(MANY, sizeof(*counters));

	(void)state;
	assert_non_null(counters);
	for (size_t i = 0; i < MANY; i++)
		tally_counter_add(&counters[i], i + 1);
	for (size_t i = 0; i < MANY; i++) {
		tally_counter_add(&counters[i], 1);
		assert_int_equal(tally_counter_load(&counters[i]), i + 2);
	}
	for (size_t i = 0; i < MANY; i++)
		tally_counter_destroy(&counters[i]);
	/* Now there is room again. */
	tally_counter_inc(&counters[0]);
	assert_true(counters[0].metric_.own_[0].value_ == 0);
	tally_counter_destroy(&counters[0]);
	free(counters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_count_exactly),
		cmocka_unit_test(the_same_name_is_the_same_counter),
		cmocka_unit_test(sums_wrap_around),
		cmocka_unit_test(up_down_counters_are_exact),
		cmocka_unit_test(gauges_hold_what_was_set),
		cmocka_unit_test(destroyed_counters_leave_nothing),
		cmocka_unit_test(no_call_sets_errno),
		cmocka_unit_test(ten_thousand_counters_are_apart),
		cmocka_unit_test(too_many_counters_still_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
