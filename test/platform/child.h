/* Running code in a child that may die, and children that the kernel refuses calls. */
#ifndef TEST_PLATFORM_CHILD_H_
#define TEST_PLATFORM_CHILD_H_

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refuse.h"

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || defined(__SANITIZE_ADDRESS__) ||    \
	defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER 0
#endif

struct child {
	int exit;        /* its exit status, or -1 */
	int signal;      /* what killed it, or 0 */
	char text[4096]; /* what it wrote to standard error */
};

/* Calls fn(arg) in a child, which exits with 0 if fn returns. A child that hangs is killed by SIGALRM. Handlers
 * of a sanitizer are taken away: the tests are about ours. */
static inline struct child child_run(void (*fn)(void *), void *arg)
{
	struct child child = {.exit = -1};
	size_t length = 0;
	ssize_t count;
	int status, ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		alarm(60);
		fn(arg);
		_exit(0);
	}
	close(ends[1]);
	do {
		count = read(ends[0], child.text + length, sizeof(child.text) - 1 - length);
		length += count > 0 ? (size_t)count : 0;
	} while (count > 0 || (count < 0 && errno == EINTR));
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		child.signal = WTERMSIG(status);
	else
		child.exit = WEXITSTATUS(status);
	return child;
}

/* In a child: leaves it with this status if the condition does not hold. */
#define CHILD_EXPECT(condition)                                                                                \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                 \
			_exit(99);                                                                             \
		}                                                                                              \
	} while (0)

/* That the child ended well; shows what it said if not. */
static inline void child_expect_well(const struct child *child)
{
	if (child->exit != 0)
		print_error("child: exit %d, signal %d: %s\n", child->exit, child->signal, child->text);
	assert_int_equal(child->exit, 0);
}

#endif
