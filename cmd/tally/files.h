/* The files that were read for a compilation, as the cache remembers them. */
#ifndef TALLY_COMMAND_FILES_H_
#define TALLY_COMMAND_FILES_H_

#include "build.h"
#include "sha256.h"
#include "text.h"

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

/* What tells whether a file is the one that it was: its place, its size, its times. Each write gives it another
 * time of change, which no one can set. */
struct facts {
	int64_t numbers[7];
};

struct file {
	char *path;
	struct facts facts;
	unsigned char hash[SHA256_SIZE]; /* of its content */
};

struct files {
	struct file *each;
	size_t count;
};

struct facts facts_of(const struct stat *status);

/* Notes the files that a compilation has read. False where what they hold now may not be what the compiler has
 * read: a file has changed since `start`, a source since it was read here. */
bool files_note(struct files *files, const struct list *paths, const struct build *build,
		struct timespec start);

/* Brings the hashes up to date; a file is read only if its facts are others. False where one is gone. */
bool files_look(struct files *files);

/* 0, or -errno. */
int files_write(const struct files *files, int fd);
/* False where the text is not what files_write writes. */
bool files_read(struct files *files, const struct text *text);

#endif
