/* sched/loop.c - pick a task, run it, resume it, leave it. */
#include "sched/loop.h"

#include <errno.h>

#include "platform/clock.h"
#include "platform/context.h"
#include "platform/die.h"
#include "platform/plain.h"
#include "platform/race.h"
#include "platform/sanitizer.h"
#include "sched/deadlock.h"
#include "sched/fiber.h"
#include "sched/idle.h"
#include "sched/leak.h"
#include "sched/overflow.h"
#include "sched/queue.h"
#include "sched/stats.h"
#include "sched/steal.h"
#include "sched/timer.h"

#define FAIR_EVERY  64   /* picks; then the queues that are served last come first */
#define LOOK_EVERY  1024 /* picks; then work elsewhere is looked for */
#define KEEP_STACKS 32   /* free ones, for each thread */
#define ID_BLOCK    UINT64_C(1024)

static tally_atomic_u64 task_ids;

static uint64_t next_id(struct tally__thread *thread)
{
	if (thread->next_task_id % ID_BLOCK == 0)
		/* Numbers only have to differ. pairs with loop.c:next_id */
		thread->next_task_id = tally_atomic_u64_fetch_add_relaxed(&task_ids, ID_BLOCK);
	return ++thread->next_task_id;
}

void tally__loop_flush_done(struct tally__thread *thread)
{
	uint32_t count = thread->done_count;
	if (count == 0)
		return;
	thread->done_count = 0;
	tally__group_done(thread->done_group, count);
}

static struct tally__task *take_woken_before(struct tally__thread *thread)
{
	struct tally__task *task = thread->woken_before;
	if (task != NULL)
		thread->woken_before = task->next;
	return task;
}

static struct tally__task *take_ready(struct tally__thread *thread)
{
	struct tally__task *task = thread->ready;
	if (task == NULL)
		return take_woken_before(thread);
	thread->ready = task->next;
	return task;
}

static struct tally__task *take_yielded(struct tally__thread *thread)
{
	struct tally__task *task = thread->yielded_first;
	if (task != NULL)
		thread->yielded_first = task->next;
	return task;
}

/* Makes one task of an indexed one: halves it until one index is left, and queues the other halves. */
static void split(struct tally__thread *thread, struct tally__task *task)
{
	if (task->end - task->index == 1)
		return;
	do {
		struct tally__task *half = tally__task_new(&thread->tasks);
		if (half == NULL)
			tally__die("no memory for a task of wait group %p", (void *)task->group);
		*half = *task;
		tally__race_share(half->start);
		half->index = task->index + (task->end - task->index) / 2;
		task->end = half->index;
		tally__plain_write(half, sizeof(*half));
		if (tally__deque_push(&thread->deque, half, thread->full_barrier) != 0)
			tally__queue_put(half, half, 1);
	} while (task->end - task->index > 1);
	tally__idle_notify();
}

/* A task that has not started, of the thread's own deque. A plain thread passes on what it must not start. */
static struct tally__task *take_own(struct tally__thread *thread)
{
	struct tally__task *strangers = NULL, *last = NULL;
	uint64_t count = 0;
	struct tally__task *task;
	while ((task = tally__deque_take(&thread->deque)) != NULL) {
		if (thread->worker || tally__awaited_has(thread->awaited, task->group))
			break;
		task->next = strangers;
		strangers = task;
		if (last == NULL)
			last = task;
		count++;
	}
	if (strangers != NULL) {
		tally__queue_put(strangers, last, count);
		tally__idle_notify();
	}
	return task;
}

/* Now and then: who would starve, since any list that is served before it may never be empty. */
static struct tally__task *take_fairly(struct tally__thread *thread)
{
	if (thread->timers != NULL)
		tally__timer_run(thread);
	tally__stack_cache_trim(&thread->stacks, KEEP_STACKS);
	unsigned turn = thread->ticks / FAIR_EVERY;
	bool look = turn % (LOOK_EVERY / FAIR_EVERY) == 0;
	tally__permit_share(thread, look && !thread->worker && tally__idle_work_is_visible());
	if (!thread->has_permit)
		return NULL;
	struct tally__task *task = NULL;
	switch (turn % 4) {
	case 0: /* the oldest of all that have not started; the waiting thread leaves those to workers */
		if (!thread->worker)
			return NULL;
		task = look ? tally__steal(thread) : NULL;
		return task != NULL ? task : tally__deque_steal(&thread->deque);
	case 1:
		return thread->worker ? tally__queue_get() : NULL;
	case 2: /* those woken until now, one by one, before those woken later */
		if (thread->woken_before == NULL) {
			thread->woken_before = thread->ready;
			thread->ready = NULL;
		}
		return take_woken_before(thread);
	default:
		return take_yielded(thread);
	}
}

