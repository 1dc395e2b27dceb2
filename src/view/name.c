/* view/name.c - the names that a metric may have outside. */
#include "view/name.h"

#include <string.h>

#include "region/name.h"

bool tally__name_is_valid(const char *name, tally_view_kind kind)
{
	size_t length = strlen(name);
	bool has_ending = tally__name_stem(name, length) < length;
	return tally__name_is_made_of_letters(name, length) && has_ending == (kind == TALLY_VIEW_COUNTER);
}

size_t tally__name_family(const char *name, tally_view_kind kind)
{
	size_t length = strlen(name);
	return kind == TALLY_VIEW_COUNTER ? tally__name_stem(name, length) : length;
}
