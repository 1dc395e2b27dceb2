/* sched/deadlock.c - every thread of the process sleeps in the runtime, and none has a deadline.
 *
 * Then only a waiter could wake a waiter. Any other thread of the process, known to the runtime or not, might
 * still act, so there must be none: the kernel's count of threads is compared with the sleepers.
 */
#include "sched/deadlock.h"

#include <stddef.h>

#include "park/lot.h"
#include "platform/clock.h"
#include "platform/die.h"
#include "platform/plain.h"
#include "platform/thread.h"
#include "sched/dump.h"
#include "sched/idle.h"
#include "sched/thread.h"

/* A thread that is just ending is counted by the kernel for some time yet, and any other may end one day
 * without a word to us. So look again, after pauses that double from the first one LONGEST times: at last every
 * 5 s. */
#define LONGEST     8
#define FIRST_PAUSE INT64_C(20000000)

/* One thread at a time is the one that looks again, most often. It is only a name, and all operations on it are
 * relaxed: where two put in their names at once, the one whose name is lost finds the other's at its
 * deadline. */
static tally_atomic_ptr looker;

static void *the_looker(void)
{
	/* pairs with deadlock.c:set_looker */
	return tally_atomic_ptr_load_relaxed(&looker);
}

static void set_looker(struct tally__thread *thread)
{
	/* pairs with deadlock.c:the_looker */
	tally_atomic_ptr_store_relaxed(&looker, thread);
}

/* How many other threads sleep without a deadline and have no news. *sleeps: of all threads, ever. */
static int count_asleep(const struct tally__thread *self, uint64_t *sleeps)
{
	int count = 0;
	*sleeps = 0;
	for (struct tally__thread *thread = tally__thread_first(); thread != NULL;
	     thread = thread->next_registered)
		count += tally__thread_is_asleep(thread, sleeps) && thread != self;
	return count;
}

bool tally__deadlock_all_asleep(const struct tally__thread *self)
{
	/* Two looks, between which nobody has begun a sleep: who sleeps at the second slept at the first. So if
	 * those are all threads that there were between, there was a moment when all slept. What they, and
	 * those that have ended, had sent before would be seen by the second. */
	uint64_t sleeps, sleeps_again;
	int asleep = count_asleep(self, &sleeps);
	return asleep + 1 == tally__thread_count() && count_asleep(self, &sleeps_again) == asleep &&
	       sleeps_again == sleeps;
}

static bool somebody_waits(void)
{
	for (size_t i = 0; i < TALLY__LOT_BUCKETS; i++) {
		tally__lock_acquire(&tally__lot[i].lock);
		tally__plain_read(&tally__lot[i].first, sizeof(tally__lot[i].first));
		bool waits = tally__lot[i].first != NULL;
		tally__lock_release(&tally__lot[i].lock);
		if (waits)
			return true;
	}
	return false;
}

/* The thread sleeps for good, so it must not be taken for the one that will look again. */
static int64_t resign(struct tally__thread *thread)
{
	if (the_looker() == thread)
		set_looker(NULL);
	return TALLY__FOREVER;
}

int64_t tally__deadlock_look(struct tally__thread *thread)
{
	if (!tally__idle_is_quiet())
		return resign(thread);
	if (tally__deadlock_all_asleep(thread)) {
		/* Asked afterwards: who waited before may have been woken meanwhile. */
		if (!somebody_waits())
			return resign(thread);
		/* Whoever sent the caller something may have ended since, and is not counted any more. */
		if (tally__thread_has_news(thread))
			return resign(thread);
		tally__warn("all tasks are asleep - deadlock!");
		tally__dump_waiters(TALLY__STANDARD_ERROR);
		tally__die("%s", "nothing is left that could wake them");
	}
	/* The one before may have been woken for something better, and sleep for good: then it has taken its
	 * name back before. */
	struct tally__thread *other = the_looker();
	if (other != thread && other != NULL &&
	    (tally_atomic_u32_load(&other->event) & THREAD_STATE) == THREAD_ASLEEP && the_looker() == other)
		return TALLY__FOREVER;
	if (other != thread) {
		set_looker(thread);
		thread->looks = 0;
	}
	int64_t pause = FIRST_PAUSE << thread->looks;
	if (thread->looks < LONGEST)
		thread->looks++;
	else if (!somebody_waits())
		return resign(thread);
	return tally__clock_now() + pause;
}
