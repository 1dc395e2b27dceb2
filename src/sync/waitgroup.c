/* sync/waitgroup.c - wait groups.
 *
 * Everything is in one word: the count, and how many waiters there are. Waiters lie in the parking lot, under
 * the address of the group. A waiter registers with its bucket locked, in the word and in the lot; the done
 * that brings the count to 0 while there are waiters takes them all out of the lot, and does not touch the
 * group again. A waiter that was let go takes itself out of the word, which is the last touch of the group; so
 * a count of 0 with waiters in the word means that they are about to return, and an add at that time is misuse.
 *
 * The word is only changed by operations that read and write it, so that every done is in the release sequence
 * that the waiters read. What waiters do to it, to register and to leave, is relaxed: the lock of their bucket
 * orders it against the done that looks for them.
 */
#include <errno.h>
#include <limits.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

#include "park/lot.h"
#include "platform/clock.h"
#include "platform/die.h"
#include "platform/plain.h"
#include "platform/race.h"
#include "sched/block.h"
#include "sched/loop.h"
#include "sched/spawn.h"

#define ONE            (UINT64_C(1) << 32) /* in the count */
#define COUNT(state)   ((int32_t)((state) >> 32))
#define WAITERS(state) ((uint32_t)(state))

static _Noreturn void misuse(const char *what, const tally_waitgroup *wg)
{
	tally__die("%s: wait group %p, task %u", what, (const void *)wg, tally_task_id());
}

/* Lets go all that wait, after the count has come to 0. */
static void release(tally_waitgroup *wg)
{
	struct tally__bucket *bucket = tally__lot_lock(wg);
	struct tally__waiter *waiters = tally__lot_take_all(bucket, wg);
	tally__lot_unlock(bucket);
	tally__wake_all(waiters);
}

/* `caller`: whose code it is that does so, for ThreadSanitizer. */
static void add(tally_waitgroup *wg, int32_t n, const void *caller)
{
	uint64_t state = tally_atomic_u64_add(&wg->state_, (uint64_t)(int64_t)n * ONE);
	int64_t count = COUNT(state);
	int64_t before = (int32_t)((uint32_t)count - (uint32_t)n);
	if (before + n != count)
		misuse(n > 0 ? "wait group counter overflow" : "negative wait group counter", wg);
	if (count < 0)
		misuse("negative wait group counter", wg);
	/* The first add must happen before the wait that is meant to see it: they race otherwise. */
	if (before == 0 && n > 0)
		tally__race_reads(wg, caller);
	if (WAITERS(state) == 0)
		return;
	if (before == 0 && n > 0)
		misuse("wait group is reused before previous wait has returned", wg);
	if (count == 0 && n < 0)
		release(wg);
}

void tally_waitgroup_add(tally_waitgroup *wg, int n)
{
	if (n < 0)
		tally__race_release(wg);
	add(wg, n, TALLY__CALLER);
}

void tally_waitgroup_done(tally_waitgroup *wg)
{
	tally__race_release(wg);
	add(wg, -1, NULL);
}

/* For tasks that were started by _go; each has released already. */
void tally__group_done(tally_waitgroup *wg, uint32_t count)
{
	add(wg, -(int32_t)count, NULL);
}

/* Registers the waiter, unless the count is 0 (false). */
static bool enter(tally_waitgroup *wg, struct tally__waiter *waiter, bool *first)
{
	struct tally__bucket *bucket = tally__lot_lock(wg);
	uint64_t state;
	do {
		state = tally_atomic_u64_load(&wg->state_);
		if (COUNT(state) == 0) {
			tally__lot_unlock(bucket);
			return false;
		}
		if (WAITERS(state) == INT32_MAX)
			misuse("too many waiters on a wait group", wg);
		/* The lock publishes the waiter. pairs with waitgroup.c:add */
	} while (!tally_atomic_u64_compare_and_swap_relaxed(&wg->state_, state, state + 1));
	*first = WAITERS(state) == 0;
	tally__lot_add(bucket, waiter);
	tally__lot_unlock(bucket);
	return true;
}

/* The deadline has passed: takes the waiter back, unless the count has come to 0 and its wake is on its way
 * (false). */
static bool leave(tally_waitgroup *wg, struct tally__waiter *waiter)
{
	struct tally__bucket *bucket = tally__lot_lock(wg);
	uint64_t state;
	do {
		/* At 0 the wake brings what the dones did; who gives up is promised nothing. pairs with
		 * waitgroup.c:add */
		state = tally_atomic_u64_load_relaxed(&wg->state_);
		if (COUNT(state) == 0) {
			tally__lot_unlock(bucket);
			return false;
		}
		/* pairs with waitgroup.c:add */
	} while (!tally_atomic_u64_compare_and_swap_relaxed(&wg->state_, state, state - 1));
	tally__lot_remove(bucket, waiter);
	tally__lot_unlock(bucket);
	return true;
}

static int wait(tally_waitgroup *wg, int64_t deadline, const void *caller)
{
	struct tally__waiter waiter;
	if (COUNT(tally_atomic_u64_load(&wg->state_)) != 0) {
		if (deadline != TALLY__FOREVER && tally__clock_now() >= deadline)
			return -ETIMEDOUT;
		tally__block_prepare(&waiter, wg);
		bool first;
		if (enter(wg, &waiter, &first)) {
			/* See `add`. Later waiters would race with the first, and with one whose deadline
			 * passes, the first of those after it. */
			if (first && deadline == TALLY__FOREVER)
				tally__race_writes(wg, caller);
			if (!tally__block(&waiter, deadline)) {
				if (leave(wg, &waiter)) {
					tally__plain_end(&waiter, sizeof(waiter));
					return -ETIMEDOUT;
				}
				tally__block_again(&waiter);
			}
			tally__plain_end(&waiter, sizeof(waiter));
			/* The wake has brought the order; a read and write, as it continues the release
			 * sequence of the dones. pairs with waitgroup.c:add */
			tally_atomic_u64_sub_relaxed(&wg->state_, 1);
		}
	}
	tally__race_acquire(wg);
	return 0;
}

void tally_waitgroup_wait(tally_waitgroup *wg)
{
	(void)wait(wg, TALLY__FOREVER, TALLY__CALLER);
}

int tally_waitgroup_wait_until(tally_waitgroup *wg, int64_t deadline)
{
	return wait(wg, deadline, TALLY__CALLER);
}

void tally_waitgroup_go(tally_waitgroup *wg, void (*fn)(void *), void *arg)
{
	if (fn == NULL)
		misuse("go of a null function", wg);
	add(wg, 1, TALLY__CALLER);
	int error = tally__spawn(fn, arg, wg, TALLY__CALLER);
	if (error != 0)
		tally__spawn_failed(error);
}

void tally_waitgroup_go_n(tally_waitgroup *wg, size_t n, void (*fn)(void *, size_t), void *arg)
{
	if (fn == NULL)
		misuse("go of a null function", wg);
	if (n == 0)
		return;
	if (n > INT32_MAX)
		misuse("wait group counter overflow", wg);
	add(wg, (int32_t)n, TALLY__CALLER);
	int error = tally__spawn_indexed(fn, arg, wg, (uint32_t)n, TALLY__CALLER);
	if (error != 0)
		tally__spawn_failed(error);
}
