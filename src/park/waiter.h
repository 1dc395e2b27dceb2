/* park/waiter.h - one blocked caller, task or plain thread, and the word that says whether it is awake.
 *
 * A waiter lies on the stack of the one who waits. It is put where a waker finds it first, and only then
 * does its owner park; a waker may come in between. The state says who must act:
 *
 *     WAITER_RUNNING   the owner has not parked yet                     set by the owner, in its initializer
 *     WAITER_PARKED    the owner is parked: who changes this makes it ready     set by the owner
 *     WAITER_WOKEN     it was woken; the waker does not touch the waiter any more    set by the waker, once
 *     WAITER_EXPIRED   its deadline passed first                        set by the owner's thread
 *
 *     RUNNING -> PARKED -> WOKEN          parked, then woken
 *     RUNNING -> WOKEN                    woken before it had parked: it does not park
 *     PARKED -> EXPIRED -> WOKEN          the deadline passed and a wake came later; or
 *     PARKED -> EXPIRED -> PARKED         the owner waits for the wake that is on its way
 */
#ifndef TALLY_PARK_WAITER_H_
#define TALLY_PARK_WAITER_H_

#include <tally/atomic.h>

enum tally__waiter_state {
	WAITER_RUNNING,
	WAITER_PARKED,
	WAITER_WOKEN,
	WAITER_EXPIRED,
};

struct tally__task;
struct tally__thread;

struct tally__waiter {
	tally_atomic_u32 state;
	const void *address;        /* what it waits for */
	struct tally__waiter *next; /* in its bucket of the lot, or in a list of those taken out of it */
	struct tally__waiter *previous;
	struct tally__thread *thread; /* who is parked: a task, on this thread */
	struct tally__task *task;
};

/* The owner is about to give up its thread. False: it was woken already and must not. */
static inline bool tally__waiter_park(struct tally__waiter *waiter)
{
	return tally_atomic_u32_compare_and_swap(&waiter->state, WAITER_RUNNING, WAITER_PARKED);
}

/* The owner, whose deadline passed, parks again for a wake that must come. False: it has come. */
static inline bool tally__waiter_park_again(struct tally__waiter *waiter)
{
	return tally_atomic_u32_compare_and_swap(&waiter->state, WAITER_EXPIRED, WAITER_PARKED);
}

/* Its deadline has passed. True: the caller must make it ready. */
static inline bool tally__waiter_expire(struct tally__waiter *waiter)
{
	/* Only its owner's thread acts on that. pairs with nothing: who finds it WOKEN waits for the mail */
	return tally_atomic_u32_compare_and_swap_relaxed(&waiter->state, WAITER_PARKED, WAITER_EXPIRED);
}

/* Wakes it. True: it had parked, and the caller must make it ready, by what it read from the waiter before
 * this call: now the waiter may be gone. */
static inline bool tally__waiter_wake(struct tally__waiter *waiter)
{
	return tally_atomic_u32_swap(&waiter->state, WAITER_WOKEN) == WAITER_PARKED;
}

static inline bool tally__waiter_is_woken(struct tally__waiter *waiter)
{
	return tally_atomic_u32_load(&waiter->state) == WAITER_WOKEN;
}

#endif
