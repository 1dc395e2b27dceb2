/* sched/queue.h - the shared queue: tasks that no thread's deque holds, first in, first out. */
#ifndef TALLY_SCHED_QUEUE_H_
#define TALLY_SCHED_QUEUE_H_

#include "sched/task.h"

struct tally__queue {
	struct tally__task *first;
	struct tally__task *last;
	tally_atomic_u64 size;
};

/* For who lists tasks. */
extern struct tally__queue tally__queue;

/* Appends the list of `count` tasks from first to last. */
void tally__queue_put(struct tally__task *first, struct tally__task *last, uint64_t count);

/* Takes the oldest, or NULL. */
struct tally__task *tally__queue_get(void);

/* How many are in it, lately. */
uint64_t tally__queue_size(void);

/* In the child of a fork: it is empty. */
void tally__queue_reset(void);

#endif
