/* platform/sanitizer.h - what AddressSanitizer, LeakSanitizer and valgrind must be told about stacks.
 *
 * In every build: the sanitizers through weak symbols, which are there when the program has them; valgrind,
 * where its header was there, through instructions that do nothing elsewhere. ThreadSanitizer has a build of
 * the library to itself: platform/race.h.
 */
#ifndef TALLY_PLATFORM_SANITIZER_H_
#define TALLY_PLATFORM_SANITIZER_H_

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

#endif
