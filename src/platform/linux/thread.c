/* Threads of Linux, through pthreads so that the C library knows of them. */
#include "platform/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tally/atomic.h>

enum {
	STACK_BYTES = 256 * 1024,
	STACK_BYTES_MOST = 64 * 1024 * 1024,
	TIMER_SLACK = 1000, /* nanoseconds */
};

/* What a new thread is to do, until it has read it. Not from malloc: its first call in a thread, which would be
 * the one to free this, maps an arena for the thread. Only where many threads start at once does it come from
 * there. */
struct start {
	void (*fn)(void *);
	void *arg;
	bool from_malloc;
	tally_atomic_bool taken; /* of those in `starts`: set by who starts a thread, cleared by the thread */
};

static struct start starts[8];

static struct start *take_start(void)
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!tally_atomic_bool_swap(&starts[i].taken, true))
			return &starts[i];
	struct start *start = malloc(sizeof(*start));
	if (start)
		start->from_malloc = true;
	return start;
}

static void give_start(struct start *start)
{
	if (start->from_malloc)
		free(start);
	else
		tally_atomic_bool_store(&start->taken, false);
}

static void *thread_main(void *given)
{
	void (*fn)(void *) = ((struct start *)given)->fn;
	void *arg = ((struct start *)given)->arg;

	give_start(given);
	prctl(PR_SET_NAME, "tally");
	/* The kernel may end a sleep this much late, to save power; 50 us unless told. The scheduler sleeps for
	 * tens of microseconds at a time and would always wake too late. */
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK, 0L, 0L, 0L);
	fn(arg);
	return NULL;
}

/* Adds up what the thread-local variables of one object take. */
static int add_tls(struct dl_phdr_info *object, size_t size, void *sum)
{
	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		if (object->dlpi_phdr[i].p_type == PT_TLS)
			*(size_t *)sum +=
				(size_t)object->dlpi_phdr[i].p_memsz + (size_t)object->dlpi_phdr[i].p_align;
	}
	return 0;
}

/* glibc takes thread-local variables out of the stack, and a program may have megabytes of them. */
static size_t stack_bytes(void)
{
	size_t bytes = STACK_BYTES;
	long least = sysconf(_SC_THREAD_STACK_MIN); /* larger than PTHREAD_STACK_MIN where registers are many */

	dl_iterate_phdr(add_tls, &bytes);
	return bytes + (least > 0 ? (size_t)least : (size_t)PTHREAD_STACK_MIN);
}

static int create(struct start *start)
{
	pthread_t thread;
	pthread_attr_t attributes;
	int result = pthread_attr_init(&attributes);

	if (result != 0)
		return result;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* EINVAL: the stack is still too small for what the C library puts on it. */
	result = EINVAL;
	for (size_t bytes = stack_bytes(); result == EINVAL && bytes <= STACK_BYTES_MOST; bytes *= 2) {
		pthread_attr_setstacksize(&attributes, bytes);
		result = pthread_create(&thread, &attributes, thread_main, start);
	}
	pthread_attr_destroy(&attributes);
	return result;
}

int tally__thread_start(void (*fn)(void *), void *arg)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
	sigset_t mask, before;
	int saved = errno;
	int result = ENOMEM;
	struct start *start = take_start();

	if (start) {
		start->fn = fn;
		start->arg = arg;
		/* The thread inherits its mask, so no signal can reach it before it has one. */
		sigfillset(&mask);
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			sigdelset(&mask, faults[i]);
		pthread_sigmask(SIG_SETMASK, &mask, &before);
		result = create(start);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (result != 0)
			give_start(start);
	}
	errno = saved;
	return result == ENOMEM ? -EAGAIN : -result;
}

uint32_t tally__thread_number(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

void tally__thread_yield(void)
{
	int saved = errno;

	sched_yield();
	errno = saved;
}

/* Whether the first thread has ended by pthread_exit. It then stays among the threads until the last is gone.
 */
static bool first_thread_has_ended(void)
{
	char text[64]; /* PID (NAME) STATE ...: a name has at most 15 bytes */
	int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);

	if (file >= 0)
		close(file);
	text[length > 0 ? length : 0] = '\0';
	const char *name_end = strrchr(text, ')');
	return name_end && strncmp(name_end, ") Z", 3) == 0;
}

int tally__thread_count(void)
{
	struct stat tasks;
	int saved = errno;
	int count = -1;

	/* A folder has two links and one more for each folder in it; here that is one for each thread. */
	if (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2 && tasks.st_nlink - 2 <= INT_MAX)
		count = (int)(tasks.st_nlink - 2) - (first_thread_has_ended() ? 1 : 0);
	errno = saved;
	return count;
}
