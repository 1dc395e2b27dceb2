/* Fuzzes the check of metrics' names: it lets through what the rules of tally/counter.h allow, said here in
 * another way, and nothing else; and what it lets through, a reader takes. */
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "count/name.h"
#include "view/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool fits(const char *pattern, const char *text)
{
	regex_t compiled;
	if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		abort();
	bool does = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return does;
}

/* By arithmetic on the code points. */
static bool is_utf8(const uint8_t *text, size_t length)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	while (length > 0) {
		unsigned bytes = *text < 0x80 ? 1 : *text < 0xc0 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;
		if (*text >= 0xf8 || bytes == 0 || bytes > length)
			return false;
		uint32_t code = bytes == 1 ? *text : *text & (0x7fU >> bytes);
		for (unsigned i = 1; i < bytes; i++) {
			if (text[i] >> 6 != 2)
				return false;
			code = code << 6 | (text[i] & 0x3fU);
		}
		if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return false;
		text += bytes;
		length -= bytes;
	}
	return true;
}

static bool is_allowed(char kind, const char *name, const char *help)
{
	size_t length = strlen(name) + (kind == 'c' && !fits("_total$", name) ? strlen("_total") : 0);
	if (length > 255 || strlen(help) > 1023 || !is_utf8((const uint8_t *)help, strlen(help)))
		return false;
	return fits("^[a-zA-Z_:][a-zA-Z0-9_:]*$", name) &&
	       !fits(kind == 'c' ? "(^|_total|_created)_total$|_created$" : "_total$|_created$", name);
}

/* What a program may define, a reader must take. */
static void check_accepted(const struct tally__definition *definition)
{
	tally_view_kind kind = (tally_view_kind)definition->kind;
	char name[TALLY__NAME_MAX + 1];
	if (definition->name_length > TALLY__NAME_MAX || definition->help_length > TALLY__HELP_MAX)
		abort();
	memcpy(name, definition->name, definition->name_length);
	name[definition->name_length] = '\0';
	if (strlen(name) != definition->name_length || !tally__name_is_valid(name, kind))
		abort();
	if (fits("_total$", name) != (kind == TALLY_VIEW_COUNTER))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char kinds[] = "cug";
	if (size == 0)
		return 0;
	/* The text is the kind, the name, a zero byte, the help text, a zero byte: in memory of just that size.
	 */
	const uint8_t *split = memchr(data, '\0', size);
	size_t name_length = split != NULL ? (size_t)(split - data) : size;
	size_t help_length = split != NULL ? strnlen((const char *)split + 1, size - name_length - 1) : 0;
	if (name_length == 0)
		return 0;
	char *text = malloc(name_length + help_length + 2);
	char room[TALLY__NAME_MAX + 1];
	memcpy(text, data, name_length);
	text[name_length] = '\0';
	if (help_length != 0)
		memcpy(text + name_length + 1, split + 1, help_length);
	text[name_length + 1 + help_length] = '\0';
	text[0] = kinds[data[0] % 3];
	struct tally__definition definition;
	memset(&definition, 0, sizeof(definition));
	bool accepted = tally__name_check(text, &definition, room) == NULL;
	if (accepted != is_allowed(text[0], text + 1, text + name_length + 1))
		abort();
	if (accepted)
		check_accepted(&definition);
	free(text);
	return 0;
}
