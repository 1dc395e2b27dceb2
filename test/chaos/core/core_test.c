/* core_test.c - the deque, the lock and the parking lot on threads of the system, their own sources built for
 * ThreadSanitizer: it reports what is not ordered; what is lost or seen twice is counted here. */
#include "park/lot.h"
#include "platform/thread.h"
#include "sched/deque.h"
#include "sched/task.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define THIEVES 3
#define ITEMS   20000

/* One owner, some thieves; the buffer grows from two. */
static struct tally__deque deque;
static struct tally__task *items;
static int seen[ITEMS];
static tally_atomic_u32 finished;
static tally_atomic_u64 taken;

static void use(struct tally__task *item)
{
	long i = item - items;

	assert_true(i >= 0 && i < ITEMS);
	assert_ptr_equal(item->arg, item);
	seen[i]++; /* a race here is an item that two have got */
	tally_atomic_u64_add_relaxed(&taken, 1);
}

static void *thief(void *arg)
{
	(void)arg;
	for (;;) {
		bool last = tally_atomic_u32_load(&finished) != 0;
		struct tally__task *item = tally__deque_steal(&deque);

		if (item != NULL)
			use(item);
		else if (last)
			return NULL;
	}
}

static void deque_loses_nothing(void **state)
{
	pthread_t threads[THIEVES];

	(void)state;
	items = calloc(ITEMS, sizeof(*items));
	assert_non_null(items);
	tally__deque_start(&deque, calloc(1, tally__deque_buffer_size(2)), 2);
	for (int i = 0; i < THIEVES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thief, NULL), 0);
	for (int i = 0; i < ITEMS; i++) {
		items[i].arg = &items[i];
		assert_int_equal(tally__deque_push(&deque, &items[i], i % 2 == 0), 0);
		for (int j = i % 5; j > 2; j--) {
			struct tally__task *item = tally__deque_take(&deque);

			if (item != NULL)
				use(item);
		}
	}
	struct tally__task *item;
	while ((item = tally__deque_take(&deque)) != NULL)
		use(item);
	tally_atomic_u32_store(&finished, 1);
	for (int i = 0; i < THIEVES; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < ITEMS; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(tally_atomic_u64_load(&taken), ITEMS);
}

/* The lock guards a plain number. */
static struct tally__lock lock;
static long guarded;

static void *count(void *arg)
{
	(void)arg;
	for (int i = 0; i < ITEMS; i++) {
		tally__lock_acquire(&lock);
		guarded++;
		tally__lock_release(&lock);
	}
	return NULL;
}

static void lock_guards(void **state)
{
	pthread_t threads[THIEVES];

	(void)state;
	for (int i = 0; i < THIEVES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (int i = 0; i < THIEVES; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(guarded, (long)THIEVES * ITEMS);
}

/* Waiters lie on their own stacks; who takes them out of the lot wakes them, and each is woken once. */
static int object;
static tally_atomic_u32 woken, waiting;

static void *wait_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 1000; i++) {
		struct tally__waiter waiter = {.address = &object};
		struct tally__bucket *bucket = tally__lot_lock(&object);

		tally__lot_add(bucket, &waiter);
		tally__lot_unlock(bucket);
		(void)tally__waiter_park(&waiter);
		while (!tally__waiter_is_woken(&waiter))
			tally__thread_yield();
		tally_atomic_u32_add_relaxed(&woken, 1);
	}
	tally_atomic_u32_sub(&waiting, 1);
	return NULL;
}

static void waiters_are_woken_once(void **state)
{
	pthread_t threads[THIEVES];
	uint32_t wakes = 0;

	(void)state;
	tally_atomic_u32_store(&waiting, THIEVES);
	for (int i = 0; i < THIEVES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wait_often, NULL), 0);
	while (tally_atomic_u32_load(&waiting) != 0) {
		struct tally__bucket *bucket = tally__lot_lock(&object);
		struct tally__waiter *next, *waiter = tally__lot_take_all(bucket, &object);

		tally__lot_unlock(bucket);
		for (; waiter != NULL; waiter = next) {
			next = waiter->next;
			(void)tally__waiter_wake(waiter);
			wakes++;
		}
	}
	for (int i = 0; i < THIEVES; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(tally_atomic_u32_load(&woken), wakes);
	assert_int_equal(wakes, THIEVES * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deque_loses_nothing),
		cmocka_unit_test(lock_guards),
		cmocka_unit_test(waiters_are_woken_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
