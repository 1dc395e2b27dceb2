/* Strings, lists of words and contents of files. */
#include "text.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void *resize(void *memory, size_t size)
{
	memory = realloc(memory, size);
	if (memory == NULL)
		fail("there is no memory for %zu bytes", size);
	return memory;
}

void *allocate(size_t size)
{
	return memset(resize(NULL, size), 0, size);
}

char *format(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		fail("there is no memory for a line of text");
	return text;
}

void list_add(struct list *list, const char *word)
{
	list->words = resize(list->words, (list->count + 2) * sizeof(*list->words));
	list->words[list->count++] = format("%s", word);
	list->words[list->count] = NULL;
}

void list_add_new(struct list *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->words[i], word) == 0)
			return;
	}
	list_add(list, word);
}

void list_add_all(struct list *list, const struct list *more)
{
	for (size_t i = 0; i < more->count; i++)
		list_add(list, more->words[i]);
}

void list_add_words(struct list *list, const char *text)
{
	static const char blanks[] = " \t\n";

	if (text == NULL)
		return;
	for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
		size_t length = strcspn(text, blanks);
		char *word = format("%.*s", (int)length, text);
		list_add(list, word);
		free(word);
		text += length;
	}
}

bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text);
	size_t size = strlen(end);

	return length > size && memcmp(text + length - size, end, size) == 0;
}

int read_all(int fd, struct text *text)
{
	struct stat status;
	size_t room = 4096;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
		room = (size_t)status.st_size + 2;
	*text = (struct text){.bytes = resize(NULL, room)};
	for (;;) {
		if (text->size + 1 == room)
			text->bytes = resize(text->bytes, room *= 2);
		ssize_t got = read(fd, text->bytes + text->size, room - text->size - 1);
		if (got > 0) {
			text->size += (size_t)got;
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		text->bytes[text->size] = '\0';
		return got < 0 ? -errno : 0;
	}
}

int read_file(const char *path, struct text *text)
{
	*text = (struct text){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = read_all(fd, text);
	close(fd);
	return error;
}

int write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		ssize_t done = write(fd, next, size);
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			next += done;
			size -= (size_t)done;
		}
	}
	return 0;
}
