/* platform/local.h - one pointer for each thread of the operating system.
 *
 * A started task never changes its thread, so a compiler that keeps the variable's address across a call
 * that blocks does no harm. The initial-exec model makes it one load, in the shared library too.
 */
#ifndef TALLY_PLATFORM_LOCAL_H_
#define TALLY_PLATFORM_LOCAL_H_

extern _Thread_local void *tally__local_pointer
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void *tally__local_get(void)
{
	return tally__local_pointer;
}

static inline void tally__local_set(void *pointer)
{
	tally__local_pointer = pointer;
}

#endif
