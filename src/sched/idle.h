/* sched/idle.h - how many tasks may run at once, which workers sleep, and how they are woken.
 *
 * A thread needs a permit while it runs tasks; there are tally_set_workers() of them. One that lacks a permit
 * for a task that only it can run (it was started there) queues for one.
 *
 * Waking a thread costs more than hundreds of small tasks, so who spawns wakes nobody as long as some
 * idle worker is the watcher: it sleeps for tens of microseconds at a time, looks whether there is work
 * and a permit for it, takes both, and lets another worker watch. Only after a while of silence does the
 * last watcher sleep for good; then, and only then, the next spawn must call one (`call`).
 */
#ifndef TALLY_SCHED_IDLE_H_
#define TALLY_SCHED_IDLE_H_

#include "sched/thread.h"

/* 1 while nobody watches though a task could be run at once: who makes work visible must call a worker. */
extern tally_atomic_u32 tally__idle_call;
/* Whether who has a permit should give it up. */
enum {
	PRESSURE_NONE,
	PRESSURE_QUEUE,   /* threads queue for permits: after a while */
	PRESSURE_SURPLUS, /* more permits are out than there should be: at once */
};
extern tally_atomic_u32 tally__idle_pressure;

/* A hint: what it leads to is decided with the lock held. Whoever was told of a smaller number of workers sees
 * that. */
static inline uint32_t tally__permit_pressure(void)
{
	/* pairs with idle.c:publish */
	return tally_atomic_u32_load_relaxed(&tally__idle_pressure);
}

/* Calls a worker that will look for work. It may have to be started: 0, or -EAGAIN if the system refuses and
 * there is none, -ENOMEM. */
int tally__idle_call_worker(void);

/* Work has become visible, by a sequentially consistent operation, or by a release where the heavy barrier of
 * idle.c:end_watch stands in for that. */
static inline void tally__idle_notify(void)
{
	if (tally_atomic_u32_load(&tally__idle_call) != 0)
		(void)tally__idle_call_worker();
}

/* Calls a worker if there is work that nobody looks after. For who stops looking after its own. */
void tally__idle_check(void);

/* Makes sure that at least one worker exists. 0, -EAGAIN or -ENOMEM. */
int tally__idle_start(void);

/* Takes a permit, or queues and sleeps until one has come. With `or_mail`: or until something is in the
 * mailbox; then the answer is false. */
bool tally__permit_wait(struct tally__thread *thread, bool or_mail);
void tally__permit_release(struct tally__thread *thread);
/* Lets others have the permit for a while if it is surplus or the caller has had it for long: those who queue;
 * with `strangers`, workers too, for tasks that the caller must not start. A worker returns with a permit. A
 * plain thread may return without one: it does not need one for its own code, and looks whether that can go on.
 */
void tally__permit_share(struct tally__thread *thread, bool strangers);

/* Whether there is a task that any worker could start. */
bool tally__idle_work_is_visible(void);

/* A worker found nothing: gives up its permit and sleeps until there may be something that it can do. Returns
 * with a permit. */
void tally__worker_rest(struct tally__thread *worker);

/* Finds out what the limit is where nobody has said it. The first worker's first call. */
void tally__idle_settle(void);

/* tally_set_workers. */
int tally__idle_set_limit(int limit);

/* Nobody runs tasks, watches or queues for a permit, and no task is queued. */
bool tally__idle_is_quiet(void);

void tally__idle_reset(void);

#endif
