/* Threads of the operating system, as we start them. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <tally/atomic.h>

#include "platform/clock.h"
#include "platform/futex.h"
#include "platform/thread.h"

#include "child.h"

/* glibc takes this from the stack of each thread. */
static _Thread_local char thread_local_megabyte[1 << 20];

struct look {
	tally_atomic_u32 done, leave;
	char name[16];
	int slack;
	int detached;
	sigset_t mask;
	size_t stack;
};

static void flag_set(tally_atomic_u32 *flag)
{
	tally_atomic_u32_store(flag, 1);
	tally__futex_wake(flag, 1);
}

static void flag_await(tally_atomic_u32 *flag)
{
	while (tally_atomic_u32_load(flag) == 0)
		tally__futex_wait(flag, 0, TALLY__FOREVER);
}

/* Uses most of the 256 KiB that a thread is promised, page by page downwards. */
static __attribute__((noinline)) char use_stack(size_t bytes)
{
	char here[4096];
	char *way = here;

	__asm__("" : "+r"(way)::"memory");
	way[0] = 1;
	return bytes < 8192 ? way[0] : (char)(use_stack(bytes - 4096) + way[0]);
}

static void look_around(void *arg)
{
	struct look *look = arg;
	pthread_attr_t attributes;
	void *base;
	int detached;

	prctl(PR_GET_NAME, look->name);
	look->slack = prctl(PR_GET_TIMERSLACK, 0L, 0L, 0L, 0L);
	pthread_sigmask(SIG_SETMASK, NULL, &look->mask);
	if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
		pthread_attr_getdetachstate(&attributes, &detached);
		pthread_attr_getstack(&attributes, &base, &look->stack);
		look->detached = detached == PTHREAD_CREATE_DETACHED;
		pthread_attr_destroy(&attributes);
	}
	memset(thread_local_megabyte, 1, sizeof(thread_local_megabyte));
	__asm__("" ::"r"(thread_local_megabyte) : "memory"); /* or it would not be there at all */
	use_stack(200 * 1024);
	flag_set(&look->done);
	flag_await(&look->leave);
}

