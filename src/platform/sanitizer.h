/* platform/sanitizer.h - what AddressSanitizer, LeakSanitizer and valgrind must be told about stacks.
 *
 * In every build: the sanitizers through weak symbols, which are there when the program has them; valgrind,
 * where its header was there, through instructions that do nothing elsewhere. ThreadSanitizer has a build of
 * the library to itself: platform/race.h.
 */
#ifndef TALLY_PLATFORM_SANITIZER_H_
#define TALLY_PLATFORM_SANITIZER_H_

#include <stdbool.h>
#include <stddef.h>

/* AddressSanitizer. Before a switch to the stack [bottom, bottom + size): *saved receives what it must be
 * given back when the stack that is left is entered again; NULL if it never will be. bottom = NULL: the
 * thread's own stack. */
void tally__stack_leave(void **saved, const void *bottom, size_t size);
/* After a switch: what tally__stack_leave saved when this stack was left, or NULL on a fresh one. Learns
 * the bounds of the thread's own stack where `own_bottom` is not NULL. */
void tally__stack_enter(void *saved, const void **own_bottom, size_t *own_size);

/* valgrind: [bottom, top) is a stack; and AddressSanitizer: what old frames left there is to be forgotten. */
void tally__stack_register(void *bottom, void *top);
void tally__stack_forget(void *bottom, void *top);

/* LeakSanitizer looks for leaks when the program ends, and knows neither of stacks that nothing runs on then
 * nor of the runtime's own memory. Whether it is in the program; and: what is in [start, end) then is in use,
 * with the frames on the fake stack (from tally__stack_leave, or NULL) that words there point to. */
extern void __lsan_register_root_region(const void *start, size_t size) __attribute__((weak));
static inline bool tally__leaks_are_looked_for(void)
{
	return __lsan_register_root_region != NULL;
}
void tally__leaks_keep(const void *start, const void *end, void *fake_stack);

/* It does know the stack that a thread is on. */
bool tally__leaks_know_running(void);

#endif
