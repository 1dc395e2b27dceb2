/* Files and processes of others, through /proc. */
#include "platform/foreign.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMFD "/memfd:tally (deleted)"

enum { MOST_OPENED = 64 }; /* files of one process that are remembered; more are opened twice */

int tally__foreign_open(const char *path)
{
	struct stat status;
	int saved = errno;
	int file;
	/* To open a device may do something. */
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		errno = saved;
		return -ENODATA;
	}
	/* It may have become another by now. Without O_NONBLOCK a FIFO would wait for a writer; O_NOCTTY for
	 * what turns out to be a terminal. */
	file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (file < 0) {
		file = errno == ENXIO ? -ENODATA : -errno;
	} else if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(file);
		file = -ENODATA;
	}
	errno = saved;
	return file;
}

void tally__foreign_close(int file)
{
	int saved = errno;
	close(file);
	errno = saved;
}

int64_t tally__foreign_size(int file)
{
	struct stat status;
	int saved = errno;
	int64_t size = fstat(file, &status) == 0 ? status.st_size : -errno;
	errno = saved;
	return size;
}

int tally__foreign_read(int file, void *buffer, size_t bytes, uint64_t offset)
{
	int saved = errno, error = 0;
	char *to = buffer;
	if (offset > INT64_MAX)
		return -EBADMSG;
	while (bytes > 0 && error == 0) {
		ssize_t count = pread(file, to, bytes, (off_t)offset);
		if (count > 0) {
			to += count;
			bytes -= (size_t)count;
			offset += (uint64_t)count;
		} else if (count == 0) {
			error = -EBADMSG;
		} else if (errno != EINTR) {
			error = -errno;
		}
	}
	errno = saved;
	return error;
}

/* A file that a process has mapped, as a line of its maps says. */
struct mapping {
	uint64_t start, end, offset, inode;
	char permissions[8];
	char path[PATH_MAX];
	bool reserved; /* what follows is address space of the same file, without access: so a region looks */
};

/* Reads a line of /proc/PID/maps. False: it is not the mapping of a file. */
static bool parse_mapping(const char *line, struct mapping *mapping)
{
	int at = 0;
	mapping->reserved = false;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %" SCNu64 " %n", &mapping->start,
		   &mapping->end, mapping->permissions, &mapping->offset, &mapping->inode, &at) < 5 ||
	    at == 0 || line[at] != '/')
		return false;
	size_t length = strcspn(line + at, "\n");
	if (length >= sizeof(mapping->path))
		return false;
	memcpy(mapping->path, line + at, length);
	mapping->path[length] = '\0';
	return true;
}

/* Whether it is a shared, writable mapping of the beginning of its file. */
static bool is_candidate(const struct mapping *mapping)
{
	return strcmp(mapping->permissions, "rw-s") == 0 && mapping->offset == 0;
}

static bool is_reserved_by(const struct mapping *next, const struct mapping *mapping)
{
	return next->start == mapping->end && next->inode == mapping->inode &&
	       strcmp(next->permissions, "---s") == 0;
}

static bool is_memfd(const char *path)
{
	return strcmp(path, MEMFD) == 0;
}

static int open_by_range(int pid, const struct mapping *mapping)
{
	char path[96];
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, mapping->start,
		 mapping->end);
	int file = tally__foreign_open(path);
	return file == -EACCES ? -EPERM : file;
}

/* Opens what the line speaks of, or -errno. */
static int open_mapping(int pid, const struct mapping *mapping)
{
	if (is_memfd(mapping->path))
		return open_by_range(pid, mapping);
	/* As the process sees it, which may have another root. */
	char path[PATH_MAX + 64];
	snprintf(path, sizeof(path), "/proc/%d/root%s", pid, mapping->path);
	int file = tally__foreign_open(path);
	if (file == -EACCES || file == -EPERM)
		file = tally__foreign_open(mapping->path);
	struct stat status;
	if (file >= 0 && (fstat(file, &status) != 0 || status.st_ino != mapping->inode)) {
		/* Another file has its name now. */
		close(file);
		file = -ENOENT;
	}
	return file == -ENOENT ? open_by_range(pid, mapping) : file;
}

/* What is looked for in a process, and what has been found. */
struct search {
	int pid;
	int (*found)(int file, void *arg);
	void *arg;
	int refused;                  /* -EPERM or -EACCES: there was one that could not be opened */
	uint64_t opened[MOST_OPENED]; /* inodes of the memfds found by descriptor */
	size_t opened_count;
};

static bool was_opened(const struct search *search, uint64_t inode)
{
	for (size_t i = 0; i < search->opened_count; i++)
		if (search->opened[i] == inode)
			return true;
	return false;
}

