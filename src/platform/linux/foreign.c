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

int tally__foreign_open(const char *path)
{
	struct stat status;
	int saved = errno;
	/* Without O_NONBLOCK a FIFO would wait for a writer; O_NOCTTY for what turns out to be a terminal. */
	int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
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
	uint64_t start, end, inode;
	char path[PATH_MAX];
};

/* Reads a line of /proc/PID/maps. False: it is not a shared, writable mapping of the beginning of a file. */
static bool parse_mapping(const char *line, struct mapping *mapping)
{
	char permissions[8];
	uint64_t offset;
	int at = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %" SCNu64 " %n", &mapping->start,
		   &mapping->end, permissions, &offset, &mapping->inode, &at) < 5 ||
	    at == 0)
		return false;
	if (strcmp(permissions, "rw-s") != 0 || offset != 0 || line[at] != '/')
		return false;
	size_t length = strcspn(line + at, "\n");
	if (length >= sizeof(mapping->path))
		return false;
	memcpy(mapping->path, line + at, length);
	mapping->path[length] = '\0';
	return true;
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

static int visit_descriptors(int pid, int (*found)(int file, void *arg), void *arg)
{
	char path[PATH_MAX], target[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
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
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		int file = tally__foreign_open(path);
		if (file >= 0)
			result = found(file, arg);
		else if (file != -ENOENT)
			result = file;
	}
	closedir(folder);
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
	struct mapping *mapping = malloc(sizeof(*mapping));
	char *line = NULL;
	size_t room = 0;
	int result = mapping != NULL ? 0 : -ENOMEM;
	errno = 0;
	while (result == 0 && getline(&line, &room, maps) > 0) {
		if (parse_mapping(line, mapping))
			result = visit(mapping, arg);
		errno = 0;
	}
	if (result == 0 && ferror(maps))
		result = errno == ESRCH ? -ESRCH : -EACCES;
	free(line);
	free(mapping);
	fclose(maps);
	return result;
}

struct search {
	int pid;
	int (*found)(int file, void *arg);
	void *arg;
	int refused; /* -EPERM or -EACCES: there was one that could not be opened */
	int opened;
};

static int open_and_report(const struct mapping *mapping, void *arg)
{
	struct search *search = arg;
	int file = open_mapping(search->pid, mapping);
	if (file >= 0) {
		search->opened++;
		return search->found(file, search->arg);
	}
	if (file == -EPERM || (file == -EACCES && search->refused == 0))
		search->refused = file;
	return file == -EMFILE || file == -ENFILE || file == -ENOMEM ? file : 0;
}

static int count_opened(int file, void *arg)
{
	struct search *search = arg;
	search->opened++;
	return search->found(file, search->arg);
}

int tally__foreign_regions(int pid, int (*found)(int file, void *arg), void *arg)
{
	int saved = errno;
	struct search search = {.pid = pid, .found = found, .arg = arg};
	int result = visit_descriptors(pid, count_opened, &search);
	/* Those of its descriptors and those of its mappings: it may have closed some. */
	bool has_memfd = search.opened != 0;
	if (result == 0)
		result = visit_mappings(pid, open_and_report, &search);
	if (result == 0 && search.refused != 0 && !has_memfd && search.opened == 0)
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
