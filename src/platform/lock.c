/* The small lock, where it has to wait. */
#include "platform/lock.h"

#include "platform/clock.h"
#include "platform/cpus.h"
#include "platform/futex.h"

#ifndef TALLY__LOCK_SPINS
#define TALLY__LOCK_SPINS 100 /* a few microseconds: longer than the lock is held, shorter than a sleep */
#endif

void tally__lock_acquire_slow(struct tally__lock *lock)
{
	for (int i = 0; i < TALLY__LOCK_SPINS; i++) {
		/* Only a hint to try. pairs with lock.h:tally__lock_release */
		if (tally_atomic_u32_load_relaxed(&lock->state) == TALLY__LOCK_FREE && tally__lock_try(lock))
			return;
		tally__cpu_relax();
	}
	/* If the swap finds it free we hold it, marked WAITED though perhaps nobody sleeps: that costs one idle
	 * wake. If not, the holder's release will find the mark and wake, or the wait finds the word changed.
	 * pairs with lock.h:tally__lock_release */
	while (tally_atomic_u32_swap_acquire(&lock->state, TALLY__LOCK_WAITED) != TALLY__LOCK_FREE)
		tally__futex_wait(&lock->state, TALLY__LOCK_WAITED, TALLY__FOREVER);
}

void tally__lock_release_slow(struct tally__lock *lock)
{
	tally__futex_wake(&lock->state, 1);
}
