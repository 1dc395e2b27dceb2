/* When nobody is left who could wake the waiting, the program says so and ends; and not while somebody is. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

#define FIRST "tally: all tasks are asleep - deadlock!"
#define LAST  "tally: nothing is left that could wake them\n"

static tally_waitgroup never, never_too;

/* ThreadSanitizer has a thread of its own, which the library takes for one that could act. */
static void needs_to_be_alone(void)
{
	if (UNDER_TSAN) {
		print_message("ThreadSanitizer's own thread could act, for all that tally knows\n");
		skip();
	}
}

/* body(arg) must end in a deadlock whose list has `tasks` lines of tasks and `threads` of plain threads. */
static void assert_deadlock(void (*body)(void *), void *arg, int tasks, int threads)
{
	struct child_end end = child_run(body, arg);
	int found_tasks = 0, found_threads = 0, others = 0;
	char *line = strtok(end.text, "\n");
	bool good = WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGABRT && line != NULL &&
		    strcmp(line, FIRST) == 0;
	while (good && (line = strtok(NULL, "\n")) != NULL) {
		if (text_fits(line, "  task # (function 0x#) waits for wait group 0x#"))
			found_tasks++;
		else if (text_fits(line, "  a plain thread waits for wait group 0x#"))
			found_threads++;
		else if (strncmp(line, LAST, strlen(LAST) - 1) == 0)
			others += 1;
		else
			others += 100;
	}
	if (!good || found_tasks != tasks || found_threads != threads || others != 1) {
		print_error("wanted a deadlock of %d tasks and %d threads; found %d and %d\n", tasks, threads,
			    found_tasks, found_threads);
		child_describe(&end);
		fail();
	}
}

static void wait_for_ever(void *arg)
{
	tally_waitgroup_wait(arg);
}

static void main_alone(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&never, 1);
	tally_waitgroup_wait(&never);
}

static void the_only_thread_waits(void **state)
{
	(void)state;
	needs_to_be_alone();
	assert_deadlock(main_alone, NULL, 0, 1);
}

static void main_and_tasks(void *arg)
{
	tally_waitgroup group = {0};
	tally_set_workers(*(const int *)arg);
	tally_waitgroup_add(&never, 1);
	tally_waitgroup_add(&never_too, 1);
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(&group, wait_for_ever, i % 2 == 0 ? &never : &never_too);
	tally_waitgroup_wait(&group);
}

static void main_waits_for_tasks_that_wait(void **state)
{
	(void)state;
	static const int counts[] = {1, 2, 8};
	needs_to_be_alone();
	for (int i = 0; i < 3; i++)
		assert_deadlock(main_and_tasks, (void *)(uintptr_t)&counts[i], 10, 1);
}

/* Each waits for the other's group. */
static tally_waitgroup chains[2];

static void wait_then_done(void *arg, size_t index)
{
	(void)arg;
	tally_waitgroup_wait(&chains[index]);
	tally_waitgroup_done(&chains[1 - index]);
}

static void circle(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	tally_waitgroup_add(&chains[0], 1);
	tally_waitgroup_add(&chains[1], 1);
	tally_waitgroup_go_n(&group, 2, wait_then_done, NULL);
	tally_waitgroup_wait(&group);
}

static void tasks_wait_for_each_other(void **state)
{
	(void)state;
	needs_to_be_alone();
	for (int i = 0; i < 5; i++)
		assert_deadlock(circle, NULL, 2, 1);
}

static void many_wait(void *arg)
{
	tally_waitgroup group = {0};
	tally_waitgroup_add(&never, 1);
	for (size_t i = 0; i < *(const size_t *)arg; i++)
		tally_waitgroup_go(&group, wait_for_ever, &never);
	tally_waitgroup_wait(&group);
}

/* 100 lines, whoever they are of; then how many more there are. */
static void a_long_list_is_cut(void **state)
{
	(void)state;
	needs_to_be_alone();
	size_t count = 250;
	struct child_end end = child_run(many_wait, &count);
	assert_true(WIFSIGNALED(end.status));
	char *line = strtok(end.text, "\n");
	int lines = 0;
	bool said = false;
	assert_string_equal(line, FIRST);
	while ((line = strtok(NULL, "\n")) != NULL) {
		lines += strstr(line, " waits for wait group 0x") != NULL;
		said = said || strcmp(line, "  and 151 more") == 0;
	}
	assert_int_equal(lines, 100);
	assert_true(said);
}

static void *wait_in_a_thread(void *arg)
{
	tally_waitgroup_wait(arg);
	return NULL;
}

static void threads_too(void *arg)
{
	(void)arg;
	pthread_t threads[3];
	tally_waitgroup_add(&never, 1);
	tally_go(wait_for_ever, &never);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, wait_in_a_thread, &never), 0);
	tally_waitgroup_wait(&never);
}

static void several_threads_wait(void **state)
{
	(void)state;
	needs_to_be_alone();
	assert_deadlock(threads_too, NULL, 1, 4);
}

/* --- the last who could act ends --- */

static void *end_soon(void *arg)
{
	pause_for(*(const int64_t *)arg);
	return NULL;
}

static void last_thread_ends(void *arg)
{
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, end_soon, arg), 0);
	tally_waitgroup_add(&never, 1);
	tally_go(wait_for_ever, &never);
	tally_waitgroup_wait(&never);
}

