/* sched/block.h - block the caller, task or plain thread, and wake one that is blocked.
 *
 *     tally__block_prepare(&waiter, object);
 *     ... put the waiter where a waker finds it, unless there is nothing to wait for ...
 *     if (!tally__block(&waiter, deadline))
 *             ... take it back; if a waker has it already: tally__block_again(&waiter) ...
 */
#ifndef TALLY_SCHED_BLOCK_H_
#define TALLY_SCHED_BLOCK_H_

#include "park/waiter.h"

/* Fills in a waiter for the caller. Ends the program if there is no memory for what the runtime keeps of a
 * thread. */
void tally__block_prepare(struct tally__waiter *waiter, const void *address);

/* Blocks until the waiter is woken (true) or the deadline has passed (false). A plain thread without a deadline
 * works meanwhile, on tasks of groups that are awaited on it. */
bool tally__block(struct tally__waiter *waiter, int64_t deadline);

/* After a false tally__block: blocks until the wake that is on its way has come. */
void tally__block_again(struct tally__waiter *waiter);

/* Wakes a list of waiters linked by `next`. They are gone afterwards. */
void tally__wake_all(struct tally__waiter *first);

#endif