/* The next task of this thread, started or not; NULL: it has none, or no permit any more. */
static struct tally__task *pick(struct tally__thread *thread)
{
	struct tally__task *task;
	if (++thread->ticks % FAIR_EVERY == 0 || tally__permit_pressure() == PRESSURE_SURPLUS) {
		/* What comes next may be endless and of another group; and so may what others do meanwhile. */
		tally__loop_flush_done(thread);
		task = take_fairly(thread);
		if (task != NULL || !thread->has_permit)
			return task;
	}
	if (tally__thread_has_mail(thread))
		tally__thread_open_mailbox(thread);
	if ((task = take_ready(thread)) != NULL)
		return task;
	task = take_own(thread);
	if (thread->done_count != 0 && (task == NULL || task->group != thread->done_group)) {
		tally__loop_flush_done(thread);
		/* That may have woken a task, which comes first. */
		if (thread->ready != NULL) {
			if (task != NULL && tally__deque_push(&thread->deque, task, thread->full_barrier) != 0)
				tally__queue_put(task, task, 1);
			return take_ready(thread);
		}
	}
	return task != NULL ? task : take_yielded(thread);
}

static void call(struct tally__task *task)
{
	if (task->flags & TASK_INDEXED)
		task->call.indexed(task->arg, task->index);
	else
		task->call.plain(task->arg);
}

/* Runs a task that has not started, here and now. */
static void run(struct tally__thread *thread, struct tally__task *task)
{
	tally__plain_read(task, sizeof(*task));
	if (task->flags & TASK_INDEXED)
		split(thread, task);
	void *start = task->start;
	task->id = next_id(thread);
	tally__plain_write(task, sizeof(*task));
	thread->current = task;
	/* For who lists tasks. pairs with dump.c:list_running */
	tally_atomic_ptr_store_relaxed(&thread->running, task);
	if (tally__race_on())
		tally__fiber_run(thread, start, call);
	else
		call(task);
	tally_waitgroup *group = task->group;
	if (task->flags & TASK_FORKED)
		tally__die("task %u returned in a forked child: it must call exec or _exit there", task->id);
	thread->current = NULL;
	/* pairs with dump.c:list_running */
	tally_atomic_ptr_store_relaxed(&thread->running, NULL);
	/* Only this thread writes it. pairs with idle.c:runs */
	tally_atomic_u64_store_relaxed(&thread->runs, tally_atomic_u64_load_relaxed(&thread->runs) + 1);
	tally__stats_run();
	tally__task_free(&thread->tasks, task);

	/* The group is told later, once for many: before a task of another group, or none, comes next. That
	 * does not delay its end, since the task that comes next is one of its own. So here, too, nothing is
	 * pending of another: pick and resume have told it. */
	if (group == NULL)
		return;
	thread->done_group = group;
	thread->done_count++;
}

/* Goes on with a blocked task, or with the thread's own code. The context that is left goes to *from. */
static void resume(struct tally__thread *thread, struct tally__task *task, void **from, void **fake_stack)
{
	struct tally__frame *frame = task->frame;
	bool native = (task->flags & TASK_NATIVE) != 0;
	tally__loop_flush_done(thread);
	if (native && thread->has_permit) {
		tally__permit_release(thread);
		tally__idle_check();
	}
	thread->stack = frame->stack;
	thread->current = native ? NULL : task;
	/* pairs with dump.c:list_running */
	tally_atomic_ptr_store_relaxed(&thread->running, thread->current);
	if (native) {
		tally__stack_leave(fake_stack, thread->own_stack_bottom, thread->own_stack_size);
	} else {
		/* pairs with dump.c:list_blocked */
		tally_atomic_ptr_store_relaxed(&frame->stack->task, NULL);
		tally__stack_leave(fake_stack, frame->stack->bottom,
				   (size_t)(frame->stack->top - frame->stack->bottom));
	}
	tally__race_switch(frame->race_fiber);
	tally__context_switch(from, frame->stack_pointer);
}

/* A worker's next task, however long it takes. */
static struct tally__task *find_for_worker(struct tally__thread *worker)
{
	struct tally__task *task;
	for (;;) {
		if (!worker->has_permit)
			tally__worker_rest(worker);
		if ((task = pick(worker)) != NULL)
			return task;
		bool rest = !tally__steal_was_worth_it(worker) || tally__permit_pressure() != PRESSURE_NONE;
		if (!rest && ((task = tally__queue_get()) != NULL || (task = tally__steal(worker)) != NULL))
			return task;
		tally__worker_rest(worker);
		if (worker->timers != NULL)
			tally__timer_run(worker);
	}
}

