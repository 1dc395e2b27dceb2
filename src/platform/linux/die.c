/* Lines for the user, and the end of the program. */
#include "platform/die.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <tally/atomic.h>

#include "platform/race.h"

#ifdef TALLY_COVERAGE
/* abort() and _exit() keep nothing of what was run until then. tools/coverage puts the second in the place of
 * _exit everywhere, with a macro. */
void __gcov_dump(void);

void tally__coverage_exit(int status)
{
	__gcov_dump();
	syscall(SYS_exit_group, status);
	__builtin_unreachable();
}
#endif

/* Writes all of it, or as much as can be. Returns false if the reader of a pipe is gone. */
static bool write_all(int fd, const char *bytes, size_t count)
{
	while (count != 0) {
		ssize_t written = write(fd, bytes, count);

		if (written >= 0) {
			bytes += written;
			count -= (size_t)written;
		} else if (errno == EAGAIN) {
			/* Standard error is non-blocking and full. Its reader gets a second, not for ever. */
			if (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000) <= 0)
				return true;
		} else if (errno != EINTR) {
			return errno != EPIPE;
		}
	}
	return true;
}

/* A warning must not end the program because nobody reads it, so SIGPIPE is kept away meanwhile. */
static void write_without_sigpipe(int fd, const char *bytes, size_t count)
{
	sigset_t pipe_only, pending, before;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigemptyset(&pending);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	if (!write_all(fd, bytes, count) && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe_only, NULL, &(struct timespec){0, 0});
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void tally__line_write(struct tally__line *line, int fd)
{
	int saved = errno;

	line->text[line->length] = '\n';
	/* Maybe in a signal handler, on whatever stack was there. */
	tally__race_ignore_begin();
	write_without_sigpipe(fd, line->text, line->length + 1);
	tally__race_ignore_end();
	line->length = 0;
	errno = saved;
}

static void say(const char *format, va_list list)
{
	struct tally__line line;

	line.length = 0;

	tally__line_add(&line, "tally: ");
	tally__line_add_list(&line, format, list);
	tally__line_write(&line, STDERR_FILENO);
}

void tally__warn(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(format, list);
	va_end(list);
}

/* The process in which somebody dies already. */
static tally_atomic_u32 dying;

void tally__die(const char *format, ...)
{
	va_list list;
	uint32_t process = (uint32_t)getpid();

	/* Threads that have the same reason at once need not all say it. The first one soon ends us all, unless
	 * it is we: somewhere below, in a handler. */
	if (tally_atomic_u32_swap(&dying, process) == process) {
		poll(NULL, 0, 1000);
		abort();
	}
	va_start(list, format);
	say(format, list);
	va_end(list);
#ifdef TALLY_COVERAGE
	__gcov_dump();
#endif
	abort();
}
