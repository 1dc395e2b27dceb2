/* The CPU quota of this process's cgroup, read from /proc and the cgroup file systems with neither malloc nor
 * stdio. What cannot be read or understood sets no limit. */
#include "platform/linux/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 4096 }; /* the longest path, and the longest line, that is looked at */

/* A file read line by line. */
struct lines {
	int fd;
	size_t next, end; /* of what is in buffer and not yet handed out */
	char buffer[1024];
	char line[NAME_BYTES];
};

/* Joins the parts, up to NULL, into a path of NAME_BYTES. False: too long. */
static bool join(char *path, const char *const *parts)
{
	size_t length = 0;

	for (; *parts; parts++) {
		size_t more = strlen(*parts);

		if (more >= NAME_BYTES - length)
			return false;
		memcpy(path + length, *parts, more);
		length += more;
	}
	path[length] = '\0';
	return true;
}
#define JOIN(path, ...) join(path, (const char *const[]){__VA_ARGS__, NULL})

static bool lines_open(struct lines *in, const char *root, const char *name)
{
	if (!JOIN(in->line, root, name))
		return false;
	in->next = in->end = 0;
	do
		in->fd = open(in->line, O_RDONLY | O_CLOEXEC);
	while (in->fd < 0 && errno == EINTR);
	return in->fd >= 0;
}

static bool lines_fill(struct lines *in)
{
	ssize_t count;

	do
		count = read(in->fd, in->buffer, sizeof(in->buffer));
	while (count < 0 && errno == EINTR);
	in->next = 0;
	in->end = count > 0 ? (size_t)count : 0;
	return count > 0;
}

/* The next line without its end, or NULL. One that is too long is handed out empty. */
static char *lines_next(struct lines *in)
{
	size_t length = 0;
	bool any = false;

	while (in->next < in->end || lines_fill(in)) {
		char c = in->buffer[in->next++];

		any = true;
		if (c == '\n')
			break;
		if (length < NAME_BYTES)
			in->line[length++] = c;
	}
	if (!any)
		return NULL;
	in->line[length < NAME_BYTES ? length : 0] = '\0';
	return in->line;
}

/* Cuts the text before the first `end` off *rest and returns it; NULL if there is none. */
static char *cut(char **rest, char end)
{
	char *start = *rest;
	char *stop = strchr(start, end);

	if (!stop)
		return NULL;
	*stop = '\0';
	*rest = stop + 1;
	return start;
}

/* Whether a list of words with commas between has the word. */
static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		size_t here = strcspn(list, ",");

		if (here == length && memcmp(list, word, length) == 0)
			return true;
		if (list[here] == '\0')
			return false;
		list += here + 1;
	}
}

/* The kernel writes blanks and backslashes in mountinfo as \ and three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
		    text[3] >= '0' && text[3] <= '7') {
			*to++ = (char)(unsigned char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] -
						      '0');
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* A decimal number that ends at a blank or the end of the line; moves *text past it. */
static bool number(const char **text, uint64_t *value)
{
	const char *at = *text;

	*value = 0;
	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (*value > UINT64_MAX / 10 - 1)
			return false;
		*value = *value * 10 + (uint64_t)(*at - '0');
	}
	if (*at != ' ' && *at != '\0')
		return false;
	*text = *at ? at + 1 : at;
	return true;
}

/* CPUs that a quota in a period comes to; 0: no limit. */
static int quota_cpus(uint64_t quota, uint64_t period)
{
	uint64_t cpus;

	if (period == 0)
		return 0;
	cpus = quota / period + (quota % period != 0);
	if (cpus == 0)
		return 1;
	return cpus > INT_MAX ? INT_MAX : (int)cpus;
}

