/* sched/stack.h - stacks for what blocks: slabs of mapped memory, cut into slots with a guard below each. */
#ifndef TALLY_SCHED_STACK_H_
#define TALLY_SCHED_STACK_H_

#include <tally/atomic.h>

struct tally__task;

/* One slot. It lies in the head of its slab, not on the stack, so that an unused stack costs nothing. */
struct tally__stack {
	struct tally__stack *next; /* in a list of free ones */
	char *bottom;              /* lowest usable byte; the guard is below it */
	char *top;                 /* one past the highest */
	tally_atomic_ptr task;     /* the task that is blocked on it, for who lists tasks; or NULL */
};

#define TALLY__SLAB_STACKS 64

/* Memory for some stacks. This is its head; the slots lie behind it. */
struct tally__slab {
	struct tally__slab *next;
	char *first_slot;
	size_t slot_bytes;
	size_t made; /* stacks that have been in use, from the first; guarded by the lock of stack.c */
	struct tally__stack stacks[TALLY__SLAB_STACKS];
};

/* The list of all slabs; it only grows. */
extern tally_atomic_ptr tally__slabs;

/* Free stacks of one thread. */
struct tally__stack_cache {
	struct tally__stack *first;
	unsigned count;
};

/* Sets the size of all stacks, in bytes, before the first is made. It is rounded up to pages. */
void tally__stack_set_size(size_t bytes);
size_t tally__stack_size(void);

/* A stack, or NULL if there is no memory. */
struct tally__stack *tally__stack_new(struct tally__stack_cache *cache);

/* The stack may be the one that the caller runs on, if the caller leaves it before it asks for another. */
void tally__stack_free(struct tally__stack_cache *cache, struct tally__stack *stack);

/* Gives free stacks beyond the `keep` used last to other threads. The stack that the caller runs on must not
 * be among the free ones. */
void tally__stack_cache_trim(struct tally__stack_cache *cache, unsigned keep);

/* The stack whose guard contains the address, or NULL. Async-signal-safe. */
struct tally__stack *tally__stack_of_guard(const void *address);

/* Calls visit for every stack ever made. Async-signal-safe if visit is. */
void tally__stack_each(void (*visit)(struct tally__stack *stack, void *arg), void *arg);

/* In the child of a fork: nobody holds the lock, and nothing is blocked on any stack. */
void tally__stack_reset(void);

#endif
