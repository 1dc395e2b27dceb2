/* sched/loop.h - what a thread does with tasks: take one, run it, go on.
 *
 * A task that has not started is called like a function, on the stack of the loop. If it blocks, it keeps that
 * stack, and the loop begins anew on another; so only what blocks needs a stack of its own. When a blocked
 * task is to go on, the loop gives up the stack that it is on, on which nothing lies but itself.
 */
#ifndef TALLY_SCHED_LOOP_H_
#define TALLY_SCHED_LOOP_H_

#include "sched/thread.h"

/* A worker's life; its struct tally__thread is the argument. */
void tally__loop_worker(void *thread);

/* Leaves the caller's stack, for as long as nobody has made the caller (thread->current, or thread->native
 * where that is NULL) ready, and runs other tasks meanwhile. waits_for: what to tell who lists tasks. */
void tally__loop_suspend(struct tally__thread *thread, const void *waits_for);

/* Tells the group of tasks that have ended, if that was put off. */
void tally__loop_flush_done(struct tally__thread *thread);

/* Defined where wait groups are (src/sync): `count` tasks of the group are done. */
void tally__group_done(tally_waitgroup *group, uint32_t count);

#endif
