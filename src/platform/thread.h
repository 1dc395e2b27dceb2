/* platform/thread.h - threads of the operating system. */
#ifndef TALLY_PLATFORM_THREAD_H_
#define TALLY_PLATFORM_THREAD_H_

/* Starts fn(arg) on a new detached thread named `tally`, with every signal blocked but those a fault raises,
 * a stack of 256 KiB beside its thread-local variables, and timers that are exact to a microsecond.
 * Returns 0 or -errno (-EAGAIN: the system has no thread for us). */
int tally__thread_start(void (*fn)(void *), void *arg);

/* Lets another thread run. */
void tally__thread_yield(void);

/* The number of threads of this process, those that are just ending included, or -1 where the system does not
 * tell. Async-signal-safe. */
int tally__thread_count(void);

#endif
