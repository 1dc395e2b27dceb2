/* test/include/child.h - children of a test: what runs in one, what it says, and how it ends.
 *
 * Nearly all tests of the runtime run in children, each with a runtime of its own. What runs there uses CHECK
 * and not cmocka's assertions, which must not be left by a jump from a task.
 */
#ifndef TALLY_TEST_CHILD_H_
#define TALLY_TEST_CHILD_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scale.h"

#define CHECK(condition)                                                                                       \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			dprintf(STDERR_FILENO, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);         \
			_exit(1);                                                                              \
		}                                                                                              \
	} while (0)

#define CHECK_EQUAL(got, wanted)                                                                               \
	do {                                                                                                   \
		long long got_ = (long long)(got), wanted_ = (long long)(wanted);                              \
		if (got_ != wanted_) {                                                                         \
			dprintf(STDERR_FILENO, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got,      \
				got_, wanted_);                                                                \
			_exit(1);                                                                              \
		}                                                                                              \
	} while (0)

/* ThreadSanitizer sleeps for a second at the end of each process unless told, and ends a child that starts
 * threads when its parent had several. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0:die_after_fork=0";
}

struct child_end {
	int status;      /* as waitpid tells */
	char text[8192]; /* the beginning of what it wrote to standard error */
};

/* Runs body(arg) in a child, which then exits with status 0. */
static inline struct child_end child_run(void (*body)(void *), void *arg)
{
	struct child_end end = {0};
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* cmocka catches these, and would go on with its tests in the child. */
		static const int caught[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};
		for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
			signal(caught[i], SIG_DFL);
		close(ends[0]);
		dup2(ends[1], STDERR_FILENO);
		close(ends[1]);
		body(arg);
		_exit(0);
	}
	close(ends[1]);
	size_t length = 0;
	for (;;) {
		char surplus[512];
		size_t room = sizeof(end.text) - 1 - length;
		ssize_t got = read(ends[0], room != 0 ? end.text + length : surplus,
				   room != 0 ? room : sizeof(surplus));
		if (got <= 0)
			break;
		length += room != 0 ? (size_t)got : 0;
	}
	close(ends[0]);
	assert_int_equal(waitpid(child, &end.status, 0), child);
	return end;
}

static inline void child_describe(const struct child_end *end)
{
	if (WIFSIGNALED(end->status))
		print_error("the child ended by signal %d; it said:\n%s\n", WTERMSIG(end->status), end->text);
	else
		print_error("the child exited with %d; it said:\n%s\n", WEXITSTATUS(end->status), end->text);
}

/* body(arg) must run to its end, in a child. */
static inline void assert_passes(void (*body)(void *), void *arg)
{
	struct child_end end = child_run(body, arg);
	if (end.status != 0) {
		child_describe(&end);
		fail();
	}
}

/* Whether text fits pattern, in which # stands for digits, a hexadecimal number after 0x among them, and a
 * final * for anything. */
static inline bool text_fits(const char *text, const char *pattern)
{
	while (*pattern != '\0') {
		if (*pattern == '*' && pattern[1] == '\0')
			return true;
		if (*pattern == '#') {
			size_t digits = strspn(text, "0123456789abcdef");
			if (digits == 0)
				return false;
			text += digits;
			pattern++;
			continue;
		}
		if (*pattern++ != *text++)
			return false;
	}
	return *text == '\0';
}

/* body(arg) must end its child by abort(), and the first line that the child writes must fit the pattern. */
static inline void assert_dies(void (*body)(void *), void *arg, const char *pattern)
{
	struct child_end end = child_run(body, arg);
	char line[512] = "";
	const char *text = end.text;
	/* AddressSanitizer has its say about jumps from one stack to another, ThreadSanitizer about adds and
	 * waits that are not ordered. */
	if ((UNDER_ASAN || UNDER_TSAN) && strstr(text, "\ntally: ") != NULL)
		text = strstr(text, "\ntally: ") + 1;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	if (!WIFSIGNALED(end.status) || WTERMSIG(end.status) != SIGABRT || !text_fits(line, pattern)) {
		print_error("wanted: abort() and the line\n%s\n", pattern);
		child_describe(&end);
		fail();
	}
}

#endif
