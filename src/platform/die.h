/* platform/die.h - the end of the program, with one line that says why. */
#ifndef TALLY_PLATFORM_DIE_H_
#define TALLY_PLATFORM_DIE_H_

#include <stdarg.h>
#include <stddef.h>

/* A line built without malloc or locks, so that it may come from anywhere. Too long a text is cut. */
struct tally__line {
	size_t length;
	char text[256];
};

/* Appends, by a printf-like format that knows only %s, %d (int), %u (uint64_t: cast to it), %p (hexadecimal)
 * and %%. */
void tally__line_add(struct tally__line *line, const char *format, ...);
void tally__line_add_list(struct tally__line *line, const char *format, va_list list);

#define TALLY__STANDARD_ERROR 2

/* Writes the line and a newline to fd in one call, and empties it. Never raises SIGPIPE. */
void tally__line_write(struct tally__line *line, int fd);

/* Writes `tally: `, the text and a newline to standard error. Formats as above. Async-signal-safe. */
void tally__warn(const char *format, ...);

/* The same, then abort(). Async-signal-safe. */
_Noreturn void tally__die(const char *format, ...);

#endif
