/* platform/threadexit.h - be told when a thread ends, and in the child of a fork. */
#ifndef TALLY_PLATFORM_THREADEXIT_H_
#define TALLY_PLATFORM_THREADEXIT_H_

#include <stdbool.h>

/* From now on, fn(value) is called in a thread that ends, if it has called tally__at_thread_exit with a value
 * other than NULL; forks() before a fork, and child() in its child before fork returns there. Once in a
 * process. Returns 0 or -errno. */
int tally__exit_watch(void (*fn)(void *), void (*forks)(void), void (*child)(void));

/* Other functions that run at a thread's end may come later than fn. Safe in signal handlers. Returns 0, or
 * -errno: fn will not be called. */
int tally__at_thread_exit(void *value);

#endif
