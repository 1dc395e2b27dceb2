/* platform/lock.h - a small lock for the library's own slow paths. */
#ifndef TALLY_PLATFORM_LOCK_H_
#define TALLY_PLATFORM_LOCK_H_

#include <tally/atomic.h>

/* Ready when zero. It sleeps on a futex when it has to wait. Not recursive, not fair, and not for holding
 * across anything that may block or switch tasks. Whoever acquires it sees what was done before it was
 * released. The memory may be freed by whoever holds it last: a release does not touch the word after others
 * can have it. */
struct tally__lock {
	/* TALLY__LOCK_FREE    set by release
	 * TALLY__LOCK_HELD    set by acquire: nobody sleeps
	 * TALLY__LOCK_WAITED  set by acquire before it sleeps, and by the one that has slept when it gets the
	 *                     lock, since others may sleep still: held, and the release must wake one */
	tally_atomic_u32 state;
};

enum { TALLY__LOCK_FREE = 0, TALLY__LOCK_HELD = 1, TALLY__LOCK_WAITED = 2 };

/* The rest of acquire and release, when they have to wait or wake. */
void tally__lock_acquire_slow(struct tally__lock *lock);
void tally__lock_release_slow(struct tally__lock *lock);

static inline bool tally__lock_try(struct tally__lock *lock)
{
	/* pairs with lock.h:tally__lock_release */
	return tally_atomic_u32_compare_and_swap_acquire(&lock->state, TALLY__LOCK_FREE, TALLY__LOCK_HELD);
}

static inline void tally__lock_acquire(struct tally__lock *lock)
{
	if (!tally__lock_try(lock))
		tally__lock_acquire_slow(lock);
}

static inline void tally__lock_release(struct tally__lock *lock)
{
	/* pairs with lock.h:tally__lock_try and lock.c:tally__lock_acquire_slow */
	if (tally_atomic_u32_swap_release(&lock->state, TALLY__LOCK_FREE) == TALLY__LOCK_WAITED)
		tally__lock_release_slow(lock);
}

#endif
