/* platform/exceptions.h - what the C++ runtime keeps of exceptions for each thread, of which each task needs
 * its own.
 *
 * Those that are being handled, the last first, and how many are on their way: without this a task that blocks
 * in a catch block would find the exceptions of others there. A program without C++ has none of it, and
 * libtally does not need it.
 */
#ifndef TALLY_PLATFORM_EXCEPTIONS_H_
#define TALLY_PLATFORM_EXCEPTIONS_H_

#include <stddef.h>

/* __cxa_eh_globals of the C++ ABI for Itanium, section 2.2.2, which all of our machines and runtimes follow. */
struct tally__exceptions {
	void *handled;
	unsigned uncaught;
};

/* Of the calling thread. */
extern void *__cxa_get_globals(void) __attribute__((weak));

/* Takes the thread's away, for one that blocks there. */
static inline struct tally__exceptions tally__exceptions_leave(void)
{
	struct tally__exceptions saved = {NULL, 0};
	if (__cxa_get_globals != NULL) {
		struct tally__exceptions *own = __cxa_get_globals();
		saved = *own;
		*own = (struct tally__exceptions){NULL, 0};
	}
	return saved;
}

/* Gives them back, on the same thread. Nothing is handled there meanwhile. */
static inline void tally__exceptions_enter(struct tally__exceptions saved)
{
	if (saved.handled != NULL || saved.uncaught != 0)
		*(struct tally__exceptions *)__cxa_get_globals() = saved;
}

#endif
