/* platform/futex.h - sleep until a 32-bit word changes, and wake who sleeps on it. */
#ifndef TALLY_PLATFORM_FUTEX_H_
#define TALLY_PLATFORM_FUTEX_H_

#include <tally/atomic.h>

/* Sleeps while *word is expected, at most until deadline (TALLY__FOREVER of platform/clock.h: no limit).
 * Returns 0 when woken, and also for no reason at all: callers look at the word again. -EAGAIN: *word was
 * not expected. -EINTR: a signal came. -ETIMEDOUT: the deadline has passed (one that has passed already is
 * looked at after the word).
 * The word is private to the process. errno is left alone, as by every call of the platform. */
int tally__futex_wait(tally_atomic_u32 *word, uint32_t expected, int64_t deadline);

/* Wakes at most count threads that sleep on word. The word may be gone: then nothing, or a thread that
 * sleeps on what is there now, is woken. */
void tally__futex_wake(tally_atomic_u32 *word, int count);

#endif
