/* sched/dump.c - lists of tasks, for people; and for debuggers, where they find the same. */
#include "sched/dump.h"

#include <tally/task.h>

#include "park/lot.h"
#include "platform/debugger.h"
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

const struct tally__debug tally__debug[] TALLY__FOR_DEBUGGERS = {
	{"version", 1},
	{"threads", (uintptr_t)&tally__threads},
	{"slabs", (uintptr_t)&tally__slabs},
	{"queue", (uintptr_t)&tally__queue},
	{"thread.next", offsetof(struct tally__thread, next_registered)},
	{"thread.in_use", offsetof(struct tally__thread, in_use)},
	{"thread.number", offsetof(struct tally__thread, number)},
	{"thread.running", offsetof(struct tally__thread, running)},
	{"thread.waits_for", offsetof(struct tally__thread, waits_for)},
	{"thread.native", offsetof(struct tally__thread, native)},
	{"thread.ready", offsetof(struct tally__thread, ready)},
	{"thread.woken_before", offsetof(struct tally__thread, woken_before)},
	{"thread.mailbox", offsetof(struct tally__thread, mailbox)},
	{"thread.deque", offsetof(struct tally__thread, deque)},
	{"deque.bottom", offsetof(struct tally__deque, bottom)},
	{"deque.top", offsetof(struct tally__deque, top)},
	{"deque.buffer", offsetof(struct tally__deque, buffer)},
	{"buffer.mask", offsetof(struct tally__deque_buffer, mask)},
	{"buffer.slot", offsetof(struct tally__deque_buffer, slot)},
	{"queue.first", offsetof(struct tally__queue, first)},
	{"queue.size", offsetof(struct tally__queue, size)},
	{"slab.next", offsetof(struct tally__slab, next)},
	{"slab.first_slot", offsetof(struct tally__slab, first_slot)},
	{"slab.slot_bytes", offsetof(struct tally__slab, slot_bytes)},
	{"slab.stacks", offsetof(struct tally__slab, stacks)},
	{"slab.count", TALLY__SLAB_STACKS},
	{"stack.bytes", sizeof(struct tally__stack)},
	{"stack.bottom", offsetof(struct tally__stack, bottom)},
	{"stack.top", offsetof(struct tally__stack, top)},
	{"stack.task", offsetof(struct tally__stack, task)},
	{"task.bytes", sizeof(struct tally__task)},
	{"task.call", offsetof(struct tally__task, call)},
	{"task.next", offsetof(struct tally__task, next)},
	{"task.frame", offsetof(struct tally__task, frame)},
	{"task.id", offsetof(struct tally__task, id)},
	{"task.index", offsetof(struct tally__task, index)},
	{"task.end", offsetof(struct tally__task, end)},
	{"task.flags", offsetof(struct tally__task, flags)},
	{"task.indexed", TASK_INDEXED},
	{"frame.bytes", sizeof(struct tally__frame)},
	{"frame.stack_pointer", offsetof(struct tally__frame, stack_pointer)},
	{"frame.thread", offsetof(struct tally__frame, thread)},
	{"frame.waits_for", offsetof(struct tally__frame, waits_for)},
	{"", 0},
};
