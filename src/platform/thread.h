/* platform/thread.h - threads of the operating system. */
#ifndef TALLY_PLATFORM_THREAD_H_
#define TALLY_PLATFORM_THREAD_H_

#include <stdint.h>

/* Starts fn(arg) on a new detached thread named `tally`, with every signal blocked but those a fault raises,
 * a stack of 256 KiB beside its thread-local variables, and timers that are exact to a microsecond.
 * Returns 0 or -errno (-EAGAIN: the system has no thread for us). */
int tally__thread_start(void (*fn)(void *), void *arg);

/* The system's number of the calling thread, as debuggers and /proc show it. */
uint32_t tally__thread_number(void);

/* Lets another thread run. */
void tally__thread_yield(void);

/* The number of threads of this process, those that are just ending included and a main thread that has ended
 * not, or -1 where the system does not tell. Async-signal-safe. */
int tally__thread_count(void);

/* Calls fn(arg) when the calling thread ends, as pthread keys do: not when the process does. One at a time for
 * a thread: a later call replaces the earlier. Returns 0, or -ENOMEM. */
int tally__thread_at_exit(void (*fn)(void *), void *arg);

/* Calls fn() in the child after each fork. Returns 0, or -ENOMEM. */
int tally__thread_after_fork(void (*fn)(void));

#endif
