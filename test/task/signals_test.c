/* A storm of signals at main over a workload: nothing is lost, nothing is done twice. */
#include "places.h"

#include <errno.h>
#include <pthread.h>
#include <sys/time.h>
#include <tally/waitgroup.h>

static tally_atomic_u64 total, handled;
static tally_atomic_bool stop;

/* What a handler may do: add to atomics. And, so that the interrupted code notices, spoil errno. */
static void on_alarm(int signal)
{
	(void)signal;
	int error = errno;
	errno = EPIPE;
	tally_atomic_u64_add(&handled, 1);
	errno = error;
}

static void install(int signal, int flags)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
	sigemptyset(&action.sa_mask);
	CHECK_EQUAL(sigaction(signal, &action, NULL), 0);
}

static void start_storm(void)
{
	struct itimerval often = {{0, 50}, {0, 50}};
	CHECK_EQUAL(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void end_storm(void)
{
	struct itimerval never = {{0, 0}, {0, 0}};
	CHECK_EQUAL(setitimer(ITIMER_REAL, &never, NULL), 0);
}

static void leaf(void *arg, size_t index)
{
	(void)arg;
	if (index % 4 == 0)
		tally_yield();
	tally_atomic_u64_add(&total, 1);
}

static void branch(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	tally_waitgroup own = {0}, never = {0};
	tally_waitgroup_go_n(&own, 10, leaf, NULL);
	if (index % 16 == 0) {
		tally_waitgroup_add(&never, 1);
		CHECK_EQUAL(tally_waitgroup_wait_until(&never, now() + 20000), -ETIMEDOUT);
	}
	tally_waitgroup_wait(&own);
	tally_atomic_u64_add(&total, 1);
}

/* Main waits, runs tasks, waits with a deadline, spawns; so is it found by the signals. */
static void work(void)
{
	tally_waitgroup group = {0};
	uint64_t rounds = 0;
	uint64_t wanted = UNDER_TSAN ? 20 : 200;
	int64_t end = soak_end();
	while (tally_atomic_u64_load(&handled) < wanted || rounds < 20 || now() < end) {
		tally_waitgroup_go_n(&group, 50, branch, NULL);
		tally_waitgroup_wait(&group);
		tally_waitgroup_go_n(&group, 50, branch, NULL);
		while (tally_waitgroup_wait_until(&group, now() + 1000000) != 0) {
		}
		for (size_t i = 0; i < 50; i++)
			tally_waitgroup_go_n(&group, 1, branch, NULL);
		/* Nothing of its own is left to do: main sleeps. */
		pause_for(100000);
		tally_waitgroup_wait(&group);
		CHECK_EQUAL(tally_atomic_u64_load(&total), ++rounds * 150 * 11);
	}
}

struct storm {
	const struct place *place;
	int flags;
};

static void storm(void *arg)
{
	const struct storm *storm = arg;
	install(SIGALRM, storm->flags);
	go_to_place(storm->place);
	start_storm();
	work();
	end_storm();
}

static void a_storm_of_signals_loses_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		assert_passes(storm, &(struct storm){&places[i], SA_RESTART});
		assert_passes(storm, &(struct storm){&places[i], 0});
	}
}

/* The same with a stack of its own for the handler, that the program has installed for main. */
static void storm_on_a_signal_stack(void *arg)
{
	static char memory[65536];
	stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
	CHECK_EQUAL(sigaltstack(&stack, NULL), 0);
	storm(&(struct storm){arg, SA_ONSTACK});
	stack_t after;
	CHECK_EQUAL(sigaltstack(NULL, &after), 0);
	CHECK(after.ss_sp == memory);
	CHECK_EQUAL(after.ss_size, sizeof(memory));
}

static void the_programs_signal_stack_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_passes(storm_on_a_signal_stack, (void *)(uintptr_t)&places[i]);
}

/* Every plain thread is aimed at in turn. */
static void *work_in_a_thread(void *arg)
{
	(void)arg;
	uint64_t rounds = 0;
	while (!tally_atomic_bool_load(&stop)) {
		tally_waitgroup group = {0};
		tally_waitgroup_go_n(&group, 20, branch, NULL);
		tally_waitgroup_wait(&group);
		rounds++;
	}
	return (void *)(uintptr_t)rounds;
}

static void storm_at_threads(void *arg)
{
	pthread_t threads[4];
	uint64_t wanted = UNDER_TSAN ? 50 : 1000, rounds = 0;
	install(SIGUSR1, 0);
	go_to_place(arg);
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, work_in_a_thread, NULL), 0);
	for (uint64_t sent = 0; tally_atomic_u64_load(&handled) < wanted; sent++) {
		CHECK_EQUAL(pthread_kill(threads[sent % 4], SIGUSR1), 0);
		if (sent % 64 == 0)
			sched_yield();
	}
	tally_atomic_bool_store(&stop, true);
	for (int i = 0; i < 4; i++) {
		void *result;
		CHECK_EQUAL(pthread_join(threads[i], &result), 0);
		rounds += (uintptr_t)result;
	}
	CHECK_EQUAL(tally_atomic_u64_load(&total), rounds * 20 * 11);
}

static void threads_that_wait_may_be_signalled(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_passes(storm_at_threads, (void *)(uintptr_t)&places[i]);
}

/* Workers leave the program's signals to its own threads. */
static tally_atomic_bool on_a_worker;
static pthread_t main_thread;

static void note_thread(int signal)
{
	(void)signal;
	if (!pthread_equal(pthread_self(), main_thread))
		tally_atomic_bool_store(&on_a_worker, true);
	tally_atomic_u64_add(&handled, 1);
}

static void look_at_mask(void *arg)
{
	(void)arg;
	sigset_t mask;
	CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
	for (int signal = 1; signal < 32; signal++) {
		bool fault = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
			     signal == SIGTRAP || signal == SIGABRT || signal == SIGSYS;
		bool never = signal == SIGKILL || signal == SIGSTOP;
		if (!never)
			CHECK(sigismember(&mask, signal) == !fault);
	}
	tally_atomic_bool_store(&stop, true);
}

static void signal_the_process(void *arg)
{
	(void)arg;
	main_thread = pthread_self();
	signal(SIGUSR2, note_thread);
	tally_set_workers(4);
	tally_go(look_at_mask, NULL);
	while (!tally_atomic_bool_load(&stop))
		pause_for(100000);
	for (uint64_t sent = 1; sent <= 200; sent++) {
		CHECK_EQUAL(kill(getpid(), SIGUSR2), 0);
		while (tally_atomic_u64_load(&handled) < sent)
			sched_yield();
	}
	CHECK(!tally_atomic_bool_load(&on_a_worker));
}

static void workers_take_no_signals(void **state)
{
	(void)state;
	assert_passes(signal_the_process, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_storm_of_signals_loses_nothing),
		cmocka_unit_test(the_programs_signal_stack_stays),
		cmocka_unit_test(threads_that_wait_may_be_signalled),
		cmocka_unit_test(workers_take_no_signals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
