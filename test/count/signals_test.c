/* Signal handlers that count on the counters they interrupt. Exact on x86-64; elsewhere a handler may cost what
 * it interrupts, so there each has counters of its own (tally/counter.h). */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include <tally/counter.h>

#include "region/region.h"
#include "scale.h"

TALLY_COUNTER(named, "test_signals_total", "Counted by handlers too.");
static tally_counter anonymous;
static tally_updown updown;
static tally_counter first_here[64]; /* first used by a handler */
static tally_atomic_u64 handled;
static tally_atomic_bool stop;

/* Of each thread: its handlers only return. */
static __thread tally_atomic_bool quiet;

static void handler(int number)
{
	uint64_t count;

	(void)number;
	if (tally_atomic_bool_load(&quiet))
		return;
	count = tally_atomic_u64_add(&handled, 1);
	tally_counter_inc(&named);
	tally_counter_inc(&anonymous);
	tally_updown_sub(&updown, 1);
	tally_counter_inc(&first_here[count % 64]);
}

struct loop {
	uint64_t rounds;
};

static void *loop(void *arg)
{
	struct loop *loop = arg;

	while (!tally_atomic_bool_load(&stop)) {
		for (int i = 0; i < 1000; i++) {
			tally_counter_inc(&named);
			tally_counter_inc(&anonymous);
			tally_updown_add(&updown, 1);
		}
		loop->rounds += 1000;
	}
	return NULL;
}

/* Each thread is hit, every 50 microseconds while it runs, from before it counts first. */
static void handlers_lose_nothing(void **state)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 50}, {0, 50}}, never = {0};
	int64_t end = soak_end() + 1500000000;
	struct loop loops[3] = {0};
	pthread_t threads[3];
	uint64_t rounds = 0, sum = 0;

	(void)state;
	assert_int_equal(sigaction(SIGPROF, &action, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_PROF, &often, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, loop, &loops[i]), 0);
	while (now() < end)
		pause_for(10000000); /* the signals cut it short */
	tally_atomic_bool_store(&stop, true);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		rounds += loops[i].rounds;
	}
	assert_int_equal(setitimer(ITIMER_PROF, &never, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	signal(SIGPROF, SIG_IGN);
	signal(SIGALRM, SIG_IGN);
	assert_true(tally_atomic_u64_load(&handled) > 100);
	assert_int_equal(tally_counter_load(&named), rounds + tally_atomic_u64_load(&handled));
	assert_int_equal(tally_counter_load(&anonymous), rounds + tally_atomic_u64_load(&handled));
	assert_int_equal(tally_updown_load(&updown), (int64_t)(rounds - tally_atomic_u64_load(&handled)));
	for (int i = 0; i < 64; i++)
		sum += tally_counter_load(&first_here[i]);
	assert_int_equal(sum, tally_atomic_u64_load(&handled));
}

/* Threads that are hit while they claim a slot, or hand it back. */
static void mask_alarm(int how)
{
	sigset_t alarms;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(how, &alarms, NULL);
}

static void *short_life(void *arg)
{
	static tally_atomic_u32 turn;
	int64_t until;

	/* One signal comes at once. The next may come at any step of what follows, and must not come before. */
	tally_atomic_bool_store(&quiet, true);
	mask_alarm(SIG_UNBLOCK);
	until = now() + (int64_t)(tally_atomic_u32_add(&turn, 1) * 7919 % 50000);
	while (now() < until)
		continue;
	tally_atomic_bool_store(&quiet, false);
	tally_counter_inc(arg);
	return NULL;
}

static void short_threads_under_signals_are_exact(void **state)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 50}, {0, 50}}, never = {0};
	uint64_t before = tally_counter_load(&named);
	uint64_t handled_before = tally_atomic_u64_load(&handled);
	tally_counter mine = {0};

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	/* Only the short threads are to be hit. */
	mask_alarm(SIG_BLOCK);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, short_life, &mine), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	signal(SIGALRM, SIG_IGN);
	mask_alarm(SIG_UNBLOCK);
	assert_int_equal(tally_counter_load(&mine), 3000);
	assert_int_equal(tally_counter_load(&named) - before, tally_atomic_u64_load(&handled) - handled_before);
	/* A handler that counts while its thread claims a slot claims no other. */
	assert_true(tally__slots_used(&tally__region.slots) <= 8);
	tally_counter_destroy(&mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handlers_lose_nothing),
		cmocka_unit_test(short_threads_under_signals_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
