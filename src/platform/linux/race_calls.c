/* Copying and comparing that ThreadSanitizer does not see: race_calls.h says why. */
#include "platform/race.h"

#ifdef TALLY_RACE

#include <stddef.h>
#include <string.h>

#include "platform/linux/race_calls.h"

/* The compiler must not find the calls again that these stand for. */
#ifdef __clang__
#define AS_IT_STANDS __attribute__((no_builtin))
#else
#define AS_IT_STANDS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

AS_IT_STANDS void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	char *target = to;
	const char *source = from;
	for (size_t i = 0; i < bytes; i++)
		target[i] = source[i];
	return to;
}

AS_IT_STANDS void *memmove(void *to, const void *from, size_t bytes)
{
	char *target = to;
	const char *source = from;
	if (target <= source)
		return memcpy(to, from, bytes); /* which goes forward */
	for (size_t i = bytes; i > 0; i--)
		target[i - 1] = source[i - 1];
	return to;
}

AS_IT_STANDS void *memset(void *to, int value, size_t bytes)
{
	char *target = to;
	for (size_t i = 0; i < bytes; i++)
		target[i] = (char)value;
	return to;
}

AS_IT_STANDS int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *left = a, *right = b;
	for (size_t i = 0; i < bytes; i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

#else

/* ISO C wants something in every file. */
typedef int tally__race_calls_are_not_built;

#endif
