/* Forks while threads count: parent and child are both exact. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <tally/counter.h>

#include "child.h"
#include "region/region.h"

enum { THREADS = 3, CHILDREN = 30, IN_CHILD = 20000 };

TALLY_COUNTER(shared, "test_fork_total", "Counted by parent and children.");
static tally_counter apart;
static tally_atomic_bool stop;
static tally_atomic_u64 rounds;

static void *count(void *arg)
{
	uint64_t mine = 0;

	(void)arg;
	while (!tally_atomic_bool_load(&stop)) {
		tally_counter_inc(&shared);
		tally_counter_inc(&apart);
		mine++;
	}
	tally_atomic_u64_add(&rounds, mine);
	return NULL;
}

/* The parent's threads are not here, so what only this process counts stands still but for us. */
static void in_child(void *arg)
{
	uint64_t before = tally_counter_load(&apart);
	uint64_t shared_before = tally_counter_load(&shared);
	tally_counter fresh = {0};

	(void)arg;
	for (int i = 0; i < IN_CHILD; i++) {
		tally_counter_inc(&shared);
		tally_counter_inc(&apart);
		tally_counter_inc(&fresh);
	}
	CHECK(tally_counter_load(&apart) == before + IN_CHILD);
	CHECK(tally_counter_load(&shared) >= shared_before + IN_CHILD);
	CHECK(tally_counter_load(&fresh) == IN_CHILD);
	tally_counter_destroy(&fresh);
	tally_counter_destroy(&apart);
	CHECK(tally_counter_load(&apart) == 0);
}

static void forks_in_the_middle_are_exact(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (int i = 0; i < CHILDREN; i++) {
		assert_passes(in_child, NULL);
	}
	tally_atomic_bool_store(&stop, true);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(tally_counter_load(&apart), tally_atomic_u64_load(&rounds));
	assert_int_equal(tally_counter_load(&shared), tally_atomic_u64_load(&rounds) + CHILDREN * IN_CHILD);
	/* Children do not hand their slots back when they end so; but the next finds them dead. */
	assert_true(tally__slots_used(&tally__region.slots) <= 1 + THREADS + 1 + 1 + 1);
}

/* Children of children, side by side, and the first parent gone before they count. */
static void grandchild(uint64_t times)
{
	for (uint64_t i = 0; i < times; i++)
		tally_counter_inc(&shared);
	_exit(0);
}

static void middle(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0)
			grandchild(1000);
	}
	tally_counter_add(&shared, 10);
	for (int i = 0; i < 4; i++)
		CHECK(wait(NULL) > 0);
}

static void generations_count_together(void **state)
{
	uint64_t before = tally_counter_load(&shared);

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_passes(middle, NULL);
	}
	assert_int_equal(tally_counter_load(&shared) - before, 10 * 4010);
}

/* The child of a thread has that thread's own slot no more. */
static void in_other_slot(void *arg)
{
	in_child(NULL);
	CHECK(tally__slot != 0 && tally__slot != *(uint64_t *)arg);
}

static void *fork_from_thread(void *arg)
{
	uint64_t slot;

	(void)arg;
	tally_counter_inc(&shared);
	slot = tally__slot;
	assert_true(slot != 0);
	assert_passes(in_other_slot, &slot);
	tally_counter_inc(&shared);
	assert_true(tally__slot == slot);
	return NULL;
}

static void a_thread_forks(void **state)
{
	uint64_t before = tally_counter_load(&shared);
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, fork_from_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(tally_counter_load(&shared) - before, IN_CHILD + 2);
}

/* The process that made the region is gone, and those it forked find its slots free. A new program, so that it
 * makes its own. */
static void *count_and_wait(void *arg)
{
	tally_counter_inc(&shared);
	tally_atomic_u64_add(&rounds, 1);
	while (!tally_atomic_bool_load(&stop))
		usleep(1000);
	return arg;
}

static void outlive_the_creator(int result)
{
	pthread_t threads[THREADS];
	pid_t parent = getpid();
	pid_t pid;
	bool fine;

	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, count_and_wait, NULL) == 0);
	while (tally_atomic_u64_load(&rounds) < THREADS)
		usleep(100);
	pid = fork();
	CHECK(pid >= 0);
	if (pid > 0)
		_exit(0);
	while (getppid() == parent)
		usleep(1000);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, count_and_wait, NULL) == 0);
	while (tally_atomic_u64_load(&rounds) < 2 * THREADS)
		usleep(100);
	fine = tally_counter_load(&shared) == 2 * THREADS &&
	       tally__slots_used(&tally__region.slots) == THREADS + 1;
	CHECK(write(result, &fine, sizeof(fine)) == sizeof(fine));
	_exit(0);
}

static void execute_creator(void *arg)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", *(int *)arg);
	setenv("TEST_CREATOR", number, 1);
	execl("/proc/self/exe", "fork_test", (char *)NULL);
	_exit(1);
}

static void slots_of_the_creator_are_free_when_it_is_gone(void **state)
{
	bool fine = false;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_passes(execute_creator, &ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &fine, sizeof(fine)), sizeof(fine));
	close(ends[0]);
	assert_true(fine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forks_in_the_middle_are_exact),
		cmocka_unit_test(generations_count_together),
		cmocka_unit_test(a_thread_forks),
		cmocka_unit_test(slots_of_the_creator_are_free_when_it_is_gone),
	};

	if (getenv("TEST_CREATOR"))
		outlive_the_creator(atoi(getenv("TEST_CREATOR")));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
