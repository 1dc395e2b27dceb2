/* The letters of names, and UTF-8. */
#include "region/name.h"

#include <string.h>

static bool may_stand_in_name(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
	       (!first && c >= '0' && c <= '9');
}

bool tally__name_is_made_of_letters(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!may_stand_in_name(name[i], i == 0))
			return false;
	}
	return length > 0;
}

size_t tally__name_stem(const char *name, size_t length)
{
	static const char ending[] = "_total";
	size_t ending_length = sizeof(ending) - 1;

	if (length > ending_length && memcmp(name + length - ending_length, ending, ending_length) == 0)
		return length - ending_length;
	return length;
}

size_t tally__utf8_length(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	/* The least and greatest second byte; every further one is a continuation. */
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t length;

	if (at[0] < 0x80)
		return at[0] != 0;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (at[0] == 0xe0)
		low = 0xa0; /* else there is a shorter form */
	if (at[0] == 0xed)
		high = 0x9f; /* else a surrogate */
	if (at[0] == 0xf0)
		low = 0x90; /* else there is a shorter form */
	if (at[0] == 0xf4)
		high = 0x8f; /* else above U+10FFFF */
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	}
	return length;
}
