/* Fuzzes the check of metrics' names: what it lets through must be a name that formats and readers accept. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "count/name.h"
#include "view/name.h"
#include "view/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	char *text = malloc(name_length + help_length + 2);
	char room[TALLY__NAME_MAX + 1];
	memcpy(text, data, name_length);
	text[name_length] = '\0';
	if (help_length != 0)
		memcpy(text + name_length + 1, split + 1, help_length);
	text[name_length + 1 + help_length] = '\0';
	if (name_length > 0)
		text[0] = kinds[data[0] % 3];
	struct tally__definition definition;
	memset(&definition, 0, sizeof(definition));
	if (name_length > 0 && tally__name_check(text, &definition, room) == NULL) {
		tally_view_kind kind = (tally_view_kind)definition.kind;
		if (definition.name_length > TALLY__NAME_MAX || definition.help_length > TALLY__HELP_MAX)
			abort();
		char name[TALLY__NAME_MAX + 1];
		memcpy(name, definition.name, definition.name_length);
		name[definition.name_length] = '\0';
		/* What a program may define, a reader must take. */
		if (!tally__name_is_valid(name, kind))
			abort();
		for (size_t at = 0; at < definition.help_length;) {
			size_t length = tally__utf8_length(definition.help + at);
			if (length == 0 || at + length > definition.help_length)
				abort();
			at += length;
		}
	}
	free(text);
	return 0;
}
