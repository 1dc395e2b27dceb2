/* sched/task.h - what is known of a task, and where that memory comes from.
 *
 * A task that has not started is this and no more: 64 bytes. Once it blocks it also owns a stack, and what
 * is needed to go on lies there (struct tally__frame).
 */
#ifndef TALLY_SCHED_TASK_H_
#define TALLY_SCHED_TASK_H_

#include <tally/waitgroup.h>

#include "platform/exceptions.h"

struct tally__frame;
struct tally__thread;

enum {
	TASK_INDEXED = 1, /* function is call.indexed, for each index in [index, end) */
	TASK_NATIVE = 2,  /* not a task: a plain thread's own code, which may block as tasks do */
	TASK_FORKED = 4,  /* it has forked, and this is the child */
};

struct tally__task {
	union {
		void (*plain)(void *);
		void (*indexed)(void *, size_t);
		void *address; /* of either, to be printed */
	} call;
	void *arg;
	tally_waitgroup *group;     /* told when it is done, or NULL */
	struct tally__task *next;   /* in a list: free, shared queue, ready, yielded, mailbox */
	struct tally__frame *frame; /* where it is blocked, or NULL */
	union {
		void *start; /* until it starts: what its spawner published, in the race build */
		uint64_t id; /* then: its number. A plain thread's own code has 0 */
	};
	uint32_t index;
	uint32_t end;
	uint32_t flags; /* TASK_ */
	uint32_t unused;
};

/* What a blocked task needs to go on. It lies on the blocked stack. */
struct tally__frame {
	void *stack_pointer;
	struct tally__stack *stack; /* that it is on; NULL: the thread's own */
	struct tally__thread *thread;
	const void *waits_for; /* NULL: it yielded */
	struct tally__exceptions exceptions;
	int saved_errno;
	void *race_fiber; /* for ThreadSanitizer */
	void *fake_stack; /* for AddressSanitizer */
};

/* Free descriptors of one thread. */
struct tally__task_cache {
	struct tally__task *first;
	unsigned count;
};

/* A descriptor, not initialized; NULL: there is no memory. */
struct tally__task *tally__task_new(struct tally__task_cache *cache);
void tally__task_free(struct tally__task_cache *cache, struct tally__task *task);

/* Gives all that the cache holds to other threads. */
void tally__task_cache_empty(struct tally__task_cache *cache);

/* In the child of a fork. */
void tally__task_reset(void);

#endif
