/* The programs that were compiled before: to find one and to keep one. */
#include "cache.h"

#include "command.h"
#include "trim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_LIMIT (UINT64_C(256) << 20)

static uint64_t read_limit(void)
{
	static const char units[] = "KMGT";
	const char *text = getenv("TALLY_CACHE_SIZE");
	char *end;

	if (text == NULL || *text == '\0')
		return DEFAULT_LIMIT;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	const char *unit = *end == '\0' ? NULL : strchr(units, *end);
	int shift = unit == NULL ? 0 : 10 * (int)(unit - units + 1);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || end[0] != '\0' + (unit == NULL ? 0 : *unit) ||
	    (unit != NULL && end[1] != '\0') || value > UINT64_MAX >> shift)
		fail("TALLY_CACHE_SIZE=%s is no size; write bytes, or a number with K, M, G or T", text);
	return (uint64_t)value << shift;
}

/* Makes a folder and those above it. */
static bool make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int made = mkdir(path, 0700);
		int error = errno;
		*slash = '/';
		if (made != 0 && error != EEXIST && error != EROFS && error != EACCES)
			return false;
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

void cache_open(struct cache *cache)
{
	const char *base = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	struct stat status;

	*cache = (struct cache){.limit = read_limit()};
	char *folder = NULL;
	if (cache->limit == 0)
		cache->why = "TALLY_CACHE_SIZE is 0";
	else if (base != NULL && base[0] == '/')
		folder = format("%s/tally", base);
	else if (home != NULL && home[0] == '/')
		folder = format("%s/.cache/tally", home);
	else
		cache->why = "neither XDG_CACHE_HOME nor HOME is set";
	if (folder == NULL)
		return;
	/* Another who may write there may choose what is run. */
	if (!make_folders(folder) || stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
		cache->why = "its folder cannot be made";
	else if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		cache->why = "its folder belongs to others, or others may write in it";
	else if (access(folder, W_OK | X_OK) != 0)
		cache->why = "its folder is not writable";
	else
		cache->folder = folder;
	if (cache->folder == NULL)
		free(folder);
}

static char *files_path(const struct cache *cache, const struct key *build)
{
	return format("%s/%s.files", cache->folder, build->hex);
}

/* Marks it as used now. */
static bool touch(const char *path)
{
	return utimensat(AT_FDCWD, path, NULL, 0) == 0;
}

char *cache_find(const struct cache *cache, const struct key *build, const char *name)
{
	struct text text;
	struct files files;
	char *program = NULL;

	if (cache->folder == NULL)
		return NULL;
	char *path = files_path(cache, build);
	if (read_file(path, &text) == 0 && files_read(&files, &text) && files_look(&files)) {
		struct key key = key_of_program(build, &files);
		program = format("%s/%s/%s", cache->folder, key.hex, name);
		if (touch(program)) {
			touch(path);
		} else {
			free(program);
			program = NULL;
		}
	}
	free(path);
	return program;
}

static bool write_files(const struct cache *cache, const struct key *key, const struct files *files)
{
	char *path = files_path(cache, key);
	char *fresh = format("%s/tally-XXXXXX", cache->folder);
	bool written = false;

	int fd = mkostemp(fresh, O_CLOEXEC);
	if (fd >= 0) {
		int error = files_write(files, fd);
		written = close(fd) == 0 && error == 0 && rename(fresh, path) == 0;
		if (!written)
			unlink(fresh);
	}
	free(path);
	free(fresh);
	return written;
}

/* Gives the folder its name. There may be one of that name, of another command that compiled the same: that is
 * as good if it is complete. */
static bool take_over(const struct scratch *scratch, const char *folder, const char *program)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		if (rename(scratch->folder, folder) == 0) {
			scratch_give_away();
			return true;
		}
		if (touch(program)) {
			scratch_remove();
			return true;
		}
		folder_remove(folder);
	}
	return false;
}

char *cache_keep(const struct cache *cache, const struct key *key, const struct build *build,
		 const struct scratch *scratch, const struct list *paths)
{
	struct files files;

	if (paths->count == 0 || !files_note(&files, paths, build, scratch->made) ||
	    !write_files(cache, key, &files))
		return NULL;
	struct key program_key = key_of_program(key, &files);
	char *folder = format("%s/%s", cache->folder, program_key.hex);
	char *program = format("%s/%s", folder, build->program);
	if (take_over(scratch, folder, program)) {
		trim(cache->folder, cache->limit, folder);
	} else {
		free(program);
		program = NULL;
	}
	free(folder);
	return program;
}

void cache_forget(const char *program)
{
	char *folder = format("%.*s", (int)(strrchr(program, '/') - program), program);

	folder_remove(folder);
	free(folder);
}
