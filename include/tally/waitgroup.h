/* tally/waitgroup.h - wait groups: wait until a number of tasks are done, as Go's sync.WaitGroup.
 *
 * A tally_waitgroup holds a count of what is outstanding, 0 when it is all zero bytes. tally_waitgroup_wait
 * blocks while the count is above 0. Tasks and plain threads may use one group together.
 *
 *     tally_waitgroup wg = {0};
 *     for (int i = 0; i < 50; i++)
 *             tally_waitgroup_go(&wg, work, &ops);
 *     tally_waitgroup_wait(&wg);
 *
 * Rules, those of Go:
 * - An _add of a positive number while the count is 0 must happen before the _wait that is meant to see
 *   it: call it before the task starts, not inside the new task. Any other _add may come at any time.
 * - A group may be used again once every _wait of the round before has returned.
 * - Ordering: a _done (and the return of a function started by _go) happens before the return of each _wait
 *   that it lets go.
 * - When every _wait on it has returned, and no _add is to come, the group may be freed or go out of
 *   scope: the _done that let them go does not touch it any more.
 *
 * Misuse ends the program with one of
 *     tally: negative wait group counter ...
 *     tally: wait group counter overflow ...           above 2,147,483,647
 *     tally: too many waiters on a wait group ...      above 2,147,483,647
 *     tally: wait group is reused before previous wait has returned ...
 * followed by the group's address and the task's number.
 *
 * A plain thread in _wait is not idle: it runs tasks of groups that it, or a task that it has started, waits
 * for, and no others. In _wait_until it only sleeps.
 *
 * If every task and thread that could call _done is itself waiting, the program ends with
 *     tally: all tasks are asleep - deadlock!
 * and a list of who waits for what. It is said only where no other thread of the process could act, and not
 * while any wait has a deadline.
 */
#ifndef TALLY_WAITGROUP_H_
#define TALLY_WAITGROUP_H_

#include <tally/atomic.h>

TALLY_BEGIN_DECLS

typedef struct tally_waitgroup {
	/* Bits 63..32: the count. Bits 31..0: waiters registered and not yet returned. Only src/sync changes
	 * it. */
	tally_atomic_u64 state_;
} tally_waitgroup;

/* Adds n, which may be negative, to the count. */
TALLY_API void tally_waitgroup_add(tally_waitgroup *wg, int n);

/* Takes 1 from the count; at 0 every waiter is let go. */
TALLY_API void tally_waitgroup_done(tally_waitgroup *wg);

/* Blocks until the count is 0. */
TALLY_API void tally_waitgroup_wait(tally_waitgroup *wg);

/* Blocks until the count is 0 or the clock reaches `deadline`, in nanoseconds of CLOCK_MONOTONIC. Returns 0,
 * or -ETIMEDOUT if the count is not 0 yet. A deadline in the past asks without blocking. */
TALLY_API int tally_waitgroup_wait_until(tally_waitgroup *wg, int64_t deadline);

/* Adds 1, runs fn(arg) as a new task, and calls done when it has returned. */
TALLY_API void tally_waitgroup_go(tally_waitgroup *wg, void (*fn)(void *), void *arg);

/* Adds n, runs fn(arg, index) for each index with 0 <= index < n, as n tasks, and calls done for each.
 * Cheaper than n calls of _go, in time and in memory: what has not started is one entry. n is at most
 * 2,147,483,647; n = 0 does nothing. */
TALLY_API void tally_waitgroup_go_n(tally_waitgroup *wg, size_t n, void (*fn)(void *, size_t), void *arg);

TALLY_END_DECLS

#endif
