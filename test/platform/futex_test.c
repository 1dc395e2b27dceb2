/* Sleeping on a word and being woken. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/clock.h"
#include "platform/futex.h"

#include "child.h"

#define SECOND INT64_C(1000000000)

struct sleeper {
	pthread_t thread;
	tally_atomic_u32 *word;
	int64_t deadline;
	int result;
	tally_atomic_i32 tid;
	tally_atomic_u32 *awake; /* counts those that have returned */
};

static void *sleeper_main(void *arg)
{
	struct sleeper *sleeper = arg;

	tally_atomic_i32_store(&sleeper->tid, (int32_t)syscall(SYS_gettid));
	sleeper->result = tally__futex_wait(sleeper->word, 0, sleeper->deadline);
	tally_atomic_u32_add(sleeper->awake, 1);
	return NULL;
}

/* Returns when the kernel says that the thread sleeps. */
static void await_sleep(struct sleeper *sleeper)
{
	char name[64], text[512], *state;
	FILE *file;

	while (tally_atomic_i32_load(&sleeper->tid) == 0)
		sched_yield();
	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tally_atomic_i32_load(&sleeper->tid));
	do {
		file = fopen(name, "r");
		assert_non_null(file);
		assert_non_null(fgets(text, sizeof(text), file));
		fclose(file);
		state = strrchr(text, ')');
		assert_non_null(state);
		sched_yield();
	} while (state[2] != 'S');
}

static void start_asleep(struct sleeper *sleeper, tally_atomic_u32 *word, int64_t deadline,
			 tally_atomic_u32 *awake)
{
	sleeper->word = word;
	sleeper->deadline = deadline;
	sleeper->awake = awake;
	tally_atomic_i32_store(&sleeper->tid, 0);
	assert_int_equal(pthread_create(&sleeper->thread, NULL, sleeper_main, sleeper), 0);
	await_sleep(sleeper);
}

static void wake_reaches_as_many_sleepers_as_it_says(void **state)
{
	static tally_atomic_u32 word, awake;
	struct sleeper sleepers[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		start_asleep(&sleepers[i], &word, tally__clock_now() + 60 * SECOND, &awake);
	tally__futex_wake(&word, 0);
	usleep(10000);
	tally__futex_wake(&word, 1);
	while (tally_atomic_u32_load(&awake) < 1)
		sched_yield();
	usleep(20000);
	assert_int_equal(tally_atomic_u32_load(&awake), 1);
	tally__futex_wake(&word, INT_MAX);
	for (int i = 0; i < 3; i++) {
		pthread_join(sleepers[i].thread, NULL);
		assert_int_equal(sleepers[i].result, 0);
	}
}

static void wake_without_sleepers_is_nothing(void **state)
{
	tally_atomic_u32 word = {0};

	(void)state;
	errno = 77;
	tally__futex_wake(&word, 1);
	tally__futex_wake((tally_atomic_u32 *)(uintptr_t)4096, 1); /* a word that is gone */
	assert_int_equal(errno, 77);
}

static void another_value_is_not_waited_for(void **state)
{
	tally_atomic_u32 word = {5};

	(void)state;
	errno = 77;
	assert_int_equal(tally__futex_wait(&word, 4, TALLY__FOREVER), -EAGAIN);
	assert_int_equal(tally__futex_wait(&word, 4, 0), -EAGAIN);
	assert_int_equal(tally__futex_wait(&word, UINT32_MAX, -1), -EAGAIN);
	assert_int_equal(errno, 77);
}

static void deadlines_in_the_past_time_out_at_once(void **state)
{
	const int64_t past[] = {0, 1, -1, -SECOND, -3 * SECOND - 1, INT64_MIN, tally__clock_now()};
	tally_atomic_u32 word = {5};

	(void)state;
	errno = 77;
	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++)
		assert_int_equal(tally__futex_wait(&word, 5, past[i]), -ETIMEDOUT);
	assert_int_equal(errno, 77);
}

static void a_wait_does_not_end_before_its_deadline(void **state)
{
	tally_atomic_u32 word = {5};
	/* One in this second and one in another, so that both halves of the time count. */
	const int64_t ahead[] = {SECOND / 1000, SECOND / 50, SECOND + SECOND / 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		int64_t deadline = tally__clock_now() + ahead[i];
		int result;

		do
			result = tally__futex_wait(&word, 5, deadline);
		while (result == 0 || result == -EINTR);
		assert_int_equal(result, -ETIMEDOUT);
		assert_true(tally__clock_now() >= deadline);
	}
}

/* Seconds that need more than 31, 32 and 33 bits, and the last there are. */
static void deadlines_may_be_centuries_away(void **state)
{
	const int64_t far[] = {(INT64_C(1) << 31) * SECOND + 1, (INT64_C(1) << 32) * SECOND,
			       (INT64_C(1) << 33) * SECOND + 999999999, INT64_MAX - 1, TALLY__FOREVER};

	(void)state;
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		tally_atomic_u32 word = {0}, awake = {0};
		struct sleeper sleeper;

		start_asleep(&sleeper, &word, far[i], &awake);
		usleep(2000);
		assert_int_equal(tally_atomic_u32_load(&awake), 0);
		tally_atomic_u32_store(&word, 1);
		tally__futex_wake(&word, 1);
		pthread_join(sleeper.thread, NULL);
		assert_int_equal(sleeper.result, 0);
	}
}

static void on_signal(int signal)
{
	(void)signal;
}

static void a_signal_ends_a_wait(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};
	tally_atomic_u32 word = {0}, awake = {0};
	struct sleeper sleeper;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	start_asleep(&sleeper, &word, tally__clock_now() + 60 * SECOND, &awake);
	pthread_kill(sleeper.thread, SIGUSR1);
	pthread_join(sleeper.thread, NULL);
	assert_int_equal(sleeper.result, -EINTR);
}

static void refused_wait(void *arg)
{
	tally_atomic_u32 word = {0};

	(void)arg;
	refuse(SYS_futex, EPERM, 1, 9 | 128);
	tally__futex_wait(&word, 0, 0);
}

static void a_refused_wait_ends_the_program(void **state)
{
	struct child child = child_run(refused_wait, NULL);

	(void)state;
	assert_int_equal(child.signal, SIGABRT);
	assert_non_null(strstr(child.text, "tally: the system refuses to wait on a futex at 0x"));
	assert_non_null(strstr(child.text, ": error 1\n"));
}

static void the_clock_goes_on(void **state)
{
	struct timespec before, after;
	int64_t now, last;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	last = now = tally__clock_now();
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(now >= before.tv_sec * SECOND + before.tv_nsec);
	assert_true(now <= after.tv_sec * SECOND + after.tv_nsec);
	for (int i = 0; i < 1000; i++) {
		now = tally__clock_now();
		assert_true(now >= last);
		last = now;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wake_reaches_as_many_sleepers_as_it_says),
		cmocka_unit_test(wake_without_sleepers_is_nothing),
		cmocka_unit_test(another_value_is_not_waited_for),
		cmocka_unit_test(deadlines_in_the_past_time_out_at_once),
		cmocka_unit_test(a_wait_does_not_end_before_its_deadline),
		cmocka_unit_test(deadlines_may_be_centuries_away),
		cmocka_unit_test(a_signal_ends_a_wait),
		cmocka_unit_test(a_refused_wait_ends_the_program),
		cmocka_unit_test(the_clock_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
