/* sched/steal.h - a worker takes tasks from other threads' deques. */
#ifndef TALLY_SCHED_STEAL_H_
#define TALLY_SCHED_STEAL_H_

#include "sched/thread.h"

/* Takes some tasks of another thread: returns one, and queues the others with the worker. NULL: there are none.
 */
struct tally__task *tally__steal(struct tally__thread *worker);

/* The worker has done what it stole. False: it was not worth it, and the worker should rest before it steals
 * again (for worker->doze). */
bool tally__steal_was_worth_it(struct tally__thread *worker);

#endif
