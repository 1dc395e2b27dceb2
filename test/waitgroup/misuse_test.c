/* Misuse of tasks and wait groups ends the program, each time, with the line that the headers promise. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_waitgroup group;

/* Runs fn as the only task there is and keeps main away from the group. */
static void in_a_task(void (*fn)(void *))
{
	tally_set_workers(1);
	tally_go(fn, NULL);
	for (;;)
		pause_for(1000000000);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* --- null functions --- */

static void go_null(void *arg)
{
	(void)arg;
	tally_go(NULL, NULL);
}

static void try_go_null(void *arg)
{
	(void)arg;
	(void)!tally_try_go(NULL, NULL);
}

static void group_go_null(void *arg)
{
	(void)arg;
	tally_waitgroup_go(&group, NULL, NULL);
}

static void group_go_n_null(void *arg)
{
	tally_waitgroup_go_n(&group, *(const size_t *)arg, NULL, NULL);
}

static void go_null_in_a_task(void *arg)
{
	(void)arg;
	in_a_task(go_null);
}

static void a_null_function_is_named(void **state)
{
	(void)state;
	size_t none = 0, some = 3;
	assert_dies(go_null, NULL, "tally: go of a null function (task 0)");
	assert_dies(try_go_null, NULL, "tally: go of a null function (task 0)");
	assert_dies(go_null_in_a_task, NULL, "tally: go of a null function (task 1)");
	assert_dies(group_go_null, NULL, "tally: go of a null function: wait group 0x#, task 0");
	assert_dies(group_go_n_null, &some, "tally: go of a null function: wait group 0x#, task 0");
	assert_dies(group_go_n_null, &none, "tally: go of a null function: wait group 0x#, task 0");
}

/* --- the counter --- */

static void done_without_add(void *arg)
{
	(void)arg;
	tally_waitgroup_done(&group);
}

static void done_too_often(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&group, 2);
	for (int i = 0; i < 3; i++)
		tally_waitgroup_done(&group);
}

static void take_too_much(void *arg)
{
	tally_waitgroup_add(&group, 5);
	tally_waitgroup_add(&group, *(const int *)arg);
}

static void done_in_a_task(void *arg)
{
	(void)arg;
	in_a_task(done_without_add);
}

/* The task's own done comes first; that of its return is one too many. */
static void done_by_hand(void *arg)
{
	(void)arg;
	tally_waitgroup_done(&group);
}

static void done_twice(void *arg)
{
	(void)arg;
	tally_waitgroup_go(&group, done_by_hand, NULL);
	for (;;)
		pause_for(1000000000);
}

static void a_negative_counter_is_named(void **state)
{
	(void)state;
	static const char line[] = "tally: negative wait group counter: wait group 0x#, task 0";
	int less = -6, least = INT_MIN;
	assert_dies(done_without_add, NULL, line);
	assert_dies(done_too_often, NULL, line);
	assert_dies(take_too_much, &less, line);
	assert_dies(take_too_much, &least, line);
	assert_dies(done_in_a_task, NULL, "tally: negative wait group counter: wait group 0x#, task 1");
	assert_dies(done_twice, NULL, "tally: negative wait group counter: wait group 0x#, task #");
}

static void add_too_much(void *arg)
{
	tally_waitgroup_add(&group, *(const int *)arg);
	/* The most is no misuse; one more is. */
	tally_waitgroup_add(&group, INT_MAX - *(const int *)arg);
	CHECK_EQUAL(tally_waitgroup_wait_until(&group, 0), -ETIMEDOUT);
	tally_waitgroup_add(&group, 1);
}

static void go_above_the_most(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&group, INT_MAX);
	tally_waitgroup_go(&group, nothing, NULL);
}

static void nothing_n(void *arg, size_t index)
{
	(void)arg;
	(void)index;
}

static void go_n_too_many(void *arg)
{
	tally_waitgroup_go_n(&group, *(const size_t *)arg, nothing_n, NULL);
}

static void go_n_above_the_most(void *arg)
{
	tally_waitgroup_add(&group, INT_MAX - 9);
	go_n_too_many(arg);
}

