/* sched/thread.c - the registry of threads, their mailboxes and their sleep. */
#include "sched/thread.h"

#include <string.h>

#include "platform/cpus.h"
#include "platform/die.h"
#include "platform/futex.h"
#include "platform/lock.h"
#include "platform/pages.h"
#include "platform/plain.h"
#include "platform/race.h"
#include "platform/sanitizer.h"
#include "platform/signals.h"
#include "platform/thread.h"
#include "sched/idle.h"
#include "sched/queue.h"

#define FIRST_CAPACITY 256 /* of a deque: it fits the page of its thread */

tally_atomic_ptr tally__threads;

static struct tally__lock registry; /* for finding a free one */

struct tally__thread *tally__thread_first(void)
{
	return tally_atomic_ptr_load(&tally__threads);
}

/* A thread's memory, from one that has ended or fresh. */
static struct tally__thread *take(void)
{
	struct tally__thread *thread;
	tally__lock_acquire(&registry);
	for (thread = tally__thread_first(); thread != NULL; thread = thread->next_registered) {
		if (!tally_atomic_bool_load(&thread->in_use))
			break;
	}
	if (thread == NULL) {
		size_t head = (sizeof(*thread) + 63) / 64 * 64;
		thread = tally__pages_map(head + tally__deque_buffer_size(FIRST_CAPACITY));
		if (thread != NULL) {
			tally__deque_start(&thread->deque, (char *)thread + head, FIRST_CAPACITY);
			thread->next_registered = tally__thread_first();
			tally__plain_write(&thread->next_registered, sizeof(thread->next_registered));
			tally_atomic_ptr_store(&tally__threads, thread);
		}
	}
	if (thread != NULL)
		/* The lock orders it against others that look for a free one. pairs with thread.c:take */
		tally_atomic_bool_store_relaxed(&thread->in_use, true);
	tally__lock_release(&registry);
	return thread;
}

/* What a new owner must not find. Caches, the deque's buffer and the counts stay. */
static void clean(struct tally__thread *thread)
{
	tally__race_ignore_begin();
	thread->current = NULL;
	tally__plain_write(&thread->current, sizeof(thread->current));
	thread->stack = NULL;
	thread->ready = thread->woken_before = thread->yielded_first = thread->yielded_last = NULL;
	thread->done_group = NULL;
	thread->done_count = 0;
	thread->handed = NULL;
	memset(thread->awaited, 0, sizeof(thread->awaited));
	thread->timers = NULL;
	thread->worker = thread->may_spawn = thread->has_permit = false;
	thread->own_stack_bottom = NULL;
	thread->locals_marked = false;
	thread->permit_since = 0;
	thread->looks = 0;
	thread->watched = false;
	thread->victim = NULL;
	thread->stolen = 0;
	thread->full_barrier = true;
	thread->doze = 0;
	memset(&thread->native, 0, sizeof(thread->native));
	thread->native.flags = TASK_NATIVE;
	/* Nobody has news for who is in no list. pairs with idle.c:give_news */
	tally_atomic_u32_store_relaxed(&thread->news, 0);
	tally__race_ignore_end();
}

/* The thread ends. What it has queued is for others. */
static void detach(void *arg)
{
	struct tally__thread *thread = arg;
	if (thread->current != NULL) {
		/* We are back on the thread's own stack, by a jump that AddressSanitizer does not know of. */
		if (thread->own_stack_bottom != NULL)
			tally__stack_forget((void *)(uintptr_t)thread->own_stack_bottom,
					    (char *)(uintptr_t)thread->own_stack_bottom +
						    thread->own_stack_size);
		tally__die("task %u ended its thread: a task ends by returning, not by pthread_exit or "
			   "cancellation",
			   thread->current->id);
	}
	struct tally__task *task;
	while ((task = tally__deque_take(&thread->deque)) != NULL)
		tally__queue_put(task, task, 1);
	tally__task_cache_empty(&thread->tasks);
	tally__stack_cache_trim(&thread->stacks, 0);
	tally__idle_check();
	if (thread->watched)
		tally__signal_stack_remove(thread->signal_stack);
	tally__local_set(NULL);
	tally__plain_write(&thread->current, sizeof(thread->current));
	tally_atomic_bool_store(&thread->in_use, false);
}

struct tally__thread *tally__thread_attach(void)
{
	struct tally__thread *thread = tally__thread_self();
	if (thread != NULL)
		return thread;
	thread = take();
	if (thread == NULL)
		return NULL;
	clean(thread);
	thread->race_fiber = tally__race_current();
	thread->number = tally__thread_number();
	thread->exceptions = tally__exceptions_of_thread();
	tally__local_set(thread);
	if (tally__thread_at_exit(detach, thread) != 0) {
		tally__local_set(NULL);
		tally_atomic_bool_store(&thread->in_use, false);
		return NULL;
	}
	return thread;
}

