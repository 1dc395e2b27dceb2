/* The small lock: one holder at a time, nobody left asleep. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/thread.h"
/* The source itself, so that sanitizers see how it orders its holders. */
#include "platform/lock.c"

enum { MOST_THREADS = 8, ROUNDS = 20000 };

struct shared {
	struct tally__lock lock;
	uint64_t count; /* under lock */
	uint32_t inside;
	uint32_t crowds;
	int yields; /* the holder lets others run, so that they meet it */
};

static void *count_under_lock(void *arg)
{
	struct shared *shared = arg;

	for (int i = 0; i < ROUNDS; i++) {
		tally__lock_acquire(&shared->lock);
		if (shared->inside++ != 0)
			shared->crowds++;
		shared->count++;
		if (shared->yields && i % 64 == 0)
			tally__thread_yield();
		shared->inside--;
		tally__lock_release(&shared->lock);
	}
	return NULL;
}

static void the_count_is_exact(void **state)
{
	(void)state;
	for (int n = 2; n <= MOST_THREADS; n += 2) {
		for (int yields = 0; yields <= 1; yields++) {
			pthread_t threads[MOST_THREADS];
			struct shared shared = {.yields = yields};

			for (int i = 0; i < n; i++)
				assert_int_equal(pthread_create(&threads[i], NULL, count_under_lock, &shared),
						 0);
			for (int i = 0; i < n; i++)
				pthread_join(threads[i], NULL);
			assert_int_equal(shared.count, (uint64_t)n * ROUNDS);
			assert_int_equal(shared.crowds, 0);
			assert_int_equal(tally_atomic_u32_load(&shared.lock.state), TALLY__LOCK_FREE);
		}
	}
}

static void a_held_lock_is_not_to_be_had(void **state)
{
	struct tally__lock lock = {{0}};

	(void)state;
	assert_true(tally__lock_try(&lock));
	assert_false(tally__lock_try(&lock));
	assert_int_equal(tally_atomic_u32_load(&lock.state), TALLY__LOCK_HELD);
	tally__lock_release(&lock);
	tally__lock_acquire(&lock);
	assert_false(tally__lock_try(&lock));
	tally__lock_release(&lock);
	assert_true(tally__lock_try(&lock));
}

/* Several sleep while it is held; each must get it in the end, though a release wakes only one. */
static void all_who_sleep_get_it(void **state)
{
	pthread_t threads[MOST_THREADS];
	struct shared shared = {.yields = 0};

	(void)state;
	tally__lock_acquire(&shared.lock);
	for (int i = 0; i < MOST_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_under_lock, &shared), 0);
	while (tally_atomic_u32_load(&shared.lock.state) != TALLY__LOCK_WAITED)
		tally__thread_yield();
	usleep(20000);
	assert_int_equal(shared.count, 0);
	tally__lock_release(&shared.lock);
	for (int i = 0; i < MOST_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shared.count, MOST_THREADS * ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_count_is_exact),
		cmocka_unit_test(a_held_lock_is_not_to_be_had),
		cmocka_unit_test(all_who_sleep_get_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
