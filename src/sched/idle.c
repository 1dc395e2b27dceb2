/* sched/idle.c - permits, idle workers and the watcher. */
#include "sched/idle.h"

#include <errno.h>

#include "platform/clock.h"
#include "platform/cpus.h"
#include "platform/lock.h"
#include "platform/plain.h"
#include "platform/thread.h"
#include "sched/deadlock.h"
#include "sched/loop.h"
#include "sched/queue.h"
#include "sched/start.h"
#include "sched/stats.h"
#include "sched/timer.h"

#define MOST_WORKERS 1024

/* How long the watcher sleeps at a time, in nanoseconds: at first, and after a while without success. */
#define SHORTEST_DOZE INT64_C(20000)
#define LONGEST_DOZE  INT64_C(1000000)
/* After so long without any task run or found, it sleeps for good. */
#define SILENCE INT64_C(10000000)
/* A permit may be kept so long while others wait for one. */
#define PERMIT_TURN INT64_C(1000000)

tally_atomic_u32 tally__idle_call;
tally_atomic_u32 tally__idle_pressure;

struct list {
	struct tally__thread *first;
	struct tally__thread *last;
};

static struct {
	struct tally__lock lock;
	/* All guarded by the lock. */
	int limit;   /* permits there are; 0: not decided yet */
	bool rough;  /* the limit does not know the quota of the cgroup yet */
	int active;  /* permits given out; for a while more than limit after that was lowered */
	int workers; /* threads started, and being started */
	struct tally__thread *watcher;
	struct list idle;        /* workers asleep, last in, first out */
	struct list for_permits; /* first in, first out */
} pool;

static void list_append(struct list *list, struct tally__thread *thread, uint32_t where)
{
	thread->queued = where;
	thread->queue_next = NULL;
	tally__plain_write(&thread->queue_next, sizeof(thread->queue_next));
	thread->queue_previous = list->last;
	if (list->last != NULL)
		list->last->queue_next = thread;
	else
		list->first = thread;
	list->last = thread;
}

static void list_remove(struct list *list, struct tally__thread *thread)
{
	thread->queued = QUEUED_NOWHERE;
	if (thread->queue_previous != NULL)
		thread->queue_previous->queue_next = thread->queue_next;
	else
		list->first = thread->queue_next;
	if (thread->queue_next != NULL)
		thread->queue_next->queue_previous = thread->queue_previous;
	else
		list->last = thread->queue_previous;
}

/* With the lock held. At first the limit is what costs least to know; to read the quota takes as long as the
 * whole of a small program, so the first worker does that before it looks for work. */
static int limit(void)
{
	if (pool.limit == 0) {
		pool.limit = tally__workers_wanted();
		pool.rough = pool.limit == 0;
		if (pool.rough)
			pool.limit = tally__cpus_in_mask();
		if (pool.limit > MOST_WORKERS)
			pool.limit = MOST_WORKERS;
	}
	return pool.limit;
}

/* With the lock held, whenever something changed: what others must know. */
static void publish(void)
{
	bool call = pool.watcher == NULL && pool.active < limit() &&
		    (pool.idle.last != NULL || pool.workers < limit());
	uint32_t pressure = pool.active > limit()            ? PRESSURE_SURPLUS
			    : pool.for_permits.first != NULL ? PRESSURE_QUEUE
							     : PRESSURE_NONE;
	tally__plain_write(&pool.active, sizeof(pool.active));
	tally_atomic_u32_store(&tally__idle_call, call);
	/* pairs with idle.h:tally__permit_pressure */
	tally_atomic_u32_store_relaxed(&tally__idle_pressure, pressure);
}

static void lock(void)
{
	tally__lock_acquire(&pool.lock);
}

static void unlock(void)
{
	publish();
	tally__lock_release(&pool.lock);
}

/* With the lock held. */
static void take_permit(struct tally__thread *thread)
{
	pool.active++;
	thread->has_permit = true;
	tally__plain_write(&thread->has_permit, sizeof(thread->has_permit));
	/* For thieves. pairs with steal.c:tally__steal_was_worth_it */
	tally_atomic_bool_store_relaxed(&thread->working, true);
}

/* With the lock held. */
static void drop_permit(struct tally__thread *thread)
{
	pool.active--;
	thread->has_permit = false;
	/* pairs with steal.c:tally__steal_was_worth_it */
	tally_atomic_bool_store_relaxed(&thread->working, false);
}

