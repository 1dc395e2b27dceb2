/* Put before all else in the race build: the library's own copying and comparing.
 *
 * ThreadSanitizer sees the C library's memcpy and its like wherever they are called, but it does not see the
 * atomic operations that order the library's own uses of memory: it would report what is none of the program's
 * affair. So here the names stand for functions that it does not see (race_calls.c).
 */
#ifndef TALLY_PLATFORM_LINUX_RACE_CALLS_H_
#define TALLY_PLATFORM_LINUX_RACE_CALLS_H_

#ifndef __ASSEMBLER__

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) __asm__("tally__race_memcpy");
void *memmove(void *to, const void *from, size_t bytes) __asm__("tally__race_memmove");
void *memset(void *to, int value, size_t bytes) __asm__("tally__race_memset");
int memcmp(const void *a, const void *b, size_t bytes) __asm__("tally__race_memcmp");

#endif

#endif
