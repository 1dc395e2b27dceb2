/* platform/sanitizer.h - what the tools that watch a program must be told about tasks.
 *
 * Three tools, told in three ways:
 * - ThreadSanitizer: only in the race build of the library (TALLY_RACE). Every task is a fiber of its own,
 *   entered and left without implied order; what orders tasks is said by tally__race_release and _acquire.
 * - AddressSanitizer: in every build, through weak symbols that are there when the program has it. It is
 *   told of each change of stack.
 * - valgrind: in every build where its header was there, through instructions that do nothing elsewhere.
 */
#ifndef TALLY_PLATFORM_SANITIZER_H_
#define TALLY_PLATFORM_SANITIZER_H_

#include <stddef.h>

/* ThreadSanitizer. A fiber is its idea of a thread of control. */
#ifdef TALLY_RACE

/* The fiber that runs now. */
void *tally__race_current(void);
/* A fiber for a new task, from the calling thread's pool if it has one; leaves it to tally__race_retire. */
void *tally__race_create(void);
void tally__race_retire(void *fiber);
/* Goes on as `fiber`, ordered by nothing. */
void tally__race_switch(void *fiber);
/* What the caller did so far happens before what follows a later acquire of the same address. */
void tally__race_release(void *address);
void tally__race_acquire(void *address);

#else

static inline void *tally__race_current(void)
{
	return NULL;
}
static inline void *tally__race_create(void)
{
	return NULL;
}
static inline void tally__race_retire(void *fiber)
{
	(void)fiber;
}
static inline void tally__race_switch(void *fiber)
{
	(void)fiber;
}
static inline void tally__race_release(void *address)
{
	(void)address;
}
static inline void tally__race_acquire(void *address)
{
	(void)address;
}

#endif

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
