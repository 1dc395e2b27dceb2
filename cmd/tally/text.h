/* Strings, lists of words and contents of files, in memory that is kept until the command ends or becomes the
 * program. Where there is no memory the command fails. */
#ifndef TALLY_COMMAND_TEXT_H_
#define TALLY_COMMAND_TEXT_H_

#include <stdbool.h>
#include <stddef.h>

struct list {
	char **words; /* NULL ends them */
	size_t count;
};

struct text {
	char *bytes; /* and a 0 byte, which does not count */
	size_t size;
};

void *allocate(size_t size);
char *format(const char *format, ...) __attribute__((format(printf, 1, 2)));

void list_add(struct list *list, const char *word);
/* Nothing where it is in the list already. */
void list_add_new(struct list *list, const char *word);
void list_add_all(struct list *list, const struct list *more);
/* Adds the words of a variable such as CFLAGS: what stands between blanks. NULL has none. */
void list_add_words(struct list *list, const char *text);

bool ends_in(const char *text, const char *end);

/* Each returns 0, or -errno. The text may be freed in any case. */
int read_all(int fd, struct text *text);
int read_file(const char *path, struct text *text);
int write_all(int fd, const void *bytes, size_t size);

#endif
