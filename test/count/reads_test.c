/* What a read may return while others count: doc/counters.md, "While others add". */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tally/counter.h>

#include "scale.h"

enum { WRITERS = 3, READERS = 2, TOLD = 2000 };

static tally_counter counter;
static tally_updown updown;
static tally_atomic_u64 begun; /* what had been begun is at least what any read may return */
static tally_atomic_u64 done;  /* what was done before a read is at most what it returns */
static tally_atomic_bool stop;
static tally_atomic_u64 reads;

static void *writer(void *arg)
{
	(void)arg;
	while (!tally_atomic_bool_load(&stop)) {
		tally_atomic_u64_add(&begun, 1);
		tally_counter_inc(&counter);
		tally_atomic_u64_add(&done, 1);
		tally_updown_add(&updown, 2);
		tally_updown_sub(&updown, 2);
	}
	return NULL;
}

static void *reader(void *arg)
{
	uint64_t last = 0;

	(void)arg;
	while (!tally_atomic_bool_load(&stop)) {
		uint64_t least = tally_atomic_u64_load(&done);
		uint64_t value = tally_counter_load(&counter);
		uint64_t most = tally_atomic_u64_load(&begun);
		uint64_t low, high;
		int64_t from, to;

		assert_true(least <= value);
		assert_true(value <= most);
		assert_true(last <= value);
		last = value;

		least = tally_atomic_u64_load(&done);
		tally_counter_bounds(&counter, &low, &high);
		most = tally_atomic_u64_load(&begun);
		assert_true(low <= high);
		/* The value at one instant lies between, so it cannot be that both ends are before or after. */
		assert_true(least <= high);
		assert_true(low <= most);
		assert_true(least <= low);
		assert_true(high <= most);

		assert_true(tally_updown_load(&updown) >= 0);
		tally_updown_bounds(&updown, &from, &to);
		/* Between 0 and 2 for each writer at any instant. */
		assert_true(from <= to);
		assert_true(from <= 2 * WRITERS);
		assert_true(to >= 0);
		tally_atomic_u64_add(&reads, 1);
	}
	return NULL;
}

static void reads_keep_within_what_was_counted(void **state)
{
	pthread_t threads[WRITERS + READERS];
	int64_t end = soak_end();

	(void)state;
	for (int i = 0; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? writer : reader, NULL), 0);
	while (tally_atomic_u64_load(&reads) < scaled(1000000) || now() < end)
		pause_for(1000000);
	tally_atomic_bool_store(&stop, true);
	for (int i = 0; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(tally_counter_load(&counter), tally_atomic_u64_load(&done));
	assert_int_equal(tally_updown_load(&updown), 0);
}

/* What a thread does after it has learned of an add, it reads. */
static void *told(void *arg)
{
	tally_atomic_u64 *word = arg;
	uint64_t before = tally_atomic_u64_load(&done);

	for (uint64_t i = 1; i <= TOLD; i++) {
		while (tally_atomic_u64_load(word) < i)
			sched_yield();
		assert_true(tally_counter_load(&counter) >= before + i);
	}
	return NULL;
}

static void reads_hold_what_happened_before(void **state)
{
	tally_atomic_u64 word = {0};
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, told, &word), 0);
	for (uint64_t i = 1; i <= TOLD; i++) {
		tally_counter_inc(&counter);
		tally_atomic_u64_store(&word, i);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_keep_within_what_was_counted),
		cmocka_unit_test(reads_hold_what_happened_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