/* With the lock held, for a thread that has just been taken out of its list: what it finds when it is poked. */
static void give_news(struct tally__thread *thread, uint32_t news)
{
	tally_atomic_u32_or(&thread->news, news);
}

/* With the lock held, by the thread itself: news that it has no use for. */
static void forget_news(struct tally__thread *thread, uint32_t news)
{
	/* pairs with idle.c:give_news */
	tally_atomic_u32_and_relaxed(&thread->news, ~news);
}

/* Whether the thread, itself, had this news, which it has no more. What the giver did before is seen. */
static bool take_news(struct tally__thread *thread, uint32_t news)
{
	/* A look: tally__thread_sleep looks again. pairs with idle.c:give_news */
	if (!(tally_atomic_u32_load_relaxed(&thread->news) & news))
		return false;
	tally_atomic_u32_and(&thread->news, ~news);
	tally__plain_read(&thread->has_permit, sizeof(thread->has_permit));
	return true;
}

/* With the lock held: a free permit goes to the first who queues for one; returns it, to be poked. */
static struct tally__thread *grant(void)
{
	struct tally__thread *next = pool.for_permits.first;
	if (next == NULL || pool.active >= limit())
		return NULL;
	list_remove(&pool.for_permits, next);
	take_permit(next);
	give_news(next, NEWS_PERMIT);
	return next;
}

/* With the lock held: the caller's permit goes on to who queues, who is returned. */
static struct tally__thread *give_permit(struct tally__thread *thread)
{
	drop_permit(thread);
	return grant();
}

static void poke(struct tally__thread *thread)
{
	if (thread != NULL)
		tally__thread_poke(thread);
}

/* Sleeps until the permit has come for which the caller has queued. With `or_mail` also until something is in
 * its mailbox: then it leaves the queue, and the answer is false. */
static bool await_permit(struct tally__thread *thread, bool or_mail)
{
	uint32_t wanted = NEWS_PERMIT | (or_mail ? NEWS_MAILBOX : 0);
	while (!take_news(thread, NEWS_PERMIT)) {
		if (or_mail && tally__thread_has_mail(thread)) {
			lock();
			bool left = thread->queued == QUEUED_FOR_PERMIT;
			if (left)
				list_remove(&pool.for_permits, thread);
			unlock();
			if (left)
				return false;
			continue;
		}
		tally__thread_sleep(thread, wanted, THREAD_ASLEEP, TALLY__FOREVER);
	}
	return true;
}

bool tally__permit_wait(struct tally__thread *thread, bool or_mail)
{
	lock();
	bool free = pool.active < limit();
	if (free)
		take_permit(thread);
	else
		list_append(&pool.for_permits, thread, QUEUED_FOR_PERMIT);
	unlock();
	return free || await_permit(thread, or_mail);
}

void tally__permit_release(struct tally__thread *thread)
{
	lock();
	struct tally__thread *next = give_permit(thread);
	unlock();
	poke(next);
}

void tally__permit_share(struct tally__thread *thread, bool strangers)
{
	uint32_t pressure = tally__permit_pressure();
	if (!strangers && pressure == PRESSURE_NONE)
		return;
	if (pressure != PRESSURE_SURPLUS) {
		int64_t now = tally__clock_now();
		if (thread->permit_since == 0)
			thread->permit_since = now;
		if (now - thread->permit_since < PERMIT_TURN)
			return;
	}
	thread->permit_since = 0;
	lock();
	struct tally__thread *next = NULL;
	bool share = pool.for_permits.first != NULL || pool.active > limit();
	if (share) {
		next = give_permit(thread);
	} else if (strangers && pool.idle.last != NULL && pool.active >= limit()) {
		/* For tasks that the caller must not start: the permit goes to a worker. */
		share = true;
		next = pool.idle.last;
		list_remove(&pool.idle, next);
		drop_permit(thread);
		take_permit(next);
		give_news(next, NEWS_PERMIT);
	}
	if (share && thread->worker)
		list_append(&pool.for_permits, thread, QUEUED_FOR_PERMIT);
	unlock();
	poke(next);
	if (share && thread->worker)
		(void)await_permit(thread, false);
}