static void the_last_thread_that_could_act_ends(void **state)
{
	(void)state;
	needs_to_be_alone();
	/* The last is longer than the library looks often. */
	static const int64_t pauses[] = {0, 30000000, 300000000, 12000000000};
	for (int i = 0; i < (soak_end() > now() ? 4 : 3); i++)
		assert_deadlock(last_thread_ends, (void *)(uintptr_t)&pauses[i], 1, 1);
}

static void main_ends(void *arg)
{
	tally_waitgroup_add(&never, 1);
	tally_go(wait_for_ever, &never);
	pause_for(*(const int64_t *)arg);
	pthread_exit(NULL);
}

static void main_ends_as_a_thread(void **state)
{
	(void)state;
	needs_to_be_alone();
	static const int64_t pauses[] = {0, 30000000, 300000000};
	for (int i = 0; i < 3; i++)
		assert_deadlock(main_ends, (void *)(uintptr_t)&pauses[i], 1, 0);
}

/* --- not said --- */

static tally_atomic_bool done_at_last;

/* Long after everybody else has gone to sleep for good. */
#define LATE 150000000

static void act(void)
{
	tally_atomic_bool_store(&done_at_last, true);
	tally_waitgroup_done(&never);
}

static void *act_after_nanosleep(void *arg)
{
	(void)arg;
	pause_for(LATE);
	act();
	return NULL;
}

static void *act_after_poll(void *arg)
{
	(void)arg;
	poll(NULL, 0, LATE / 1000000);
	act();
	return NULL;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *act_after_cond(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&mutex);
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LATE;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (pthread_cond_timedwait(&cond, &mutex, &until) != ETIMEDOUT) {
	}
	pthread_mutex_unlock(&mutex);
	act();
	return NULL;
}

/* Is itself woken by a child process, through a pipe. */
static void *act_after_read(void *arg)
{
	int ends[2];
	char byte;
	(void)arg;
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		pause_for(LATE);
		_exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
	}
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	act();
	int status;
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	return NULL;
}

struct outsider {
	void *(*fn)(void *);
	bool detached;
};

static void outsider_acts(void *arg)
{
	const struct outsider *outsider = arg;
	pthread_t thread;
	tally_waitgroup group = {0};
	tally_waitgroup_add(&never, 1);
	tally_waitgroup_go(&group, wait_for_ever, &never);
	CHECK_EQUAL(pthread_create(&thread, NULL, outsider->fn, NULL), 0);
	if (outsider->detached)
		pthread_detach(thread);
	tally_waitgroup_wait(&group);
	CHECK(tally_atomic_bool_load(&done_at_last));
	if (!outsider->detached)
		pthread_join(thread, NULL);
}

static void not_while_a_thread_outside_may_act(void **state)
{
	(void)state;
	void *(*const fns[])(void *) = {act_after_nanosleep, act_after_poll, act_after_cond, act_after_read};
	for (int i = 0; i < 4; i++)
		for (int detached = 0; detached < 2; detached++)
			assert_passes(outsider_acts, &(struct outsider){fns[i], detached});
}

static void main_sleeps(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&never, 1);
	tally_go(wait_for_ever, &never);
	pause_for(LATE);
	act();
}

static void not_while_main_sleeps(void **state)
{
	(void)state;
	assert_passes(main_sleeps, NULL);
}

static void give_up_and_act(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&never_too, 1);
	CHECK_EQUAL(tally_waitgroup_wait_until(&never_too, now() + LATE), -ETIMEDOUT);
	act();
}

static void a_task_has_a_deadline(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&never, 1);
	tally_go(give_up_and_act, NULL);
	tally_waitgroup_wait(&never);
}

static void main_has_a_deadline(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	tally_waitgroup_add(&never, 1);
	tally_waitgroup_go(&group, wait_for_ever, &never);
	give_up_and_act(NULL);
	tally_waitgroup_wait(&group);
}

static void not_while_a_wait_has_a_deadline(void **state)
{
	(void)state;
	assert_passes(a_task_has_a_deadline, NULL);
	assert_passes(main_has_a_deadline, NULL);
}

/* Workers without work are no deadlock where nobody waits. */
static void nothing(void *arg)
{
	(void)arg;
}

static void rest_for_long(void *arg)
{
	tally_waitgroup group = {0};
	for (int i = 0; i < 3; i++) {
		tally_waitgroup_go(&group, nothing, arg);
		tally_waitgroup_wait(&group);
		pause_for(50000000);
	}
}

static void *rest_in_a_thread(void *arg)
{
	rest_for_long(arg);
	_exit(0);
}

static void only_idle_workers(void *arg)
{
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, rest_in_a_thread, arg), 0);
	pthread_exit(NULL);
}

static void not_while_nobody_waits(void **state)
{
	(void)state;
	assert_passes(rest_for_long, NULL);
	assert_passes(only_idle_workers, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_only_thread_waits),
		cmocka_unit_test(main_waits_for_tasks_that_wait),
		cmocka_unit_test(tasks_wait_for_each_other),
		cmocka_unit_test(a_long_list_is_cut),
		cmocka_unit_test(several_threads_wait),
		cmocka_unit_test(the_last_thread_that_could_act_ends),
		cmocka_unit_test(main_ends_as_a_thread),
		cmocka_unit_test(not_while_a_thread_outside_may_act),
		cmocka_unit_test(not_while_main_sleeps),
		cmocka_unit_test(not_while_a_wait_has_a_deadline),
		cmocka_unit_test(not_while_nobody_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
