/* sched/dump.c - lists of tasks, for people. */
#include "sched/dump.h"

#include <tally/task.h>

#include "park/lot.h"
#include "platform/die.h"
#include "sched/queue.h"
#include "sched/stack.h"
#include "sched/thread.h"

#define MOST_LINES 100

/* Lines are begun by their length alone: clearing all of one would be a call of memset, which ThreadSanitizer
 * sees, in a signal handler on whatever stack was there. */

void tally__dump_waiters(int fd)
{
	uint64_t count = 0;
	struct tally__line line;
	line.length = 0;
	for (int i = 0; i < TALLY__LOT_BUCKETS; i++) {
		tally__lock_acquire(&tally__lot[i].lock);
		for (struct tally__waiter *waiter = tally__lot[i].first; waiter != NULL;
		     waiter = waiter->next) {
			if (++count > MOST_LINES)
				continue;
			if (waiter->task->flags & TASK_NATIVE)
				tally__line_add(&line, "  a plain thread waits for wait group %p",
						waiter->address);
			else
				tally__line_add(&line, "  task %u (function %p) waits for wait group %p",
						waiter->task->id, waiter->task->call.address, waiter->address);
			tally__line_write(&line, fd);
		}
		tally__lock_release(&tally__lot[i].lock);
	}
	if (count > MOST_LINES) {
		tally__line_add(&line, "  and %u more", count - MOST_LINES);
		tally__line_write(&line, fd);
	}
}

static void list_running(int fd)
{
	struct tally__line line;
	line.length = 0;
	for (struct tally__thread *thread = tally__thread_first(); thread != NULL;
	     thread = thread->next_registered) {
		struct tally__task *task = tally_atomic_ptr_load(&thread->running);
		const void *waits_for = tally_atomic_ptr_load(&thread->waits_for);
		if (task != NULL) {
			tally__line_add(&line, "task %u (function %p) runs", task->id, task->call.address);
			tally__line_write(&line, fd);
		}
		if (waits_for != NULL) {
			tally__line_add(&line, "a plain thread waits for wait group %p", waits_for);
			tally__line_write(&line, fd);
		}
	}
}

static void list_blocked(struct tally__stack *stack, void *arg)
{
	int fd = *(int *)arg;
	struct tally__task *task = tally_atomic_ptr_load(&stack->task);
	struct tally__frame *frame = task != NULL ? task->frame : NULL;
	if (frame == NULL)
		return;
	struct tally__line line;
	line.length = 0;
	tally__line_add(&line, "task %u (function %p) ", task->id, task->call.address);
	if (frame->waits_for != NULL)
		tally__line_add(&line, "waits for wait group %p", frame->waits_for);
	else
		tally__line_add(&line, "has yielded");
	tally__line_write(&line, fd);
}

void tally_dump_tasks(int fd)
{
	list_running(fd);
	tally__stack_each(list_blocked, &fd);
	uint64_t waiting = tally__queue_size();
	for (struct tally__thread *thread = tally__thread_first(); thread != NULL;
	     thread = thread->next_registered)
		waiting += tally__deque_size(&thread->deque);
	struct tally__line line;
	line.length = 0;
	tally__line_add(&line, "%u queued, not started", waiting);
	tally__line_write(&line, fd);
}