bool tally__idle_work_is_visible(void)
{
	if (tally__queue_size() != 0)
		return true;
	for (struct tally__thread *thread = tally__thread_first(); thread != NULL;
	     thread = thread->next_registered) {
		tally__plain_read(&thread->next_registered, sizeof(thread->next_registered));
		if (tally__deque_size(&thread->deque) != 0)
			return true;
	}
	return false;
}

/* How many tasks all threads have run. */
static uint64_t runs(void)
{
	uint64_t sum = 0;
	for (struct tally__thread *thread = tally__thread_first(); thread != NULL;
	     thread = thread->next_registered)
		/* Only compared with itself. pairs with loop.c:run */
		sum += tally_atomic_u64_load_relaxed(&thread->runs);
	return sum;
}

/* With the lock held: appoints a watcher if one is needed, and says in *start that it is a new thread. */
static struct tally__thread *appoint(bool *start, int *error)
{
	*start = false;
	if (pool.watcher != NULL || pool.active >= limit())
		return NULL;
	struct tally__thread *worker = pool.idle.last;
	if (worker != NULL) {
		list_remove(&pool.idle, worker);
	} else if (pool.workers < limit()) {
		worker = tally__thread_new_worker();
		if (worker == NULL) {
			*error = -ENOMEM;
			return NULL;
		}
		pool.workers++;
		tally__stats_workers(1);
		*start = true;
	} else {
		return NULL;
	}
	pool.watcher = worker;
	give_news(worker, NEWS_WATCH);
	return worker;
}

/* Without the lock: lets the one that was appointed know. */
static int summon(struct tally__thread *worker, bool start)
{
	if (worker == NULL)
		return 0;
	if (!start) {
		poke(worker);
		return 0;
	}
	int error = tally__thread_start(tally__loop_worker, worker);
	if (error != 0) {
		lock();
		pool.watcher = NULL;
		pool.workers--;
		tally__stats_workers(-1);
		bool none = pool.workers == 0;
		/* Whoever comes next would fail too, and those there are do without. */
		unlock();
		tally__thread_abandon_worker(worker);
		return none ? error : 0;
	}
	return 0;
}

int tally__idle_call_worker(void)
{
	bool start;
	int error = 0;
	lock();
	struct tally__thread *worker = appoint(&start, &error);
	unlock();
	return error != 0 ? error : summon(worker, start);
}

void tally__idle_check(void)
{
	if (tally_atomic_u32_load(&tally__idle_call) != 0 && tally__idle_work_is_visible())
		(void)tally__idle_call_worker();
}

int tally__idle_start(void)
{
	lock();
	bool none = pool.workers == 0;
	unlock();
	return none ? tally__idle_call_worker() : 0;
}

/* What only this worker can do: what was sent to it, or a deadline that has passed. */
static bool has_own_work(struct tally__thread *worker)
{
	return tally__thread_has_mail(worker) || tally__timer_is_due(worker);
}

/* The watcher has found work: takes a permit for it, and leaves the watch to another. */
static bool take_up(struct tally__thread *worker)
{
	bool start = false;
	int error = 0;
	struct tally__thread *next = NULL;
	lock();
	bool free = pool.active < limit();
	if (free) {
		take_permit(worker);
		pool.watcher = NULL;
		next = appoint(&start, &error);
	}
	unlock();
	(void)summon(next, start);
	return free;
}

/* The watcher goes to sleep for good: from now on, who spawns calls. False: there was something, look again. */
static bool end_watch(struct tally__thread *worker)
{
	lock();
	pool.watcher = NULL;
	list_append(&pool.idle, worker, QUEUED_IDLE);
	unlock();
	/* What was pushed by one who did not see the call is seen now. pairs with idle.h:tally__idle_notify */
	tally__heavy_barrier();
	/* This thread has stored it just now, or another since. pairs with idle.c:publish */
	if (tally_atomic_u32_load_relaxed(&tally__idle_call) == 0 || !tally__idle_work_is_visible())
		return true;
	lock();
	bool back = worker->queued == QUEUED_IDLE && pool.watcher == NULL;
	if (back) {
		list_remove(&pool.idle, worker);
		pool.watcher = worker;
	}
	unlock();
	return !back;
}

