/* How long a command takes from its start to its end, or how much longer than another one.
 *
 *     process [-e TEXT] [-x STATUS] RUNS COMMAND... [-- OTHER...]
 *
 * Prints a sample a run in microseconds. With OTHER, which runs after each COMMAND, the difference. TEXT must
 * be in the output of COMMAND, and each run must end with STATUS, 0 if it is not given. */
#include "../common/bench.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int64_t run(char **command, int output, int wanted)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status, error;
	int64_t start;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	start = bench_clock(CLOCK_MONOTONIC);
	error = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
	if (error)
		bench_fail("%s: %s", command[0], strerror(error));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			bench_fail("waitpid: %s", strerror(errno));
	int64_t took = bench_clock(CLOCK_MONOTONIC) - start;
	posix_spawn_file_actions_destroy(&actions);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted)
		bench_fail("%s ended with %s %d", command[0], WIFEXITED(status) ? "status" : "signal",
			   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return took;
}

static void check_output(char **command, const char *text, int wanted)
{
	char name[] = "/tmp/bench-XXXXXX", output[4096];
	int file = mkstemp(name);
	ssize_t n;

	if (file < 0)
		bench_fail("cannot make a file in /tmp");
	unlink(name);
	run(command, file, wanted);
	n = pread(file, output, sizeof(output) - 1, 0);
	close(file);
	output[n > 0 ? n : 0] = 0;
	if (!strstr(output, text))
		bench_fail("%s prints %s instead of %s", command[0], output, text);
}

int main(int argc, char **argv)
{
	const char *text = NULL;
	char **other = NULL;
	int option, wanted = 0, nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	while ((option = getopt(argc, argv, "+e:x:")) != -1) {
		if (option == 'e')
			text = optarg;
		else if (option == 'x')
			wanted = atoi(optarg);
		else
			return 2;
	}
	uint64_t runs = bench_argument(argc, argv, optind, 1);
	char **command = argv + optind + 1;
	if (optind + 1 >= argc)
		bench_fail("no command");
	for (int i = optind + 1; i < argc && !other; i++)
		if (!strcmp(argv[i], "--")) {
			argv[i] = NULL;
			other = argv + i + 1;
		}
	if (text)
		check_output(command, text, wanted);
	for (uint64_t i = 0; i < runs; i++) {
		int64_t took = run(command, nothing, wanted);
		if (other)
			took -= run(other, nothing, 0);
		printf("process %.1f us\n", (double)took / 1e3);
	}
	return 0;
}
