/* sched/timer.h - the deadlines of the tasks that are blocked on one thread: a pairing heap.
 *
 * The nodes lie on the blocked stacks. Only the thread that owns the heap touches it.
 */
#ifndef TALLY_SCHED_TIMER_H_
#define TALLY_SCHED_TIMER_H_

#include <tally/base.h>

struct tally__thread;
struct tally__waiter;

struct tally__timer {
	int64_t deadline;
	struct tally__waiter *waiter;
	struct tally__timer *child;    /* first of those that are not earlier */
	struct tally__timer *sibling;  /* next with the same parent */
	struct tally__timer *previous; /* the sibling before it, or the parent of a first child */
};

void tally__timer_add(struct tally__thread *thread, struct tally__timer *timer);
void tally__timer_remove(struct tally__thread *thread, struct tally__timer *timer);

/* The earliest deadline, or TALLY__FOREVER. */
int64_t tally__timer_first(const struct tally__thread *thread);
bool tally__timer_is_due(const struct tally__thread *thread);

/* Makes the tasks ready whose deadlines have passed. */
void tally__timer_run(struct tally__thread *thread);

#endif
