/* sched/overflow.c - what a fault in the guard of a task's stack means. */
#include "sched/overflow.h"

#include "platform/die.h"
#include "platform/pages.h"
#include "platform/race.h"
#include "platform/signals.h"
#include "sched/stack.h"
#include "sched/thread.h"

/* On the signal stack of the thread that faulted. */
static bool explain(void *address)
{
	struct tally__stack *stack = tally__stack_of_guard(address);
	if (stack == NULL)
		return false;
	struct tally__thread *thread = tally__thread_self();
	struct tally__task *task = thread != NULL ? thread->current : NULL;
	if (task == NULL)
		tally__die("stack overflow: a stack of %u bytes is full",
			   (uint64_t)(stack->top - stack->bottom));
	tally__die("stack overflow in task %u (function %p): its stack of %u bytes is full; set "
		   "TALLY_STACK_SIZE to "
		   "more bytes, or keep large data elsewhere",
		   task->id, task->call.address, (uint64_t)(stack->top - stack->bottom));
}

void tally__overflow_start(void)
{
	/* Where it is refused, an overflow still ends the program, by the fault itself. */
	(void)tally__signal_faults_install(explain);
}

void tally__overflow_watch(struct tally__thread *thread)
{
	if (thread->watched)
		return;
	thread->watched = true;
	size_t bytes = tally__signal_stack_size();
	if (thread->signal_stack == NULL) {
		thread->signal_stack = tally__pages_map(bytes);
		if (thread->signal_stack != NULL)
			tally__race_is_private(thread->signal_stack, bytes);
	}
	/* Without memory for it an overflow still ends the program, but is not explained. */
	if (thread->signal_stack != NULL)
		(void)tally__signal_stack_install(thread->signal_stack, bytes);
}
