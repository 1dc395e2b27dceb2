/* Lines of text built without malloc, locks or the C library's formats. */
#include "platform/die.h"

#include <stdint.h>
#include <string.h>

/* One byte is kept for the newline, so that text and newline go out in one write. */
enum { LINE_MOST = sizeof(((struct tally__line *)0)->text) - 1 };

static void add_bytes(struct tally__line *line, const char *bytes, size_t count)
{
	size_t room = LINE_MOST - line->length;

	if (count > room)
		count = room;
	memcpy(line->text + line->length, bytes, count);
	line->length += count;
}

static void add_number(struct tally__line *line, uint64_t value, unsigned base)
{
	char digits[20]; /* 2^64 has 20 digits */
	size_t first = sizeof(digits);

	do {
		digits[--first] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	add_bytes(line, digits + first, sizeof(digits) - first);
}

static void add_int(struct tally__line *line, int value)
{
	if (value < 0)
		add_bytes(line, "-", 1);
	add_number(line, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

void tally__line_add_list(struct tally__line *line, const char *format, va_list list)
{
	for (;;) {
		size_t plain = strcspn(format, "%");
		const char *text;

		add_bytes(line, format, plain);
		format += plain;
		if (*format == '\0')
			return;
		switch (format[1]) {
		case 's':
			text = va_arg(list, const char *);
			add_bytes(line, text ? text : "(null)", strlen(text ? text : "(null)"));
			break;
		case 'd':
			add_int(line, va_arg(list, int));
			break;
		case 'u':
			add_number(line, va_arg(list, uint64_t), 10);
			break;
		case 'p':
			add_bytes(line, "0x", 2);
			add_number(line, (uintptr_t)va_arg(list, void *), 16);
			break;
		case '%':
			add_bytes(line, "%", 1);
			break;
		default:
			/* What its argument is nobody knows, so the rest is shown as it stands. */
			add_bytes(line, format, strlen(format));
			return;
		}
		format += 2;
	}
}

void tally__line_add(struct tally__line *line, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tally__line_add_list(line, format, list);
	va_end(list);
}
