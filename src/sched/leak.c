/* sched/leak.c - for LeakSanitizer: what tasks that have not ended have in use when the program ends. */
#include "sched/leak.h"

#include "platform/clock.h"
#include "platform/futex.h"
#include "platform/sanitizer.h"
#include "sched/queue.h"
#include "sched/thread.h"

/* How long the rest of the end of the program may take. */
#define STAND_STILL INT64_C(10000000000)
#define A_MOMENT    INT64_C(100000)

tally_atomic_bool tally__leak_kept;
/* The thread that ends the program, or NULL; written before tally__leak_kept. */
static struct tally__thread *ending;

static void pause_until(int64_t time)
{
	tally_atomic_u32 nobody = {0};
	while (tally__clock_now() < time)
		tally__futex_wait(&nobody, 0, time);
}

/* What is below the stack pointer is of calls that have returned: it would hide leaks. */
static void keep_stack(const struct tally__frame *frame, const char *bottom, const char *top)
{
	const char *sp = frame->stack_pointer;
	/* Somebody may go on there just now. */
	if (sp >= bottom && sp < top && (uintptr_t)sp % sizeof(uintptr_t) == 0)
		tally__leaks_keep(sp, top, frame->fake_stack);
}

static void keep_blocked(struct tally__stack *stack, void *arg)
{
	(void)arg;
	struct tally__task *task = tally_atomic_ptr_load(&stack->task);
	struct tally__frame *frame = task != NULL ? task->frame : NULL;
	if (frame != NULL)
		keep_stack(frame, stack->bottom, stack->top);
}

static void keep_queued(const struct tally__task *task)
{
	tally__leaks_keep(task, task + 1, NULL);
}

static void keep_of_thread(struct tally__thread *thread)
{
	const struct tally__frame *frame = thread->native.frame;
	const struct tally__stack *stack = thread->stack;
	/* Its own code, while it works on tasks. */
	if (frame != NULL && thread->own_stack_bottom != NULL)
		keep_stack(frame, thread->own_stack_bottom,
			   (const char *)thread->own_stack_bottom + thread->own_stack_size);
	if (stack != NULL && !tally__leaks_know_running())
		tally__leaks_keep(stack->bottom, stack->top, NULL);
	uint64_t bottom = tally_atomic_u64_load(&thread->deque.bottom);
	struct tally__deque_buffer *buffer = tally_atomic_ptr_load(&thread->deque.buffer);
	for (uint64_t i = tally_atomic_u64_load(&thread->deque.top); i < bottom; i++) {
		const struct tally__task *task = tally_atomic_ptr_load(&buffer->slot[i & buffer->mask]);
		if (task != NULL)
			keep_queued(task);
	}
}

void tally__leak_keep_tasks(void)
{
	if (!tally__leaks_are_looked_for())
		return;
	ending = tally__thread_self();
	tally_atomic_bool_store(&tally__leak_kept, true);
	int64_t deadline = tally__clock_now() + STAND_STILL;
	for (struct tally__thread *thread = tally__thread_first(); thread != NULL;
	     thread = thread->next_registered)
		while (thread != ending && tally_atomic_bool_load(&thread->switching) &&
		       tally__clock_now() < deadline)
			pause_until(tally__clock_now() + A_MOMENT);
	tally__stack_each(keep_blocked, NULL);
	for (struct tally__thread *thread = tally__thread_first(); thread != NULL;
	     thread = thread->next_registered)
		if (tally_atomic_bool_load(&thread->in_use))
			keep_of_thread(thread);
	/* As many as there are now: others may take them and queue more. */
	uint64_t count = tally_atomic_u64_load(&tally__queue.size);
	for (const struct tally__task *task = tally__queue.first; task != NULL && count > 0;
	     task = task->next, count--)
		keep_queued(task);
}

void tally__leak_stand_still(struct tally__thread *thread)
{
	if (thread == ending)
		return;
	tally_atomic_bool_store(&thread->switching, false);
	pause_until(tally__clock_now() + STAND_STILL);
}
