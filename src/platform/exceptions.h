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

extern void *__cxa_get_globals(void) __attribute__((weak));

/* The calling thread's, which stays where it is while the thread lasts; NULL in a program without C++. */
static inline struct tally__exceptions *tally__exceptions_of_thread(void)
{
	return __cxa_get_globals != NULL ? __cxa_get_globals() : NULL;
}

/* Takes the thread's away, for one that blocks there. */
static inline struct tally__exceptions tally__exceptions_leave(struct tally__exceptions *of_thread)
{
	struct tally__exceptions saved = {NULL, 0};
	if (of_thread != NULL) {
		saved = *of_thread;
		*of_thread = (struct tally__exceptions){NULL, 0};
	}
	return saved;
}

/* Gives them back, on the same thread. Nothing is handled there meanwhile. */
static inline void tally__exceptions_enter(struct tally__exceptions *of_thread, struct tally__exceptions saved)
{
	if (of_thread != NULL)
		*of_thread = saved;
}

#endif
