/* A folder of the test's own for regions, on tmpfs where there is one. */
#ifndef TEST_REGION_FILE_H_
#define TEST_REGION_FILE_H_

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

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

#endif
