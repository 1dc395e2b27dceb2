/* The files that were read for a compilation, as the cache remembers them. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

struct facts facts_of(const struct stat *status)
{
	return (struct facts){{(int64_t)status->st_dev, (int64_t)status->st_ino, status->st_size,
			       status->st_mtim.tv_sec, status->st_mtim.tv_nsec, status->st_ctim.tv_sec,
			       status->st_ctim.tv_nsec}};
}

static bool hash_content(struct file *file)
{
	struct sha256 hash;
	struct text text;

	bool known = read_file(file->path, &text) == 0;
	sha256_begin(&hash);
	sha256_add(&hash, text.bytes, text.size);
	sha256_end(&hash, file->hash);
	free(text.bytes);
	return known;
}

static int compare(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec < b.tv_sec ? -1 : 1;
	return (a.tv_nsec > b.tv_nsec) - (a.tv_nsec < b.tv_nsec);
}

static const struct source *find_source(const struct build *build, const char *path)
{
	for (size_t i = 0; i < build->count; i++) {
		if (strcmp(build->sources[i].name, path) == 0)
			return &build->sources[i];
	}
	return NULL;
}

bool files_note(struct files *files, const struct list *paths, const struct build *build, struct timespec start)
{
	*files = (struct files){.each = allocate((paths->count + 1) * sizeof(*files->each))};
	for (size_t i = 0; i < paths->count; i++) {
		struct file *file = &files->each[files->count++];
		const struct source *source = find_source(build, paths->words[i]);
		struct stat status;
		file->path = paths->words[i];
		if (stat(file->path, &status) != 0 || !S_ISREG(status.st_mode))
			return false;
		/* A source may have been written in the tick of the clock in which the compiler was started. */
		if (source != NULL ? compare(status.st_ctim, source->changed) != 0
				   : compare(status.st_ctim, start) >= 0)
			return false;
		file->facts = facts_of(&status);
		if (!hash_content(file))
			return false;
	}
	return true;
}

bool files_look(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		struct file *file = &files->each[i];
		struct stat status;
		if (stat(file->path, &status) != 0 || !S_ISREG(status.st_mode))
			return false;
		struct facts now = facts_of(&status);
		if (memcmp(&now, &file->facts, sizeof(now)) != 0 && !hash_content(file))
			return false;
	}
	return true;
}

/* One after another: the path with its 0 byte, the facts, the hash. */
int files_write(const struct files *files, int fd)
{
	int error = 0;

	for (size_t i = 0; i < files->count && error == 0; i++) {
		const struct file *file = &files->each[i];
		error = write_all(fd, file->path, strlen(file->path) + 1);
		if (error == 0)
			error = write_all(fd, &file->facts, sizeof(file->facts));
		if (error == 0)
			error = write_all(fd, file->hash, sizeof(file->hash));
	}
	return error;
}

bool files_read(struct files *files, const struct text *text)
{
	static const size_t behind = sizeof(struct facts) + SHA256_SIZE;
	size_t next = 0;

	*files = (struct files){.each = allocate((text->size / behind + 1) * sizeof(*files->each))};
	while (next < text->size) {
		size_t length = strlen(text->bytes + next) + 1;
		if (length == 1 || text->size - next < length + behind)
			return false;
		struct file *file = &files->each[files->count++];
		file->path = text->bytes + next;
		memcpy(&file->facts, file->path + length, sizeof(file->facts));
		memcpy(file->hash, file->path + length + sizeof(file->facts), SHA256_SIZE);
		next += length + behind;
	}
	return files->count > 0;
}