struct tally__thread *tally__thread_new_worker(void)
{
	struct tally__thread *thread = take();
	if (thread != NULL) {
		clean(thread);
		thread->worker = true;
		thread->may_spawn = true;
		thread->full_barrier = !tally__heavy_barrier_ready();
		/* The first thing that it will need, had now, when it can be refused. */
		struct tally__stack *stack = tally__stack_new(&thread->stacks);
		if (stack == NULL) {
			tally__thread_abandon_worker(thread);
			return NULL;
		}
		tally__stack_free(&thread->stacks, stack);
	}
	return thread;
}

void tally__thread_begin_worker(struct tally__thread *thread)
{
	thread->race_fiber = tally__race_current();
	thread->number = tally__thread_number();
	thread->exceptions = tally__exceptions_of_thread();
	tally__local_set(thread);
	/* Only who ends its thread in a task needs it: that is reported. */
	(void)tally__thread_at_exit(detach, thread);
}

void tally__thread_abandon_worker(struct tally__thread *thread)
{
	tally_atomic_bool_store(&thread->in_use, false);
}

void tally__thread_send(struct tally__thread *thread, struct tally__task *task)
{
	void *first;
	do {
		/* The compare-and-swap checks it. pairs with thread.c:tally__thread_open_mailbox */
		first = tally_atomic_ptr_load_relaxed(&thread->mailbox);
		task->next = first;
		tally__plain_write(&task->next, sizeof(task->next));
	} while (!tally_atomic_ptr_compare_and_swap(&thread->mailbox, first, task));
	tally__thread_poke(thread);
}

void tally__thread_poke(struct tally__thread *thread)
{
	const uint32_t sleeps = ~(uint32_t)THREAD_STATE;
	if ((tally_atomic_u32_load(&thread->event) & THREAD_STATE) == THREAD_AWAKE)
		return;
	/* The news, and the load of `event`, come before it in the single order. pairs with
	 * thread.c:tally__thread_sleep */
	if ((tally_atomic_u32_and_relaxed(&thread->event, sleeps) & THREAD_STATE) == THREAD_AWAKE)
		return;
	tally__futex_wake(&thread->event, 1);
}

static uint32_t news_of(const struct tally__thread *thread)
{
	uint32_t mail = tally_atomic_ptr_load(&thread->mailbox) != NULL ? NEWS_MAILBOX : 0;
	return tally_atomic_u32_load(&thread->news) | mail;
}

bool tally__thread_has_news(const struct tally__thread *thread)
{
	return news_of(thread) != 0;
}

bool tally__thread_is_asleep(const struct tally__thread *thread, uint64_t *sleeps)
{
	/* The news first: whoever takes them has said before that it is awake. */
	bool news = tally__thread_has_news(thread);
	uint32_t event = tally_atomic_u32_load(&thread->event);
	*sleeps += event / THREAD_ONE_SLEEP;
	return !news && (event & THREAD_STATE) == THREAD_ASLEEP;
}

void tally__thread_sleep(struct tally__thread *thread, uint32_t wanted, uint32_t how, int64_t deadline)
{
	uint32_t awake = ++thread->sleeps * THREAD_ONE_SLEEP;
	tally_atomic_u32_store(&thread->event, awake | how);
	if ((news_of(thread) & wanted) == 0)
		tally__futex_wait(&thread->event, awake | how, deadline);
	/* Who reads an older value wakes in vain. pairs with thread.c:tally__thread_poke */
	tally_atomic_u32_store_relaxed(&thread->event, awake);
}

void tally__thread_open_mailbox(struct tally__thread *thread)
{
	struct tally__task *next, *task = tally_atomic_ptr_swap(&thread->mailbox, NULL);
	for (; task != NULL; task = next) {
		tally__plain_read(&task->next, sizeof(task->next));
		next = task->next;
		task->next = thread->ready;
		thread->ready = task;
	}
}

void tally__thread_reset(void)
{
	struct tally__thread *self = tally__thread_self();
	registry = (struct tally__lock){0};
	for (struct tally__thread *thread = tally__thread_first(); thread != NULL;
	     thread = thread->next_registered) {
		tally__deque_reset(&thread->deque);
		tally_atomic_ptr_store(&thread->mailbox, NULL);
		tally_atomic_u32_store(&thread->event, THREAD_AWAKE);
		tally_atomic_u32_store(&thread->news, 0);
		thread->queued = QUEUED_NOWHERE;
		thread->may_spawn = false;
		if (thread == self)
			continue;
		tally_atomic_bool_store(&thread->working, false);
		tally_atomic_ptr_store(&thread->running, NULL);
		tally_atomic_ptr_store(&thread->waits_for, NULL);
		thread->has_permit = false;
		/* Its owner may have been about to change them. */
		thread->tasks = (struct tally__task_cache){0};
		thread->stacks = (struct tally__stack_cache){0};
		tally_atomic_bool_store(&thread->in_use, false);
	}
	if (self == NULL)
		return;
	self->number = tally__thread_number();
	/* What was blocked on this thread was the parent's. */
	self->ready = self->woken_before = self->yielded_first = NULL;
	self->timers = NULL;
	self->done_count = 0;
}
