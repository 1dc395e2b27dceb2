/* Runs the compiler, and passes on the signals that end the command meanwhile. */
#include "process.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <tally/atomic.h>
#include <unistd.h>

extern char **environ;

static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static struct sigaction before[SIGNALS];
static struct sigaction child_before;
static void (*at_signal)(void);
static tally_atomic_i32 running; /* the process that compiles, or 0 */
static tally_atomic_i32 caught;  /* the first signal that came, or 0 */

static void on_signal(int number)
{
	int saved = errno;

	tally_atomic_i32_compare_and_swap(&caught, 0, number);
	pid_t child = tally_atomic_i32_load(&running);
	if (child > 0)
		kill(child, number);
	errno = saved;
}

void process_catch_signals(void (*clean_up)(void))
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction standard = {.sa_handler = SIG_DFL};

	at_signal = clean_up;
	sigemptyset(&action.sa_mask);
	for (int i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	/* A parent that ignores SIGCHLD takes its children's exit codes from them. */
	sigaction(SIGCHLD, &standard, &child_before);
}

static void restore_signals(void)
{
	for (int i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &before[i], NULL);
	sigaction(SIGCHLD, &child_before, NULL);
}

static void obey_signal(void)
{
	int number = tally_atomic_i32_load(&caught);
	if (number == 0)
		return;
	at_signal();
	restore_signals();
	raise(number);
}

void process_release_signals(void)
{
	obey_signal();
	restore_signals();
	obey_signal();
}

/* A descriptor from which the text can be read. */
static int open_input(const struct text *input)
{
	if (input == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fd = memfd_create("source", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	int error = write_all(fd, input->bytes, input->size);
	if (error == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	if (error != 0)
		errno = -error;
	return -1;
}

static int start(pid_t *child, const struct list *words, int input, bool quiet)
{
	posix_spawn_file_actions_t actions;

	int error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (error == 0 && quiet)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn(child, words->words[0], &actions, NULL, words->words, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int process_run(const struct list *words, const struct text *input, bool quiet)
{
	pid_t child = 0;
	siginfo_t end;

	int fd = open_input(input);
	if (fd < 0)
		fail("cannot hand the source to the compiler: %s", strerror(errno));
	int error = start(&child, words, fd, quiet);
	close(fd);
	if (error != 0)
		fail("cannot start the compiler %s: %s", words->words[0], strerror(error));
	tally_atomic_i32_store(&running, child);
	int number = tally_atomic_i32_load(&caught);
	if (number != 0)
		kill(child, number);
	/* Reaped only when no handler sends signals to it any more. */
	while (waitid(P_PID, (id_t)child, &end, WEXITED | WNOWAIT) < 0) {
		if (errno != EINTR)
			fail("cannot wait for the compiler %s: %s", words->words[0], strerror(errno));
	}
	tally_atomic_i32_store(&running, 0);
	waitpid(child, NULL, 0);
	obey_signal();
	return end.si_code == CLD_EXITED ? end.si_status : -end.si_status;
}
