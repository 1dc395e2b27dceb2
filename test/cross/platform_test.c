/* The porting surface where there is no test framework: other C libraries, emulated machines, valgrind. What
 * test/platform asks in depth is asked here in short. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "platform/clock.h"
#include "platform/cpus.h"
#include "platform/die.h"
#include "platform/futex.h"
#include "platform/pages.h"
#include "platform/signals.h"
#include "platform/thread.h"
/* The source itself, so that sanitizers see how it orders its holders. */
#include "platform/lock.c"

#define SECOND INT64_C(1000000000)

/* Runs fn in a child and returns how it ended: its exit status, or minus the signal that killed it. */
static int ending(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void flag_await(tally_atomic_u32 *flag)
{
	while (tally_atomic_u32_load(flag) == 0)
		tally__futex_wait(flag, 0, TALLY__FOREVER);
}

static void flag_set(tally_atomic_u32 *flag)
{
	tally_atomic_u32_store(flag, 1);
	tally__futex_wake(flag, 1);
}

static void test_futex(void)
{
	tally_atomic_u32 word = {5};
	int64_t deadline = tally__clock_now() + SECOND / 100;
	int result;

	errno = 77;
	result = tally__futex_wait(&word, 4, TALLY__FOREVER);
	EXPECT(result == -EAGAIN, "%d", result);
	result = tally__futex_wait(&word, 5, INT64_MIN);
	EXPECT(result == -ETIMEDOUT, "%d", result);
	do
		result = tally__futex_wait(&word, 5, deadline);
	while (result == 0 || result == -EINTR);
	EXPECT(result == -ETIMEDOUT, "%d", result);
	EXPECT(tally__clock_now() >= deadline, "too early");
	EXPECT(errno == 77, "%d", errno);
}

/* Seconds that need more than 31 and 32 bits, and the last there are. */
static void wait_for_centuries(void *arg)
{
	static const int64_t far[] = {(INT64_C(1) << 31) * SECOND + 1, (INT64_C(1) << 32) * SECOND,
				      INT64_MAX - 1};
	tally_atomic_u32 *words = arg;

	for (int i = 0; i < 3; i++) {
		int result = 0;

		while (tally_atomic_u32_load(&words[i]) == 0 && result != -ETIMEDOUT)
			result = tally__futex_wait(&words[i], 0, far[i]);
		EXPECT(result != -ETIMEDOUT, "deadline %d", i);
	}
	flag_set(&words[3]);
}

static void test_far_deadlines(void)
{
	static tally_atomic_u32 words[4];
	int result = tally__thread_start(wait_for_centuries, words);

	EXPECT(result == 0, "%d", result);
	for (int i = 0; i < 3; i++) {
		usleep(20000);
		flag_set(&words[i]);
	}
	flag_await(&words[3]);
}

struct look {
	tally_atomic_u32 done, leave;
	sigset_t mask;
	int count; /* of threads, asked from inside */
};

static void look_around(void *arg)
{
	struct look *look = arg;

	pthread_sigmask(SIG_SETMASK, NULL, &look->mask);
	look->count = tally__thread_count();
	flag_set(&look->done);
	flag_await(&look->leave);
}

static void test_thread(void)
{
	static struct look looks[2];

	for (int i = 0; i < 2; i++) {
		int result = tally__thread_start(look_around, &looks[i]);

		EXPECT(result == 0, "%d", result);
		flag_await(&looks[i].done);
		EXPECT(sigismember(&looks[i].mask, SIGTERM) && sigismember(&looks[i].mask, SIGUSR1), "open");
		EXPECT(!sigismember(&looks[i].mask, SIGSEGV) && !sigismember(&looks[i].mask, SIGABRT),
		       "blocked");
	}
	/* With the first thread, an emulator or a sanitizer may have got one of its own; with the second, not.
	 */
	EXPECT(looks[1].count == looks[0].count + 1, "%d, then %d", looks[0].count, looks[1].count);
	for (int i = 0; i < 2; i++)
		flag_set(&looks[i].leave);
}

enum { THREADS = 4, ROUNDS = 2000 };
static struct tally__lock lock;
static uint64_t count;
static tally_atomic_u32 counted;

static void count_under_lock(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		tally__lock_acquire(&lock);
		count++;
		if (i % 16 == 0)
			tally__thread_yield();
		tally__lock_release(&lock);
	}
	tally_atomic_u32_add(&counted, 1);
	tally__futex_wake(&counted, 1);
}

