/* view/name.c - the names that a metric may have outside. */
#include "view/name.h"

#include <string.h>

#define SUFFIX "_total"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

static bool ends_in(const char *name, size_t length, const char *suffix)
{
	size_t end = strlen(suffix);
	return length > end && memcmp(name + length - end, suffix, end) == 0;
}

bool tally__name_is_valid(const char *name, tally_view_kind kind)
{
	if (!is_letter(name[0]))
		return false;
	size_t length = 1;
	for (; name[length] != '\0'; length++)
		if (!is_letter(name[length]) && !(name[length] >= '0' && name[length] <= '9'))
			return false;
	return ends_in(name, length, SUFFIX) == (kind == TALLY_VIEW_COUNTER);
}

size_t tally__name_family(const char *name, tally_view_kind kind)
{
	size_t length = strlen(name);
	return kind == TALLY_VIEW_COUNTER ? length - strlen(SUFFIX) : length;
}