static void a_thread_is_made_as_promised(void **state)
{
	static struct look look;
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
	static const int others[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,  SIGCHLD, SIGUSR1, SIGUSR2,
				     SIGALRM, SIGPIPE, SIGPROF, SIGWINCH, SIGURG,  SIGIO,   SIGVTALRM};
	sigset_t before, after;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	errno = 77;
	assert_int_equal(tally__thread_start(look_around, &look), 0);
	assert_int_equal(errno, 77);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	flag_await(&look.done);
	assert_string_equal(look.name, "tally");
	assert_int_equal(look.slack, 1000);
	assert_true(look.detached);
	assert_true(look.stack >= 256 * 1024 + sizeof(thread_local_megabyte));
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		assert_false(sigismember(&look.mask, faults[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(sigismember(&look.mask, others[i]));
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		assert_true(sigismember(&look.mask, i));
	for (int i = 1; i <= SIGRTMAX; i++)
		assert_int_equal(sigismember(&before, i), sigismember(&after, i));
	flag_set(&look.leave);
}

static void faults_are_open_though_the_starter_blocks_them(void **state)
{
	static struct look look;
	sigset_t fault, before;

	(void)state;
	sigemptyset(&fault);
	sigaddset(&fault, SIGSEGV);
	pthread_sigmask(SIG_BLOCK, &fault, &before);
	assert_int_equal(tally__thread_start(look_around, &look), 0);
	flag_await(&look.done);
	assert_false(sigismember(&look.mask, SIGSEGV));
	pthread_sigmask(SIG_SETMASK, NULL, &fault);
	assert_true(sigismember(&fault, SIGSEGV));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	flag_set(&look.leave);
}

/* The threads of the program when none of ours is left. ThreadSanitizer has one of its own beside them. */
#if __has_feature(thread_sanitizer)
static const int threads_at_rest = 2;
#else
static const int threads_at_rest = 1;
#endif

static void await_count(int count)
{
	while (tally__thread_count() != count)
		usleep(1000);
}

#if !UNDER_SANITIZER /* those put their own in its place */

/* What stands between the library and the C library here: new threads wait at a gate, and calls may fail. */
static tally_atomic_u32 gate_closed, gate_waiting;
static int create_fails[4]; /* what the next calls return, up to 0 */
static size_t stack_asked[4];
static int creates;

struct gated {
	void *(*fn)(void *);
	void *arg;
};

static void *gated_main(void *arg)
{
	struct gated gated = *(struct gated *)arg;

	free(arg);
	tally_atomic_u32_add(&gate_waiting, 1);
	while (tally_atomic_u32_load(&gate_closed))
		tally__futex_wait(&gate_closed, 1, TALLY__FOREVER);
	return gated.fn(gated.arg);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	struct gated *gated;
	int call = creates++;

	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	if (call < 4) {
		pthread_attr_getstacksize(attributes, &stack_asked[call]);
		if (create_fails[call] != 0)
			return create_fails[call];
	}
	gated = malloc(sizeof(*gated));
	*gated = (struct gated){fn, arg};
	return real(thread, attributes, gated_main, gated);
}

static tally_atomic_u32 ran[64];

static void note_run(void *arg)
{
	tally_atomic_u32_add(&ran[(uintptr_t)arg], 1);
}

static void many_threads_may_be_about_to_start(void **state)
{
	size_t used = 0;

	(void)state;
	await_count(threads_at_rest);
	for (int round = 0; round < 11; round++) {
		tally_atomic_u32_store(&gate_waiting, 0);
		tally_atomic_u32_store(&gate_closed, 1);
		for (uintptr_t i = 0; i < 64; i++)
			assert_int_equal(tally__thread_start(note_run, (void *)i), 0);
		while (tally_atomic_u32_load(&gate_waiting) < 64)
			usleep(1000);
		for (uintptr_t i = 0; i < 64; i++)
			assert_int_equal(tally_atomic_u32_load(&ran[i]), round);
		tally_atomic_u32_store(&gate_closed, 0);
		tally__futex_wake(&gate_closed, 64);
		for (uintptr_t i = 0; i < 64; i++) {
			while (tally_atomic_u32_load(&ran[i]) == (uint32_t)round)
				usleep(1000);
			assert_int_equal(tally_atomic_u32_load(&ran[i]), round + 1);
		}
		await_count(threads_at_rest);
		if (round == 0)
			used = mallinfo2().uordblks;
	}
	/* What was freed may stay in a cache of malloc's that counts as used, but not all of ten rounds: each
	 * took more than 50 pieces of 32 bytes. */
	assert_true(mallinfo2().uordblks < used + 10 * 50 * 32 / 2);
}

static void fail_creates(int first, int second, int third)
{
	creates = 0;
	create_fails[0] = first;
	create_fails[1] = second;
	create_fails[2] = third;
}

static void too_small_a_stack_is_doubled(void **state)
{
	static struct look look;

	(void)state;
	fail_creates(EINVAL, EINVAL, 0);
	assert_int_equal(tally__thread_start(look_around, &look), 0);
	assert_int_equal(creates, 3);
	assert_true(stack_asked[0] > 256 * 1024);
	assert_int_equal(stack_asked[1], 2 * stack_asked[0]);
	assert_int_equal(stack_asked[2], 4 * stack_asked[0]);
	flag_await(&look.done);
	flag_set(&look.leave);
}

static void refusals_of_the_c_library_are_handed_on(void **state)
{
	size_t used = 0;

	(void)state;
	for (int i = 0; i < 100; i++) { /* more often than records are kept for: none may get lost */
		fail_creates(EPERM, 0, 0);
		assert_int_equal(tally__thread_start(note_run, NULL), -EPERM);
		fail_creates(ENOMEM, 0, 0);
		assert_int_equal(tally__thread_start(note_run, NULL), -EAGAIN);
		fail_creates(EINVAL, EAGAIN, 0);
		assert_int_equal(tally__thread_start(note_run, NULL), -EAGAIN);
		if (i == 0)
			used = mallinfo2().uordblks;
		assert_true(mallinfo2().uordblks < used + 100 * 16);
	}
	fail_creates(0, 0, 0);
}

#endif

static int count_on_signal;

static void on_signal(int signal)
{
	(void)signal;
	count_on_signal = tally__thread_count();
}

static void threads_are_counted(void **state)
{
	static struct look looks[3];

	(void)state;
	errno = 77;
	await_count(threads_at_rest);
	assert_int_equal(errno, 77);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(tally__thread_start(look_around, &looks[i]), 0);
		flag_await(&looks[i].done);
	}
	await_count(threads_at_rest + 3);
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	assert_int_equal(count_on_signal, threads_at_rest + 3);
	for (int i = 0; i < 3; i++)
		flag_set(&looks[i].leave);
	await_count(threads_at_rest);
}

static void count_in_child(void *arg)
{
	(void)arg;
	/* ThreadSanitizer has a thread of its own. */
	CHILD_EXPECT(tally__thread_count() == 1 || UNDER_SANITIZER);
	refuse(SYS_newfstatat, EACCES, -1, 0);
	errno = 77;
	CHILD_EXPECT(tally__thread_count() == -1);
	CHILD_EXPECT(errno == 77);
}

static void a_forked_child_counts_one_thread(void **state)
{
	struct child child = child_run(count_in_child, NULL);

	(void)state;
	child_expect_well(&child);
}

static void start_refused(void *arg)
{
	static struct look look;
	sigset_t before, after;

	(void)arg;
	refuse(SYS_clone, EAGAIN, -1, 0);
	refuse(SYS_clone3, EAGAIN, -1, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	errno = 77;
	for (int i = 0; i < 3; i++)
		CHILD_EXPECT(tally__thread_start(look_around, &look) == -EAGAIN);
	CHILD_EXPECT(errno == 77);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	CHILD_EXPECT(!sigismember(&before, SIGUSR1) && !sigismember(&after, SIGUSR1));
}

static void no_thread_for_us_is_an_error(void **state)
{
	struct child child = child_run(start_refused, NULL);

	(void)state;
	child_expect_well(&child);
}

static void memory_refused(void *arg)
{
	static struct look look;
	int result = 0;

	(void)arg;
	refuse(SYS_mmap, ENOMEM, -1, 0);
	/* The first may get the stack of a thread that has ended. */
	for (int i = 0; i < 100 && result == 0; i++)
		result = tally__thread_start(look_around, &look);
	CHILD_EXPECT(result == -EAGAIN);
}

static void no_memory_for_its_stack_is_the_same(void **state)
{
	struct child child;

	(void)state;
	/* These need memory for themselves when a thread starts, and die without. */
	if (UNDER_SANITIZER)
		skip();
	child = child_run(memory_refused, NULL);
	child_expect_well(&child);
}

static void yield_leaves_errno_alone(void **state)
{
	(void)state;
	errno = 77;
	tally__thread_yield();
	assert_int_equal(errno, 77);
}

int main(void)
{
	/* First those that start threads in a child: ThreadSanitizer wants no threads before the fork. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_thread_for_us_is_an_error),
		cmocka_unit_test(no_memory_for_its_stack_is_the_same),
		cmocka_unit_test(a_thread_is_made_as_promised),
		cmocka_unit_test(faults_are_open_though_the_starter_blocks_them),
#if !UNDER_SANITIZER
		cmocka_unit_test(many_threads_may_be_about_to_start),
		cmocka_unit_test(too_small_a_stack_is_doubled),
		cmocka_unit_test(refusals_of_the_c_library_are_handed_on),
#endif
		cmocka_unit_test(threads_are_counted),
		cmocka_unit_test(a_forked_child_counts_one_thread),
		cmocka_unit_test(yield_leaves_errno_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
