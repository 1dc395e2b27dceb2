/* sched/block.c - blocking, waking, yielding. */
#include "sched/block.h"

#include <tally/task.h>

#include "platform/clock.h"
#include "platform/die.h"
#include "platform/plain.h"
#include "platform/thread.h"
#include "sched/deadlock.h"
#include "sched/loop.h"
#include "sched/overflow.h"
#include "sched/stats.h"
#include "sched/timer.h"

void tally__block_prepare(struct tally__waiter *waiter, const void *address)
{
	struct tally__thread *thread = tally__thread_attach();
	if (thread == NULL)
		tally__die("no memory for a thread that waits for %p", address);
	tally__plain_write(waiter, sizeof(*waiter));
	/* Nobody knows it yet: the lock of its bucket publishes it. pairs with
	 * park/waiter.h:tally__waiter_wake */
	tally_atomic_u32_store_relaxed(&waiter->state, WAITER_RUNNING);
	waiter->address = address;
	waiter->thread = thread;
	waiter->task = thread->current != NULL ? thread->current : &thread->native;
}

/* A plain thread that has nothing to run, or must give up in time: it only sleeps. */
static bool sleep_plain(struct tally__thread *thread, struct tally__waiter *waiter, int64_t deadline)
{
	if (!tally__waiter_park(waiter))
		return true;
	for (;;) {
		if (tally__thread_has_mail(thread))
			tally__thread_open_mailbox(thread);
		if (thread->ready == &thread->native) {
			thread->ready = thread->native.next;
			return true;
		}
		if (deadline == TALLY__FOREVER) {
			tally__thread_sleep(thread, NEWS_MAILBOX, THREAD_ASLEEP, tally__deadlock_look(thread));
			continue;
		}
		if (tally__clock_now() < deadline) {
			tally__thread_sleep(thread, NEWS_MAILBOX, THREAD_DOZING, deadline);
			continue;
		}
		if (tally__waiter_expire(waiter))
			return false;
		/* It was woken before that, and the mail is on its way. */
		tally__thread_sleep(thread, NEWS_MAILBOX, THREAD_ASLEEP, TALLY__FOREVER);
	}
}

/* A plain thread that works while it waits, or a task. */
static void suspend(struct tally__thread *thread, struct tally__waiter *waiter, bool may_work)
{
	bool remembered = may_work && !thread->worker && tally__awaited_add(thread->awaited, waiter->address);
	if (tally__waiter_park(waiter))
		tally__loop_suspend(thread, waiter->address);
	if (remembered)
		tally__awaited_remove(thread->awaited, waiter->address);
}

static bool block_plain(struct tally__thread *thread, struct tally__waiter *waiter, int64_t deadline)
{
	bool woken = true;
	/* For who lists tasks. pairs with dump.c:list_running */
	tally_atomic_ptr_store_relaxed(&thread->waits_for, (void *)(uintptr_t)waiter->address);
	/* When a plain thread is back in its own code, no task that was started on it is left. */
	if (deadline != TALLY__FOREVER || tally__deque_size(&thread->deque) == 0) {
		woken = sleep_plain(thread, waiter, deadline);
	} else {
		tally__overflow_watch(thread);
		suspend(thread, waiter, true);
	}
	/* pairs with dump.c:list_running */
	tally_atomic_ptr_store_relaxed(&thread->waits_for, NULL);
	return woken;
}

bool tally__block(struct tally__waiter *waiter, int64_t deadline)
{
	struct tally__thread *thread = waiter->thread;
	if (thread->current == NULL)
		return block_plain(thread, waiter, deadline);
	tally__stats_parked();
	if (deadline == TALLY__FOREVER) {
		suspend(thread, waiter, true);
		return true;
	}
	struct tally__timer timer = {.deadline = deadline, .waiter = waiter};
	tally__timer_add(thread, &timer);
	suspend(thread, waiter, false);
	if (timer.waiter != NULL)
		tally__timer_remove(thread, &timer);
	return tally__waiter_is_woken(waiter);
}

void tally__block_again(struct tally__waiter *waiter)
{
	struct tally__thread *thread = waiter->thread;
	if (!tally__waiter_park_again(waiter))
		return;
	if (thread->current != NULL) {
		tally__loop_suspend(thread, waiter->address);
		return;
	}
	while (thread->ready != &thread->native) {
		tally__thread_sleep(thread, NEWS_MAILBOX, THREAD_ASLEEP, TALLY__FOREVER);
		tally__thread_open_mailbox(thread);
	}
	thread->ready = thread->native.next;
}

void tally__wake_all(struct tally__waiter *first)
{
	struct tally__thread *self = tally__thread_self();
	struct tally__waiter *next;
	for (struct tally__waiter *waiter = first; waiter != NULL; waiter = next) {
		tally__plain_read(waiter, sizeof(*waiter));
		next = waiter->next;
		struct tally__thread *thread = waiter->thread;
		struct tally__task *task = waiter->task;
		if (!tally__waiter_wake(waiter))
			continue;
		if (!(task->flags & TASK_NATIVE))
			tally__stats_woken();
		if (thread != self) {
			tally__thread_send(thread, task);
			continue;
		}
		task->next = thread->ready;
		thread->ready = task;
	}
}

void tally_yield(void)
{
	struct tally__thread *thread = tally__thread_self();
	if (thread == NULL || thread->current == NULL) {
		tally__thread_yield();
		return;
	}
	struct tally__task *task = thread->current;
	task->next = NULL;
	if (thread->yielded_first != NULL)
		thread->yielded_last->next = task;
	else
		thread->yielded_first = task;
	thread->yielded_last = task;
	tally__loop_suspend(thread, NULL);
}

uint64_t tally_task_id(void)
{
	struct tally__thread *thread = tally__thread_self();
	return thread != NULL && thread->current != NULL ? thread->current->id : 0;
}
