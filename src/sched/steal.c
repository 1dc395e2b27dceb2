/* sched/steal.c - stealing, and when not to.
 *
 * A thief makes its victim slower: the lines that they share move between their processors. That pays where
 * a stolen task lasts longer than the move; tasks of ten nanoseconds are done faster by their owner alone. So a
 * worker looks at what its last theft was worth, in time per stolen task (with all that those tasks spawned),
 * and lets a busy victim be, for longer and longer, while it is worth little.
 */
#include "sched/steal.h"

#include "platform/clock.h"
#include "sched/idle.h"
#include "sched/queue.h"
#include "sched/stats.h"

#define MOST_AT_ONCE 32
#define WORTH        INT64_C(500)     /* nanoseconds for each stolen task */
#define LONGEST_REST INT64_C(1000000) /* nanoseconds */
#define FIRST_REST   INT64_C(40000)

static uint64_t bottom_of(struct tally__thread *thread)
{
	/* A hint of whether its owner is at it. pairs with deque.c:tally__deque_push */
	return tally_atomic_u64_load_relaxed(&thread->deque.bottom);
}

static struct tally__task *steal_from(struct tally__thread *worker, struct tally__thread *victim)
{
	uint64_t size = tally__deque_size(&victim->deque);
	if (size == 0)
		return NULL;
	struct tally__task *first = tally__deque_steal(&victim->deque);
	if (first == NULL)
		return NULL;
	uint64_t want = size / 2 < MOST_AT_ONCE ? size / 2 : MOST_AT_ONCE;
	uint32_t count = 1;
	while (count < want) {
		struct tally__task *task = tally__deque_steal(&victim->deque);
		if (task == NULL)
			break;
		if (tally__deque_push(&worker->deque, task, worker->full_barrier) != 0) {
			/* No memory to queue it: the shared queue needs none. */
			tally__queue_put(task, task, 1);
			break;
		}
		count++;
	}
	worker->victim = victim;
	worker->victim_bottom = bottom_of(victim);
	worker->stolen = count;
	worker->stolen_at = tally__clock_now();
	tally__stats_stolen(count);
	if (count > 1)
		tally__idle_notify();
	return first;
}

struct tally__task *tally__steal(struct tally__thread *worker)
{
	/* Once around the registry, from the one after the last victim. */
	struct tally__thread *start = worker->victim != NULL ? worker->victim->next_registered : NULL;
	if (start == NULL)
		start = tally__thread_first();
	struct tally__thread *victim = start;
	do {
		struct tally__task *task = victim != worker ? steal_from(worker, victim) : NULL;
		if (task != NULL)
			return task;
		victim = victim->next_registered != NULL ? victim->next_registered : tally__thread_first();
	} while (victim != start);
	return NULL;
}

bool tally__steal_was_worth_it(struct tally__thread *worker)
{
	if (worker->stolen == 0)
		return true;
	int64_t each = (tally__clock_now() - worker->stolen_at) / worker->stolen;
	worker->stolen = 0;
	/* pairs with idle.c:take_permit */
	bool busy = tally_atomic_bool_load_relaxed(&worker->victim->working) ||
		    bottom_of(worker->victim) != worker->victim_bottom;
	if (each >= WORTH || !busy) {
		worker->doze = 0;
		return true;
	}
	worker->doze = worker->doze < FIRST_REST ? FIRST_REST : 2 * worker->doze;
	if (worker->doze > LONGEST_REST)
		worker->doze = LONGEST_REST;
	return false;
}