/* A plain thread's next: a task that it may run, or its own code. */
static struct tally__task *find_for_plain(struct tally__thread *thread)
{
	for (;;) {
		if (tally__thread_has_mail(thread))
			tally__thread_open_mailbox(thread);
		if (thread->timers != NULL)
			tally__timer_run(thread);
		/* Its own code needs no permit. */
		if (thread->ready == &thread->native)
			return take_ready(thread);
		bool some = thread->ready != NULL || thread->woken_before != NULL ||
			    thread->yielded_first != NULL || tally__deque_size(&thread->deque) != 0;
		if (some && (thread->has_permit || tally__permit_wait(thread, true))) {
			struct tally__task *task = pick(thread);
			if (task != NULL)
				return task;
			continue;
		}
		if (some)
			continue;
		if (thread->has_permit) {
			tally__loop_flush_done(thread);
			if (thread->ready != NULL)
				continue;
			/* What it passed on while no permit was free is nobody's until somebody is called. */
			tally__permit_release(thread);
			tally__idle_check();
		}
		int64_t timer = tally__timer_first(thread);
		if (timer == TALLY__FOREVER)
			tally__thread_sleep(thread, NEWS_MAILBOX, THREAD_ASLEEP, tally__deadlock_look(thread));
		else
			tally__thread_sleep(thread, NEWS_MAILBOX, THREAD_DOZING, timer);
	}
}

/* The loop, at the base of its stack. */
static void loop(void)
{
	struct tally__thread *thread = tally__thread_self();
	const void *bottom = NULL;
	size_t size = 0;
	tally__stack_enter(NULL, &bottom, &size);
	if (thread->own_stack_bottom == NULL) {
		thread->own_stack_bottom = bottom;
		thread->own_stack_size = size;
	}
	tally__leak_after_switch(thread);
	struct tally__task *task = thread->handed;
	thread->handed = NULL;
	for (;;) {
		if (task == NULL)
			task = thread->worker ? find_for_worker(thread) : find_for_plain(thread);
		if (task->frame != NULL) {
			/* Free already while we stand on it: nobody else takes from this thread's cache. */
			tally__stack_free(&thread->stacks, thread->stack);
			resume(thread, task, &thread->abandoned, NULL);
		}
		run(thread, task);
		task = NULL;
	}
}

void tally__loop_suspend(struct tally__thread *thread, const void *waits_for)
{
	bool native = thread->current == NULL;
	struct tally__task *self = native ? &thread->native : thread->current;
	struct tally__frame frame = {
		.stack = thread->stack,
		.thread = thread,
		.waits_for = waits_for,
		.saved_errno = errno,
		.race_fiber = tally__race_current(),
	};
	self->frame = &frame;
	/* The loop goes on as the fiber of the thread's own code. */
	if (native)
		tally__race_ignore_begin();
	/* A plain thread needs a permit before it may run tasks: the loop sees to that. */
	struct tally__task *next = native ? NULL : pick(thread);
	if (next == self) {
		self->frame = NULL;
		return;
	}
	tally__leak_before_switch(thread);
	frame.exceptions = tally__exceptions_leave(thread->exceptions);
	if (!native)
		/* Published for tools, which read it while nothing runs, or at their own risk.
		 * pairs with dump.c:list_blocked */
		tally_atomic_ptr_store_release(&frame.stack->task, self);
	if (next != NULL && next->frame != NULL) {
		resume(thread, next, &frame.stack_pointer, &frame.fake_stack);
	} else {
		struct tally__stack *stack = tally__stack_new(&thread->stacks);
		if (stack == NULL)
			tally__die("no memory for a stack of %u bytes: task %u cannot block",
				   (uint64_t)tally__stack_size(), self->id);
		thread->handed = next;
		thread->stack = stack;
		thread->current = NULL;
		/* pairs with dump.c:list_running */
		tally_atomic_ptr_store_relaxed(&thread->running, NULL);
		tally__stack_leave(&frame.fake_stack, stack->bottom, (size_t)(stack->top - stack->bottom));
		tally__race_switch(thread->race_fiber);
		tally__context_start(&frame.stack_pointer, stack->top, loop);
	}
	tally__stack_enter(frame.fake_stack, NULL, NULL);
	tally__leak_after_switch(thread);
	if (native)
		tally__race_ignore_end();
	self->frame = NULL;
	tally__exceptions_enter(thread->exceptions, frame.exceptions);
	errno = frame.saved_errno;
}

void tally__loop_worker(void *argument)
{
	struct tally__thread *worker = argument;
	tally__thread_begin_worker(worker);
	tally__idle_settle();
	/* What it needs to run tasks it gets when there are some. */
	tally__worker_rest(worker);
	tally__overflow_watch(worker);
	/* Nobody ever makes its own code ready. */
	tally__loop_suspend(worker, NULL);
}
