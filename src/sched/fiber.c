/* sched/fiber.c - the fibers of tasks, used again in the order of their tasks' ends. */
#include "sched/fiber.h"

#include "platform/context.h"
#include "platform/die.h"
#include "platform/lock.h"
#include "platform/race.h"
#include "sched/thread.h"

/* A fiber is used again when so many tasks have ended after its own. Until then a race with that task is told;
 * afterwards the two tasks count as one after the other. A prime, since tasks are often apart by a power of
 * two. Below 255 with the threads: clang's ThreadSanitizer forgets much where there are more
 * (doc/design/races.md).
 */
#define REUSE_AFTER 193

/* It lies at the top of its stack. */
struct tally__fiber {
	struct tally__fiber *next;
	void *race_fiber;
	void *base;  /* where the stack pointer starts */
	void *start; /* what the spawner published */
	void (*body)(struct tally__task *task);
	void *caller;    /* the context that waits for the task's end */
	void *abandoned; /* the one that is left then */
};

/* Those whose tasks have ended, the longest ago first. What many blocked tasks needed at once is kept aside,
 * with its stacks: another fiber on such a stack would be the stranger that this is about. */
static struct {
	struct tally__lock lock;
	struct tally__fiber *first;
	struct tally__fiber *last;
	unsigned count;
	struct tally__fiber *aside;
} pool;

static struct tally__fiber *create(struct tally__thread *thread)
{
	struct tally__stack *stack = tally__stack_new(&thread->stacks);
	if (stack == NULL)
		tally__die("no memory for a stack of %u bytes: task %u cannot start",
			   (uint64_t)tally__stack_size(), thread->current->id);
	char *base = stack->top - (sizeof(struct tally__fiber) + 63) / 64 * 64;
	struct tally__fiber *fiber = (struct tally__fiber *)(void *)base;
	fiber->race_fiber = tally__race_fiber_new();
	fiber->base = base;
	return fiber;
}

static struct tally__fiber *take(struct tally__thread *thread)
{
	struct tally__fiber *fiber = NULL;
	tally__lock_acquire(&pool.lock);
	if (pool.count >= REUSE_AFTER) {
		fiber = pool.first;
		pool.first = fiber->next;
		pool.count--;
	} else if (pool.aside != NULL) {
		fiber = pool.aside;
		pool.aside = fiber->next;
	}
	tally__lock_release(&pool.lock);
	return fiber != NULL ? fiber : create(thread);
}

static void put(struct tally__fiber *fiber)
{
	fiber->next = NULL;
	tally__lock_acquire(&pool.lock);
	if (pool.count++ == 0)
		pool.first = fiber;
	else
		pool.last->next = fiber;
	pool.last = fiber;
	if (pool.count > REUSE_AFTER) {
		struct tally__fiber *surplus = pool.first;
		pool.first = surplus->next;
		pool.count--;
		surplus->next = pool.aside;
		pool.aside = surplus;
	}
	tally__lock_release(&pool.lock);
}

/* The fiber is entered and left on its own stack: a signal handler, which ThreadSanitizer may call wherever the
 * C library is called, else would be seen to use the loop's stack as the task. */
static void task_starts(void)
{
	struct tally__thread *thread = tally__thread_self();
	struct tally__fiber *fiber = thread->entering;
	struct tally__task *task = thread->current;
	tally__race_switch(fiber->race_fiber);
	tally__race_receive(fiber->start, task->id);
	fiber->body(task);
	tally__race_task_ends();
	if (task->group != NULL)
		tally__race_release(task->group);
	tally__race_switch(thread->race_fiber);
	tally__context_switch(&fiber->abandoned, fiber->caller);
}

void tally__fiber_run(struct tally__thread *thread, void *start, void (*body)(struct tally__task *task))
{
	struct tally__fiber *fiber = take(thread);
	if (!thread->locals_marked) {
		thread->locals_marked = true;
		tally__race_locals_are_private();
	}
	fiber->start = start;
	fiber->body = body;
	thread->entering = fiber;
	tally__context_start(&fiber->caller, fiber->base, task_starts);
	put(fiber);
}

void tally__fiber_reset(void)
{
	pool.lock = (struct tally__lock){0};
}
