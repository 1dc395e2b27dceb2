/* What C code may keep across a call that blocks: the thread, its variables, errno, a mutex. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

#define TASKS 200

static const int worker_counts[] = {1, 2, 8};
static tally_atomic_u64 passed;
static tally_waitgroup gate;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t checking; /* knows its owner */
static pthread_key_t key;
static _Thread_local int local;

static void nothing(void *arg)
{
	(void)arg;
}

/* The ways to block, each by its number; all come back. */
static void block(unsigned way)
{
	tally_waitgroup own = {0};
	switch (way % 5) {
	case 0:
		tally_yield();
		break;
	case 1:
		tally_waitgroup_go(&own, nothing, NULL);
		tally_waitgroup_wait(&own);
		break;
	case 2: /* a deadline that passes */
		tally_waitgroup_add(&own, 1);
		CHECK_EQUAL(tally_waitgroup_wait_until(&own, now() + 100000), -ETIMEDOUT);
		break;
	case 3: /* a deadline that does not */
		tally_waitgroup_go(&own, nothing, NULL);
		while (tally_waitgroup_wait_until(&own, now() + 1000000000) != 0) {
		}
		break;
	default:
		tally_waitgroup_wait(&gate);
		break;
	}
}

static void keep_errno(void *arg, size_t index)
{
	(void)arg;
	for (unsigned way = 0; way < 10; way++) {
		int mine = (int)index * 16 + (int)way + 1;
		errno = mine;
		block(way);
		CHECK_EQUAL(errno, mine);
	}
	tally_atomic_u64_add(&passed, 1);
}

static void keep_thread(void *arg, size_t index)
{
	(void)arg;
	pthread_t self = pthread_self();
	int *address = &local;
	for (unsigned way = 0; way < 10; way++) {
		/* The value that this thread is known by is the address of its variable. */
		void *value = pthread_getspecific(key);
		CHECK(value == NULL || value == address);
		CHECK_EQUAL(pthread_setspecific(key, address), 0);
		block(way + (unsigned)index);
		CHECK(pthread_equal(pthread_self(), self));
		CHECK(&local == address);
		CHECK(pthread_getspecific(key) == address);
	}
	tally_atomic_u64_add(&passed, 1);
}

static void keep_mutex(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	CHECK_EQUAL(pthread_mutex_lock(&checking), 0);
	for (unsigned way = 0; way < 5; way++)
		block(way);
	/* EPERM on any other thread */
	CHECK_EQUAL(pthread_mutex_unlock(&checking), 0);
	tally_atomic_u64_add(&passed, 1);
}

struct check {
	void (*fn)(void *, size_t);
	int workers;
	size_t tasks;
};

static void run_tasks(void *arg)
{
	const struct check *check = arg;
	tally_waitgroup group = {0};
	tally_set_workers(check->workers);
	CHECK_EQUAL(pthread_key_create(&key, NULL), 0);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go_n(&group, check->tasks, check->fn, NULL);
	/* Main only sleeps at first; then it works as well. */
	CHECK_EQUAL(tally_waitgroup_wait_until(&group, now() + 1000000), -ETIMEDOUT);
	errno = 5;
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(errno, 5);
	CHECK_EQUAL(tally_atomic_u64_load(&passed), check->tasks);
}

static void with_all_worker_counts(void (*fn)(void *, size_t), size_t tasks)
{
	for (int i = 0; i < 3; i++)
		assert_passes(run_tasks, &(struct check){fn, worker_counts[i], tasks});
}

static void errno_is_kept_by_each_task(void **state)
{
	(void)state;
	with_all_worker_counts(keep_errno, TASKS);
}

static void a_task_stays_on_its_thread(void **state)
{
	(void)state;
	with_all_worker_counts(keep_thread, TASKS);
}

/* The same where main runs tasks while it waits: its own errno and theirs. */
static void main_runs_tasks(void *arg)
{
	tally_waitgroup group = {0};
	tally_set_workers(*(const int *)arg);
	for (size_t i = 0; i < 100; i++) {
		errno = 1234;
		tally_waitgroup_go_n(&group, 20, keep_errno, NULL);
		tally_waitgroup_wait(&group);
		CHECK_EQUAL(errno, 1234);
	}
	CHECK_EQUAL(tally_atomic_u64_load(&passed), 100 * 20);
}

static void errno_is_kept_by_a_thread_that_runs_tasks(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(main_runs_tasks, (void *)(uintptr_t)&worker_counts[i]);
}

/* An error-checking mutex belongs to its thread: only there can it be unlocked. */
static void hold_checking_mutex(void *arg)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&checking, &attributes);
	run_tasks(&(struct check){keep_mutex, *(const int *)arg, 1});
}

static void a_mutex_may_be_held_while_its_task_blocks(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(hold_checking_mutex, (void *)(uintptr_t)&worker_counts[i]);
}

/* Tasks on several threads take turns with a mutex that each holds over a yield: those on one thread must not
 * wait for each other in the kernel, so each thread has one such task. */
static uint64_t guarded; /* by mutex */

static void add_under_mutex(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	for (int i = 0; i < 200; i++) {
		while (pthread_mutex_trylock(&mutex) != 0)
			tally_yield();
		uint64_t before = guarded;
		tally_yield();
		guarded = before + 1;
		CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
	}
}

static void exclude(void *arg)
{
	tally_waitgroup group = {0};
	tally_set_workers(*(const int *)arg);
	tally_waitgroup_go_n(&group, 10, add_under_mutex, NULL);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(guarded, 2000);
}

static void a_mutex_that_is_held_over_a_yield_excludes(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(exclude, (void *)(uintptr_t)&worker_counts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errno_is_kept_by_each_task),
		cmocka_unit_test(a_task_stays_on_its_thread),
		cmocka_unit_test(errno_is_kept_by_a_thread_that_runs_tasks),
		cmocka_unit_test(a_mutex_may_be_held_while_its_task_blocks),
		cmocka_unit_test(a_mutex_that_is_held_over_a_yield_excludes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
