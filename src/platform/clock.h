/* platform/clock.h - the monotonic clock. */
#ifndef TALLY_PLATFORM_CLOCK_H_
#define TALLY_PLATFORM_CLOCK_H_

#include <stdint.h>

#define TALLY__FOREVER INT64_MAX

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t tally__clock_now(void);

#endif