static int smaller_limit(int a, int b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* Version 2 writes `QUOTA PERIOD` or `max PERIOD` in cpu.max. */
static int folder_cpus_v2(struct lines *in, const char *folder)
{
	const char *text;
	uint64_t quota, period;
	int cpus = 0;

	if (!lines_open(in, folder, "/cpu.max"))
		return 0;
	text = lines_next(in);
	if (text && number(&text, &quota) && number(&text, &period))
		cpus = quota_cpus(quota, period);
	close(in->fd);
	return cpus;
}

static bool file_number(struct lines *in, const char *folder, const char *name, uint64_t *value)
{
	const char *text;
	bool good;

	if (!lines_open(in, folder, name))
		return false;
	text = lines_next(in);
	good = text && number(&text, value);
	close(in->fd);
	return good;
}

/* Version 1 has a file for each, and -1 for no quota. */
static int folder_cpus_v1(struct lines *in, const char *folder)
{
	uint64_t quota, period;

	if (!file_number(in, folder, "/cpu.cfs_quota_us", &quota) ||
	    !file_number(in, folder, "/cpu.cfs_period_us", &period))
		return 0;
	return quota_cpus(quota, period);
}

/* The path, if it is in or below the folder `root` of the same file system, as seen from there; else NULL. */
static const char *below(const char *path, const char *root)
{
	size_t length = strlen(root);

	while (length > 0 && root[length - 1] == '/')
		length--;
	if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return NULL;
	return path + length;
}

/* Finds where the file system of the cgroup `path` is mounted and writes its folder there to `folder`, with
 * *top the length of the part that is the mount itself. */
static bool find_folder(struct lines *in, const char *root, bool v2, const char *path, char *folder,
			size_t *top)
{
	bool found = false;
	char *rest;

	if (!lines_open(in, root, "/proc/self/mountinfo"))
		return false;
	/* ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS [TAGS...] - TYPE SOURCE OPTIONS */
	while (!found && (rest = lines_next(in))) {
		char *mount_root, *mount_point, *type;
		const char *inside;

		if (!cut(&rest, ' ') || !cut(&rest, ' ') || !cut(&rest, ' ') ||
		    !(mount_root = cut(&rest, ' ')) || !(mount_point = cut(&rest, ' ')) ||
		    !(rest = strstr(rest, " - ")))
			continue;
		rest += 3;
		if (!(type = cut(&rest, ' ')) || !cut(&rest, ' '))
			continue;
		if (v2 ? strcmp(type, "cgroup2") != 0 : strcmp(type, "cgroup") != 0 || !list_has(rest, "cpu"))
			continue;
		unescape(mount_root);
		unescape(mount_point);
		inside = below(path, mount_root);
		if (!inside || !JOIN(folder, root, mount_point))
			continue;
		*top = strlen(folder);
		found = JOIN(folder, root, mount_point, inside);
	}
	close(in->fd);
	return found;
}

/* The smallest limit of the cgroup and of all above it that this process can see. */
static int hierarchy_cpus(struct lines *in, const char *root, bool v2, const char *path)
{
	char folder[NAME_BYTES];
	size_t top;
	int cpus = 0;

	/* A path with `..` is of a cgroup outside our view; we have no folder of it. */
	if (strstr(path, "/..") || !find_folder(in, root, v2, path, folder, &top))
		return 0;
	for (;;) {
		char *slash;

		cpus = smaller_limit(cpus, v2 ? folder_cpus_v2(in, folder) : folder_cpus_v1(in, folder));
		slash = strrchr(folder + top, '/');
		if (!slash)
			return cpus;
		*slash = '\0';
	}
}

/* Finds the path of this process in the one hierarchy: ID:CONTROLLERS:PATH; in version 2 ID is 0 and there are
 * no controllers. */
static bool find_path(struct lines *in, const char *root, bool v2, char *path)
{
	bool found = false;
	char *rest;

	if (!lines_open(in, root, "/proc/self/cgroup"))
		return false;
	while (!found && (rest = lines_next(in))) {
		char *id = cut(&rest, ':');
		char *controllers = id ? cut(&rest, ':') : NULL;

		if (!controllers || rest[0] != '/')
			continue;
		if (v2 ? strcmp(id, "0") == 0 && !*controllers : list_has(controllers, "cpu"))
			found = JOIN(path, rest);
	}
	close(in->fd);
	return found;
}

int tally__cgroup_cpus(const char *root)
{
	struct lines in;
	char path[NAME_BYTES];
	int saved = errno;
	int cpus = 0;

	for (int v2 = 0; v2 <= 1; v2++) {
		if (find_path(&in, root, v2, path))
			cpus = smaller_limit(cpus, hierarchy_cpus(&in, root, v2, path));
	}
	errno = saved;
	return cpus;
}
