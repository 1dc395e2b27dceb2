/* test/include/scale.h - how much a test does under which build.
 *
 * Sanitizers make everything several times slower and larger, so counts go down with them. Set to a number of
 * seconds, TALLY_SOAK_SECONDS lets tests that know a long form run it for about so long.
 */
#ifndef TALLY_TEST_SCALE_H_
#define TALLY_TEST_SCALE_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* The program may run under it without having been built for it. */
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define UNDER_VALGRIND (RUNNING_ON_VALGRIND != 0)
#endif
#endif
#ifndef UNDER_VALGRIND
#define UNDER_VALGRIND false
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#endif
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

/* full in an ordinary build; a tenth with AddressSanitizer, a hundredth with ThreadSanitizer and under
 * valgrind, at least 1. */
static inline size_t scaled(size_t full)
{
	size_t count = UNDER_TSAN || UNDER_VALGRIND ? full / 100 : UNDER_ASAN ? full / 10 : full;
	return count != 0 ? count : 1;
}

static inline int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Until when a test with a long form goes on; in the past unless somebody asked for it. */
static inline int64_t soak_end(void)
{
	const char *seconds = getenv("TALLY_SOAK_SECONDS");
	return now() + (seconds != NULL ? strtoll(seconds, NULL, 10) * 1000000000 : 0);
}

static inline void pause_for(int64_t nanoseconds)
{
	struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
	nanosleep(&time, NULL);
}

#endif
