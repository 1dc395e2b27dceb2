/* Becomes the program: the process stays, so signals, standard input and exit code are the program's own. */
#include "execute.h"

#include "command.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* clang's ThreadSanitizer asks llvm-symbolizer for files and lines; it may stand beside clang only. */
static char *find_symbolizer(const struct toolchains *toolchains)
{
	static const char name[] = "llvm-symbolizer";

	char *path = find_program(name);
	if (path != NULL) {
		free(path);
		return NULL;
	}
	for (size_t i = 0; i < toolchains->count; i++) {
		for (int language = 0; language < LANGUAGES; language++) {
			const struct list *command = &toolchains->each[i].command[language];
			char *compiler = command->count == 0 ? NULL : realpath(command->words[0], NULL);
			if (compiler == NULL)
				continue;
			path = format("%.*s/%s", (int)(strrchr(compiler, '/') - compiler), compiler, name);
			free(compiler);
			if (access(path, X_OK) == 0)
				return path;
			free(path);
		}
	}
	return NULL;
}

/* ThreadSanitizer of gcc 12 and clang 14 gives up where the kernel spreads mappings over more than 28 bits.
 * Most users may not read how many they are. It is of no use where this is refused, but no harm either. */
static void keep_addresses_in_place(void)
{
	struct text text;

	if (read_file("/proc/sys/vm/mmap_rnd_bits", &text) == 0 && atoi(text.bytes) <= 28)
		return;
	int now = personality(0xffffffff);
	if (now != -1)
		personality((unsigned long)now | ADDR_NO_RANDOMIZE);
}

void execute_prepare_race(const struct toolchains *toolchains)
{
	const char *given = getenv("TSAN_OPTIONS");
	char *symbolizer = find_symbolizer(toolchains);

	/* The last of two settings holds: the user's. */
	char *options = format(
		"atexit_sleep_ms=0%s%s%s%s",
		symbolizer == NULL ? "" : ":external_symbolizer_path=", symbolizer == NULL ? "" : symbolizer,
		given == NULL ? "" : ":", given == NULL ? "" : given);
	if (setenv("TSAN_OPTIONS", options, 1) != 0)
		fail("there is no memory for the environment");
	keep_addresses_in_place();
}

void execute(const char *path, char **arguments)
{
	execv(path, arguments);
}

static _Noreturn void execute_failed(const char *path)
{
	if (errno == EACCES)
		fail("may not execute %s; set XDG_CACHE_HOME to a folder where programs may run", path);
	fail("cannot execute %s: %s", path, strerror(errno));
}

void execute_open(int fd, const char *path, char **arguments)
{
	fexecve(fd, arguments, environ);
	execute_failed(path);
}

/* In a process of its own, which no one waits for: removes the folder when the process that is now this command
 * has ended. Returns false where that cannot be done. */
static bool remove_at_end(const char *folder)
{
	int program = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (program < 0)
		return false;
	pid_t child = fork();
	if (child == 0) {
		/* Away from the terminal, and from everything that the program's user may wait for. */
		setsid();
		pid_t remover = fork();
		if (remover != 0)
			_exit(remover < 0);
		if (chdir("/") != 0)
			_exit(1);
		program = dup2(program, 0);
		syscall(SYS_close_range, 1, ~0U, 0);
		struct pollfd end = {.fd = program, .events = POLLIN};
		while (poll(&end, 1, -1) < 0 && errno == EINTR) {
		}
		folder_remove(folder);
		_exit(0);
	}
	close(program);
	int status = 1;
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	return status == 0;
}

void execute_scratch(const struct scratch *scratch, const char *path, int fd, char **arguments, bool race)
{
	char *folder = realpath(scratch->folder, NULL);

	if (race && folder != NULL && remove_at_end(folder)) {
		execute(path, arguments);
		execute_failed(path);
	}
	scratch_remove();
	execute_open(fd, path, arguments);
}