/* Hands a memfd over, and remembers which it was. */
static int report_memfd(struct search *search, int file)
{
	struct stat status;
	if (search->opened_count < MOST_OPENED && fstat(file, &status) == 0)
		search->opened[search->opened_count++] = status.st_ino;
	return search->found(file, search->arg);
}

static int search_descriptors(struct search *search)
{
	char path[PATH_MAX], target[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", search->pid);
	DIR *folder = opendir(path);
	if (folder == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	int result = 0;
	struct dirent *entry;
	while (result == 0 && (entry = readdir(folder)) != NULL) {
		ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (!is_memfd(target))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", search->pid, entry->d_name);
		int file = tally__foreign_open(path);
		if (file >= 0)
			result = report_memfd(search, file);
		else if (file != -ENOENT)
			result = file;
	}
	closedir(folder);
	return result;
}

/* Two lines of maps: the one that may be a region is looked at when the next is known. */
struct lines {
	struct mapping now, next;
};

static int visit_lines(FILE *maps, struct lines *lines, int (*visit)(const struct mapping *mapping, void *arg),
		       void *arg)
{
	char *line = NULL;
	size_t room = 0;
	int result = 0;
	bool pending = false;
	errno = 0;
	while (result == 0 && getline(&line, &room, maps) > 0) {
		bool mapped = parse_mapping(line, &lines->next);
		if (pending) {
			lines->now.reserved = mapped && is_reserved_by(&lines->next, &lines->now);
			result = visit(&lines->now, arg);
		}
		pending = mapped && is_candidate(&lines->next);
		if (pending)
			lines->now = lines->next;
		errno = 0;
	}
	if (result == 0 && ferror(maps))
		result = errno == ESRCH ? -ESRCH : -EACCES;
	else if (result == 0 && pending)
		result = visit(&lines->now, arg);
	free(line);
	return result;
}

/* Calls visit for each mapping that may be a region. */
static int visit_mappings(int pid, int (*visit)(const struct mapping *mapping, void *arg), void *arg)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	if (maps == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	struct lines *lines = malloc(sizeof(*lines));
	int result = lines != NULL ? visit_lines(maps, lines, visit, arg) : -ENOMEM;
	free(lines);
	fclose(maps);
	return result;
}

/* Nobody but a program that counts has a memfd of our name, or maps more of a file than it may touch. Other
 * shared memory, which most systems are full of, is nothing to complain about. */
static bool looks_like_region(const struct mapping *mapping)
{
	return is_memfd(mapping->path) || mapping->reserved;
}

static int open_and_report(const struct mapping *mapping, void *arg)
{
	struct search *search = arg;
	if (is_memfd(mapping->path) && was_opened(search, mapping->inode))
		return 0;
	int file = open_mapping(search->pid, mapping);
	if (file >= 0)
		return search->found(file, search->arg);
	if (looks_like_region(mapping) && (file == -EPERM || (file == -EACCES && search->refused == 0)))
		search->refused = file;
	return file == -EMFILE || file == -ENFILE || file == -ENOMEM ? file : 0;
}

int tally__foreign_regions(int pid, int (*found)(int file, void *arg), void *arg)
{
	int saved = errno;
	struct search search = {.pid = pid, .found = found, .arg = arg};
	int result = search_descriptors(&search);
	/* Those of its descriptors and those of its mappings: it may have closed some. */
	if (result == 0)
		result = visit_mappings(pid, open_and_report, &search);
	/* Without that one the sums would be wrong. */
	if (result == 0)
		result = search.refused;
	errno = saved;
	return result;
}

static int is_region(const struct mapping *mapping, void *arg)
{
	char magic[8];
	if (is_memfd(mapping->path))
		return 1;
	int file = open_mapping(*(int *)arg, mapping);
	if (file < 0)
		return 0;
	int error = tally__foreign_read(file, magic, sizeof(magic), 0);
	tally__foreign_close(file);
	return error == 0 && memcmp(magic, "TALLYRGN", sizeof(magic)) == 0;
}

bool tally__foreign_has_region(int pid)
{
	int saved = errno;
	bool has = visit_mappings(pid, is_region, &pid) > 0;
	errno = saved;
	return has;
}

int tally__foreign_processes(int (*visit)(int pid, void *arg), void *arg)
{
	int saved = errno, result = 0;
	DIR *folder = opendir("/proc");
	if (folder == NULL) {
		result = -errno;
		errno = saved;
		return result;
	}
	struct dirent *entry;
	while (result == 0 && (entry = readdir(folder)) != NULL) {
		struct stat status;
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		if (pid <= 0 || pid > INT_MAX || *end != '\0')
			continue;
		if (fstatat(dirfd(folder), entry->d_name, &status, 0) == 0 && status.st_uid == geteuid())
			result = visit((int)pid, arg);
	}
	closedir(folder);
	errno = saved;
	return result;
}