static void an_overflow_is_named(void **state)
{
	(void)state;
	static const char line[] = "tally: wait group counter overflow: wait group 0x#, task 0";
	int one = 1, most = INT_MAX;
	size_t too_many = (size_t)INT_MAX + 1, all = SIZE_MAX, wraps = (size_t)UINT32_MAX + 2, ten = 10;
	assert_dies(add_too_much, &one, line);
	assert_dies(add_too_much, &most, line);
	assert_dies(go_above_the_most, NULL, line);
	assert_dies(go_n_too_many, &too_many, line);
	assert_dies(go_n_too_many, &all, line);
	assert_dies(go_n_too_many, &wraps, line);
	assert_dies(go_n_above_the_most, &ten, line);
}

/* --- reuse --- */

static tally_atomic_bool waits;

static void wait_here(void *arg)
{
	(void)arg;
	tally_atomic_bool_store(&waits, true);
	tally_waitgroup_wait(&group);
}

/* With one worker the waiter cannot return between the two calls. */
static void reuse_at_once(void *arg)
{
	(void)arg;
	tally_go(wait_here, NULL);
	while (!tally_atomic_bool_load(&waits))
		tally_yield();
	tally_waitgroup_done(&group);
	tally_waitgroup_add(&group, 1);
}

static void reuse(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&group, 1);
	in_a_task(reuse_at_once);
}

static void reuse_by_go_at_once(void *arg)
{
	(void)arg;
	tally_go(wait_here, NULL);
	while (!tally_atomic_bool_load(&waits))
		tally_yield();
	tally_waitgroup_done(&group);
	tally_waitgroup_go(&group, nothing, NULL);
}

static void reuse_by_go(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&group, 1);
	in_a_task(reuse_by_go_at_once);
}

static void reuse_before_the_wait_has_returned_is_named(void **state)
{
	(void)state;
	static const char line[] =
		"tally: wait group is reused before previous wait has returned: wait group 0x#, task #";
	for (int i = 0; i < 10; i++) {
		assert_dies(reuse, NULL, line);
		assert_dies(reuse_by_go, NULL, line);
	}
}

/* --- the end of a task --- */

static void exit_thread(void *arg)
{
	(void)arg;
	pthread_exit(NULL);
}

static void exit_thread_after_a_block(void *arg)
{
	(void)arg;
	tally_yield();
	tally_waitgroup own = {0};
	tally_waitgroup_go(&own, nothing, NULL);
	tally_waitgroup_wait(&own);
	pthread_exit(NULL);
}

static void cancel_self(void *arg)
{
	(void)arg;
	pthread_cancel(pthread_self());
	pthread_testcancel();
}

static void on_a_worker(void *arg)
{
	void (*const *fn)(void *) = arg;
	in_a_task(*fn);
}

static void on_the_waiting_thread(void *arg)
{
	void (*const *fn)(void *) = arg;
	/* The worker, if it gets there first, ends in the same way. */
	tally_waitgroup_go(&group, *fn, NULL);
	tally_waitgroup_wait(&group);
}

static void a_task_that_ends_its_thread_is_named(void **state)
{
	(void)state;
	if (UNDER_TSAN) {
		print_message("ThreadSanitizer itself forbids that\n");
		skip();
	}
	static const char line[] = "tally: task # ended its thread: a task ends by returning, not by "
				   "pthread_exit or cancellation";
	void (*ends[])(void *) = {exit_thread, exit_thread_after_a_block, cancel_self};
	for (int i = 0; i < 3; i++) {
		assert_dies(on_a_worker, &ends[i], line);
		assert_dies(on_the_waiting_thread, &ends[i], line);
	}
}

/* The child's first line is that of its own child, the one that is forked in the task. */
static void fork_and_return(void *arg)
{
	(void)arg;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		return;
	int status;
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_EQUAL(WTERMSIG(status), SIGABRT);
	abort();
}

static void a_task_that_returns_in_a_forked_child_is_named(void **state)
{
	(void)state;
	static const char line[] = "tally: task # returned in a forked child: it must call exec or _exit there";
	void (*fn)(void *) = fork_and_return;
	assert_dies(on_a_worker, &fn, line);
	assert_dies(on_the_waiting_thread, &fn, line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_null_function_is_named),
		cmocka_unit_test(a_negative_counter_is_named),
		cmocka_unit_test(an_overflow_is_named),
		cmocka_unit_test(reuse_before_the_wait_has_returned_is_named),
		cmocka_unit_test(a_task_that_ends_its_thread_is_named),
		cmocka_unit_test(a_task_that_returns_in_a_forked_child_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