/* As the watcher. True: with a permit, for work that it saw. False: it is in the idle list now. */
static bool watch(struct tally__thread *worker)
{
	int64_t now = tally__clock_now(), busy = now;
	uint64_t seen = runs();
	/* A worker whose last steal was not worth it lets some time pass before it looks. */
	bool look = worker->doze <= SHORTEST_DOZE;
	if (look)
		worker->doze = SHORTEST_DOZE;
	for (;;) {
		bool full = false;
		if (has_own_work(worker) || (look && tally__idle_work_is_visible())) {
			if (take_up(worker))
				return true;
			full = true;
		}
		look = true;
		uint64_t count = runs();
		if (count != seen)
			busy = now;
		seen = count;
		/* Without a permit to be had there is nothing to watch for: who gives one back looks itself. */
		if ((full || now - busy > SILENCE) && end_watch(worker))
			return false;
		int64_t until = now + worker->doze;
		int64_t timer = tally__timer_first(worker);
		tally__thread_sleep(worker, NEWS_ANY, THREAD_DOZING, timer < until ? timer : until);
		now = tally__clock_now();
		if (worker->doze <= LONGEST_DOZE / 2)
			worker->doze *= 2;
		else if (worker->doze > LONGEST_DOZE)
			worker->doze = LONGEST_DOZE;
	}
}

/* Out of the idle list, or out of the watch that it has just been given, for work of its own. */
static void leave_rest(struct tally__thread *worker)
{
	bool start;
	int error = 0;
	lock();
	if (worker->queued == QUEUED_IDLE)
		list_remove(&pool.idle, worker);
	else if (pool.watcher == worker)
		pool.watcher = NULL;
	forget_news(worker, NEWS_WATCH | NEWS_PERMIT);
	if (!worker->has_permit && pool.active < limit())
		take_permit(worker);
	struct tally__thread *next = appoint(&start, &error);
	unlock();
	(void)summon(next, start);
	if (!worker->has_permit)
		(void)tally__permit_wait(worker, false);
}

void tally__worker_rest(struct tally__thread *worker)
{
	struct tally__thread *next = NULL;
	lock();
	if (worker->has_permit)
		next = give_permit(worker);
	/* A worker that has just been started is the watcher already. */
	bool watching = pool.watcher == NULL || pool.watcher == worker;
	if (watching)
		pool.watcher = worker;
	else
		list_append(&pool.idle, worker, QUEUED_IDLE);
	forget_news(worker, NEWS_WATCH);
	unlock();
	poke(next);
	for (;;) {
		if (watching && watch(worker))
			return;
		watching = false;
		if (take_news(worker, NEWS_PERMIT))
			return;
		if (has_own_work(worker)) {
			leave_rest(worker);
			return;
		}
		if (take_news(worker, NEWS_WATCH)) {
			watching = true;
			continue;
		}
		int64_t timer = tally__timer_first(worker);
		if (timer == TALLY__FOREVER)
			tally__thread_sleep(worker, NEWS_ANY, THREAD_ASLEEP, tally__deadlock_look(worker));
		else
			tally__thread_sleep(worker, NEWS_ANY, THREAD_DOZING, timer);
	}
}

void tally__idle_settle(void)
{
	lock();
	bool rough = limit() != 0 && pool.rough;
	unlock();
	if (!rough)
		return;
	int usable = tally__cpus_usable();
	lock();
	if (pool.rough)
		pool.limit = usable < MOST_WORKERS ? usable : MOST_WORKERS;
	pool.rough = false;
	unlock();
}

int tally__idle_set_limit(int n)
{
	tally__idle_settle();
	lock();
	int before = limit();
	if (n > 0)
		pool.limit = n < MOST_WORKERS ? n : MOST_WORKERS;
	/* More permits may be free now than one. Each is poked before the lock is given back: a thread that has
	 * its permit may queue again at once, so none can be remembered in a list. */
	struct tally__thread *next;
	while ((next = grant()) != NULL)
		poke(next);
	unlock();
	tally__idle_check();
	return before;
}

bool tally__idle_is_quiet(void)
{
	lock();
	bool quiet = pool.active == 0 && pool.watcher == NULL && pool.for_permits.first == NULL;
	unlock();
	return quiet && !tally__idle_work_is_visible();
}

void tally__idle_reset(void)
{
	pool.lock = (struct tally__lock){0};
	struct tally__thread *self = tally__thread_self();
	pool.active = self != NULL && self->has_permit;
	pool.workers = 0;
	pool.watcher = NULL;
	pool.idle = pool.for_permits = (struct list){0};
	/* Not before anybody has asked for the number: the child may still set it. */
	if (pool.limit != 0)
		publish();
}