static void test_lock(void)
{
	uint32_t now;

	for (int i = 0; i < THREADS; i++) {
		int result = tally__thread_start(count_under_lock, NULL);

		EXPECT(result == 0, "%d", result);
	}
	while ((now = tally_atomic_u32_load(&counted)) < THREADS)
		tally__futex_wait(&counted, now, TALLY__FOREVER);
	tally__lock_acquire(&lock);
	EXPECT(count == THREADS * ROUNDS, "%d", (int)count);
	tally__lock_release(&lock);
}

static size_t page;
static char *pages;

static void touch_guard(void)
{
	pages[2 * page - 1] = 1;
}

static void touch_beside_guard(void)
{
	pages[page - 1] = 1;
	pages[2 * page] = 1;
}

static void test_pages(void)
{
	int result;

	pages = tally__pages_map(4 * page);
	EXPECT(pages != NULL, "no memory");
	memset(pages, 1, 4 * page);
	result = tally__pages_guard(pages + page, page);
	EXPECT(result == 0, "%d", result);
	result = ending(touch_guard);
	EXPECT(result == -SIGSEGV, "%d", result);
	result = ending(touch_beside_guard);
	EXPECT(result == 0, "%d", result);
	tally__pages_discard(pages + 2 * page, page + 100);
	EXPECT(pages[2 * page] == 0 && pages[3 * page + 99] == 0 && pages[3 * page + 100] == 1,
	       "not zero, or too much");
	tally__pages_unmap(pages, 4 * page);
}

static char *signal_stack;

static bool opens(void *address)
{
	char here;
	char *at = &here;

	__asm__("" : "+r"(at));
	if (address != pages + page + 5 || at < signal_stack || at >= signal_stack + tally__signal_stack_size())
		_exit(3);
	_exit(33);
}

static bool declines(void *address)
{
	(void)address;
	return false;
}

static void fault(bool (*callback)(void *))
{
	size_t bytes = tally__signal_stack_size();

	sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
	signal_stack = tally__pages_map(bytes);
	pages = tally__pages_map(4 * page);
	if (tally__signal_stack_install(signal_stack, bytes) != 0 ||
	    tally__pages_guard(pages + page, page) != 0 || tally__signal_faults_install(callback) != 0)
		_exit(4);
	pages[page + 5] = 1;
}

static void handled_fault(void)
{
	fault(opens);
}

static void declined_fault(void)
{
	fault(declines);
}

static void test_signals(void)
{
	int result = ending(handled_fault);

	EXPECT(result == 33, "%d", result);
	result = ending(declined_fault);
	EXPECT(result == -SIGSEGV, "%d", result);
}

static void die(void)
{
	tally__die("%s", "for the test");
}

static void test_die(void)
{
	struct tally__line line = {0};
	int result = ending(die);
	char text[64] = "";
	int ends[2];
	ssize_t length;

	EXPECT(result == -SIGABRT, "%d", result);
	result = pipe(ends);
	EXPECT(result == 0, "%d", errno);
	tally__line_add(&line, "%s %d %u %p%%", "one", -2, UINT64_C(18446744073709551615),
			(void *)(uintptr_t)0xab);
	tally__line_write(&line, ends[1]);
	length = read(ends[0], text, sizeof(text) - 1);
	EXPECT(strcmp(text, "one -2 18446744073709551615 0xab%\n") == 0, "%d: %s", (int)length, text);
	close(ends[0]);
	close(ends[1]);
}

static void test_cpus(void)
{
	int cpus = tally__cpus_usable();
	bool ready;

	EXPECT(cpus >= 1 && cpus <= sysconf(_SC_NPROCESSORS_CONF), "%d", cpus);
	tally__heavy_barrier_start();
	ready = tally__heavy_barrier_ready();
	tally__heavy_barrier();
	EXPECT(tally__heavy_barrier_ready() == ready, "%d, then not", ready);
	tally__cpu_relax();
}

int main(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	test_thread(); /* first: threads that are just ending are counted */
	test_futex();
	test_pages();
	test_signals();
	test_die();
	test_cpus();
	test_far_deadlines();
	test_lock();
	return finish();
}
