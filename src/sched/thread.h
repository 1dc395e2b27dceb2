/* sched/thread.h - what the runtime keeps of each thread that runs, spawns or waits.
 *
 * Two kinds: workers, which the runtime starts and which run tasks for ever, and the program's own plain
 * threads, main among them. A plain thread queues what it spawns in a deque of its own, and works on it
 * while it waits (tally/waitgroup.h).
 *
 * The memory is never freed; that of a thread that has ended serves the next one. So it may be looked at, and
 * poked, at any time.
 */
#ifndef TALLY_SCHED_THREAD_H_
#define TALLY_SCHED_THREAD_H_

#include "park/waiter.h"
#include "platform/local.h"
#include "sched/awaited.h"
#include "sched/deque.h"
#include "sched/stack.h"
#include "sched/task.h"

/* A thread's futex word `event`: in its lower bits THREAD_AWAKE or how it sleeps, and above them how often it
 * has slept, so that who looks twice and finds the same knows that it has not been awake between. All of it is
 * set by the thread, before it sleeps and after; whoever wakes it sets only THREAD_AWAKE, before that. */
enum {
	THREAD_AWAKE,
	THREAD_DOZING, /* until some time */
	THREAD_ASLEEP, /* until it is woken */
	THREAD_STATE = 3,
	THREAD_ONE_SLEEP = 4,
};

/* What others have for a thread, in its word `news`. */
enum {
	NEWS_PERMIT = 1,  /* it has been given a permit */
	NEWS_WATCH = 2,   /* it is the watcher now (worker) */
	NEWS_MAILBOX = 4, /* for tally__thread_sleep only: something is in the mailbox */
	NEWS_ANY = 7,
};

struct tally__thread {
	/* For the thread itself. */
	struct tally__task *current;      /* the task that runs; NULL: its own code, or the loop's */
	struct tally__stack *stack;       /* the stack that it is on; NULL: its own */
	struct tally__task *ready;        /* woken: last in, first out */
	struct tally__task *woken_before; /* those of them that have waited for long, in the same order */
	struct tally__task *yielded_first;
	struct tally__task *yielded_last;
	tally_waitgroup *done_group; /* done_count tasks of this group are done, and it was not told yet */
	uint32_t done_count;
	uint32_t ticks;        /* picks so far */
	uint64_t next_task_id; /* of a block of numbers */
	int64_t permit_since;  /* when it first saw that others wait for its permit; 0: not yet */
	struct tally__task_cache tasks;
	struct tally__stack_cache stacks;
	struct tally__task *handed; /* a task for the loop that is just being started */
	struct tally__timer *timers;
	void *abandoned;    /* a context nobody will resume */
	void *signal_stack; /* memory for handlers, kept for the next owner */
	uint32_t looks;     /* for a deadlock, so far */
	uint32_t sleeps;    /* so far, of all owners */
	uint32_t number;    /* the system's, for debuggers */
	bool watched;       /* signal_stack is in use */
	bool worker;
	bool may_spawn;    /* there is at least one worker */
	bool full_barrier; /* a push needs a full barrier: there is no heavy one that would do */
	bool has_permit;
	struct tally__exceptions *exceptions; /* the C++ runtime's, of this thread; or NULL */
	struct tally__task native;            /* its own code, when that blocks */
	const void *own_stack_bottom;         /* for AddressSanitizer */
	size_t own_stack_size;

	/* In the race build. */
	void *race_fiber;              /* that of its own code and of the loop */
	bool locals_marked;            /* as no shared data */
	struct tally__fiber *entering; /* for the code that begins on its stack */

	/* The groups that this plain thread, or tasks that it has started, wait for: sched/awaited.h. */
	struct tally__awaited awaited[TALLY__AWAITED_ENTRIES];

	/* For the worker that steals: sched/steal.c. */
	struct tally__thread *victim;
	uint64_t victim_bottom;
	uint32_t stolen;
	int64_t stolen_at;
	int64_t doze; /* how long it sleeps before it looks for work again, in nanoseconds */

	/* Guarded by the lock of sched/idle.c. */
	struct tally__thread *queue_next; /* in the idle list or the queue for permits */
	struct tally__thread *queue_previous;
	uint32_t queued; /* QUEUED_ */

	/* Written by others, or read by them often: on lines of their own. */
	struct tally__deque deque __attribute__((aligned(64)));
	tally_atomic_u64 runs __attribute__((aligned(64))); /* tasks that it has run; it alone writes it */
	tally_atomic_ptr running;                           /* what `current` is, for who lists tasks */
	tally_atomic_ptr waits_for;                         /* what its own code waits for, likewise */
	tally_atomic_bool working;                          /* it has a permit */
	tally_atomic_bool in_use;
	tally_atomic_bool switching; /* it leaves its stack: sched/leak.h; only where LeakSanitizer is there */
	tally_atomic_ptr mailbox __attribute__((aligned(64))); /* tasks that others made ready: last first */
	tally_atomic_u32 event;
	tally_atomic_u32 news;
	struct tally__thread *next_registered;
};

enum {
	QUEUED_NOWHERE,
	QUEUED_IDLE,
	QUEUED_FOR_PERMIT,
};

/* The calling thread's, or NULL if it has none yet. */
static inline struct tally__thread *tally__thread_self(void)
{
	return tally__local_get();
}

/* The calling thread's, made if need be. NULL: there is no memory. */
struct tally__thread *tally__thread_attach(void);

/* Memory for a worker that is about to be started, and the worker's first call. */
struct tally__thread *tally__thread_new_worker(void);
void tally__thread_begin_worker(struct tally__thread *thread);
void tally__thread_abandon_worker(struct tally__thread *thread);

/* The list of all registered threads, linked by next_registered; it only grows. */
extern tally_atomic_ptr tally__threads;

/* The first of them. Async-signal-safe. */
struct tally__thread *tally__thread_first(void);

/* Puts a task into another thread's mailbox, and wakes the thread if it sleeps. */
void tally__thread_send(struct tally__thread *thread, struct tally__task *task);

/* Wakes a thread that sleeps. What it is to find must be in its mailbox or news already. */
void tally__thread_poke(struct tally__thread *thread);

/* Something is there that would wake it. */
bool tally__thread_has_news(const struct tally__thread *thread);

/* It sleeps without a deadline, and nothing is there that would wake it. How often it has slept is added to
 * *sleeps. */
bool tally__thread_is_asleep(const struct tally__thread *thread, uint64_t *sleeps);

/* Sleeps as `how` until there is some of the news wanted, or until the deadline. May return early. */
void tally__thread_sleep(struct tally__thread *thread, uint32_t wanted, uint32_t how, int64_t deadline);

/* A look at the own mailbox: what it misses, open_mailbox or the look before a sleep finds. */
static inline bool tally__thread_has_mail(const struct tally__thread *thread)
{
	/* pairs with thread.c:tally__thread_send */
	return tally_atomic_ptr_load_relaxed(&thread->mailbox) != NULL;
}

/* Moves the mailbox into the list of ready tasks. */
void tally__thread_open_mailbox(struct tally__thread *thread);

/* In the child of a fork: only the calling thread is left. */
void tally__thread_reset(void);

#endif
