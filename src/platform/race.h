/* platform/race.h - what ThreadSanitizer must be told about tasks, in the race build of the library.
 *
 * Every task is a fiber, ThreadSanitizer's idea of a thread of control, entered and left without implied
 * order. What orders tasks is said: a task's start comes after its spawn, a wait's return after the dones.
 * Other builds have none of this. doc/design/races.md has the reasons.
 */
#ifndef TALLY_PLATFORM_RACE_H_
#define TALLY_PLATFORM_RACE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef TALLY_RACE

/* The address that the call of the function it stands in returns to. */
#define TALLY__CALLER __builtin_return_address(0)

/* Whether this is the race build. */
static inline bool tally__race_on(void)
{
	return true;
}

/* The fiber that runs now. */
void *tally__race_current(void);
/* A new one, which knows of nothing that happened before. */
void *tally__race_fiber_new(void);
/* Goes on as `fiber`, ordered by nothing. */
void tally__race_switch(void *fiber);

/* What the caller did so far happens before what follows a later acquire of the same address. */
void tally__race_release(void *address);
void tally__race_acquire(void *address);

/* A spawner publishes what it did so far, and where it spawns: the address that its call returns to. NULL:
 * there is no memory. One task receives that, and as many more as it was shared with; or it is dropped. */
void *tally__race_publish(const void *caller);
void tally__race_share(void *start);
void tally__race_drop(void *start);
/* The task begins, and ends, on the fiber that runs. */
void tally__race_receive(void *start, uint64_t task_id);
void tally__race_task_ends(void);

/* Counts as a plain access of the byte at the address, in the code that `caller` is an address of. */
void tally__race_reads(void *address, const void *caller);
void tally__race_writes(void *address, const void *caller);

/* Between the two, what the C library is seen to touch on behalf of the fiber that runs does not count: that is
 * the runtime's own memory, and what orders its uses is not told. */
void tally__race_ignore_begin(void);
void tally__race_ignore_end(void);

/* The thread-local variables of the calling thread are not shared, whichever tasks use them. */
void tally__race_locals_are_private(void);
/* Nor is the memory of the calling thread's signal stack. */
void tally__race_is_private(const void *start, size_t bytes);

/* In the child of a fork. */
void tally__race_reset(void);

#else

#define TALLY__CALLER NULL

static inline bool tally__race_on(void)
{
	return false;
}
static inline void *tally__race_current(void)
{
	return NULL;
}
static inline void *tally__race_fiber_new(void)
{
	return NULL;
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
static inline void *tally__race_publish(const void *caller)
{
	(void)caller;
	return NULL;
}
static inline void tally__race_share(void *start)
{
	(void)start;
}
static inline void tally__race_drop(void *start)
{
	(void)start;
}
static inline void tally__race_receive(void *start, uint64_t task_id)
{
	(void)start;
	(void)task_id;
}
static inline void tally__race_task_ends(void)
{
}
static inline void tally__race_reads(void *address, const void *caller)
{
	(void)address;
	(void)caller;
}
static inline void tally__race_writes(void *address, const void *caller)
{
	(void)address;
	(void)caller;
}
static inline void tally__race_ignore_begin(void)
{
}
static inline void tally__race_ignore_end(void)
{
}
static inline void tally__race_locals_are_private(void)
{
}
static inline void tally__race_is_private(const void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
}
static inline void tally__race_reset(void)
{
}

#endif

#endif
