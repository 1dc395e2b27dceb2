/* A folder of the test's own for regions, on tmpfs where there is one. */
#ifndef TEST_REGION_FILE_H_
#define TEST_REGION_FILE_H_

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <tally/region.h>

static char file_folder[64];

static inline int file_set_up(void **state)
{
	(void)state;
	strcpy(file_folder,
	       access("/dev/shm", W_OK) == 0 ? "/dev/shm/tally-test-XXXXXX" : "/tmp/tally-test-XXXXXX");
	return mkdtemp(file_folder) ? 0 : -1;
}

static inline int file_tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", file_folder);
	return system(command);
}

/* The path of a file in the folder; the last few stay valid. */
static inline const char *file_path(const char *name)
{
	static char paths[8][128];
	static int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", file_folder, name);
	return path;
}

/* Another process that has the file mapped, and closed. */
static inline pid_t file_hold(const char *path, int ends[2])
{
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;

		/* Not to outlive a test that fails. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		CHECK_EQUAL(tally_region_open(path), 0);
		closefrom(ends[1] + 1);
		CHECK(write(ends[1], "", 1) == 1);
		CHECK(read(ends[1], &byte, 1) <= 0);
		pause();
		_exit(0);
	}
	close(ends[1]);
	{
		char byte;

		assert_int_equal(read(ends[0], &byte, 1), 1);
	}
	return pid;
}

static inline void file_let_go(pid_t pid, int ends[2])
{
	close(ends[0]);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif
