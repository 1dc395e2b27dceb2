/* Reads the rule in which a compiler lists the files that it has read (-MD).
 *
 * It is written for make: `target: file file \` and lines that go on. In a name a blank or # stands behind a
 * backslash, and $ is doubled. Before a blank, backslashes of the name itself are doubled too; elsewhere they
 * stand for themselves.
 */
#include "depfile.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the line goes on in the next: how many bytes say so, else 0. */
static size_t continuation(const char *text)
{
	if (text[0] != '\\')
		return 0;
	if (text[1] == '\n')
		return 2;
	return text[1] == '\r' && text[2] == '\n' ? 3 : 0;
}

/* Copies the name at *text, as it is without the quoting, and moves *text behind it. */
static void take_name(const char **text, char *name)
{
	const char *next = *text;

	while (*next != '\0' && !is_blank(*next) && continuation(next) == 0) {
		if (*next == '$' && next[1] == '$') {
			next++;
		} else if (*next == '\\') {
			size_t run = strspn(next, "\\");
			bool quotes = next[run] == ' ' || next[run] == '\t';
			if (quotes) {
				for (size_t i = 0; i < run / 2; i++)
					*name++ = '\\';
				next += run;
				if (run % 2 == 0)
					break;
			} else if (next[1] == '#') {
				next++;
			}
		}
		*name++ = *next++;
	}
	*name = '\0';
	*text = next;
}

bool depfile_parse(const char *text, struct list *files)
{
	const char *colon = text;

	do {
		colon = strchr(colon, ':');
		if (colon == NULL)
			return false;
		colon++;
	} while (!is_blank(*colon) && *colon != '\0' && continuation(colon) == 0);
	text = colon;

	char *name = allocate(strlen(text) + 1);
	for (;;) {
		size_t skip = continuation(text);
		if (skip == 0 && (*text == ' ' || *text == '\t' || *text == '\r'))
			skip = 1;
		if (skip > 0) {
			text += skip;
			continue;
		}
		if (*text == '\0' || *text == '\n')
			break;
		take_name(&text, name);
		if (strcmp(name, "-") != 0 && name[0] != '<' && name[0] != '\0')
			list_add_new(files, name);
	}
	free(name);
	return true;
}
