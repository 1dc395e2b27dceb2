/* Keeps the cache within its limit. Several commands may do so at once: what is gone is gone. */
#include "trim.h"

#include "scratch.h"
#include "sha256.h"
#include "text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ABANDONED = 3600 }; /* seconds */

struct entry {
	char *path;
	struct timespec used;
	uint64_t size; /* on the disk */
};

struct entries {
	struct entry *each;
	size_t count;
	size_t room;
};

static int later(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec < b.tv_sec ? -1 : 1;
	return (a.tv_nsec > b.tv_nsec) - (a.tv_nsec < b.tv_nsec);
}

static int by_use(const void *a, const void *b)
{
	return later(((const struct entry *)a)->used, ((const struct entry *)b)->used);
}

static void add(struct entries *entries, struct entry entry)
{
	if (entries->count == entries->room) {
		entries->room = entries->room * 2 + 64;
		struct entry *more = allocate(entries->room * sizeof(*more));
		if (entries->count > 0)
			memcpy(more, entries->each, entries->count * sizeof(*more));
		free(entries->each);
		entries->each = more;
	}
	entries->each[entries->count++] = entry;
}

static void add_size(struct entry *entry, const struct stat *status)
{
	entry->size += (uint64_t)status->st_blocks * 512;
}

/* A folder is as large as it and its files, and was used when the last of them was. */
static void measure(struct entry *entry, const struct stat *folder)
{
	DIR *stream = opendir(entry->path);

	add_size(entry, folder);
	entry->used = (struct timespec){0};
	if (stream == NULL)
		return;
	for (struct dirent *file; (file = readdir(stream)) != NULL;) {
		struct stat status;
		if (fstatat(dirfd(stream), file->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(status.st_mode))
			continue;
		add_size(entry, &status);
		if (later(status.st_mtim, entry->used) > 0)
			entry->used = status.st_mtim;
	}
	closedir(stream);
}

static void remove_entry(const char *path)
{
	if (unlink(path) != 0)
		folder_remove(path);
}

/* Whether the cache gives such names: KEY and KEY.files. Nothing else is touched. */
static bool is_entry(const char *name)
{
	size_t digits = strspn(name, "0123456789abcdef");

	return digits == 2 * SHA256_SIZE && (name[digits] == '\0' || strcmp(name + digits, ".files") == 0);
}

static struct entries list_entries(const char *folder)
{
	struct entries entries = {0};
	DIR *stream = opendir(folder);
	time_t now = time(NULL);

	if (stream == NULL)
		return entries;
	for (struct dirent *file; (file = readdir(stream)) != NULL;) {
		struct stat status;
		bool scratch = strncmp(file->d_name, "tally-", 6) == 0;
		if ((!scratch && !is_entry(file->d_name)) ||
		    fstatat(dirfd(stream), file->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		struct entry entry = {.path = format("%s/%s", folder, file->d_name), .used = status.st_mtim};
		if (scratch) {
			if (status.st_mtim.tv_sec < now - ABANDONED)
				remove_entry(entry.path);
			free(entry.path);
			continue;
		}
		if (S_ISDIR(status.st_mode))
			measure(&entry, &status);
		else
			add_size(&entry, &status);
		add(&entries, entry);
	}
	closedir(stream);
	return entries;
}

void trim(const char *folder, uint64_t limit, const char *newest)
{
	struct entries entries = list_entries(folder);
	uint64_t total = 0;

	for (size_t i = 0; i < entries.count; i++)
		total += entries.each[i].size;
	if (entries.count > 0)
		qsort(entries.each, entries.count, sizeof(*entries.each), by_use);
	for (size_t i = 0; i < entries.count; i++) {
		struct entry *entry = &entries.each[i];
		if (total > limit && strcmp(entry->path, newest) != 0) {
			remove_entry(entry->path);
			total -= entry->size;
		}
		free(entry->path);
	}
	free(entries.each);
}
