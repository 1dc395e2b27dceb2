/* sched/queue.c - the shared queue. */
#include "sched/queue.h"

#include "platform/lock.h"

static struct {
	struct tally__lock lock;
	struct tally__task *first;
	struct tally__task *last;
	tally_atomic_u64 size; /* written with the lock held */
} queue;

void tally__queue_put(struct tally__task *first, struct tally__task *last, uint64_t count)
{
	last->next = NULL;
	tally__lock_acquire(&queue.lock);
	if (queue.first != NULL)
		queue.last->next = first;
	else
		queue.first = first;
	queue.last = last;
	tally_atomic_u64_add(&queue.size, count);
	tally__lock_release(&queue.lock);
}

struct tally__task *tally__queue_get(void)
{
	if (tally_atomic_u64_load(&queue.size) == 0)
		return NULL;
	tally__lock_acquire(&queue.lock);
	struct tally__task *task = queue.first;
	if (task != NULL) {
		queue.first = task->next;
		tally_atomic_u64_sub(&queue.size, 1);
	}
	tally__lock_release(&queue.lock);
	return task;
}

uint64_t tally__queue_size(void)
{
	return tally_atomic_u64_load(&queue.size);
}

void tally__queue_reset(void)
{
	queue.lock = (struct tally__lock){0};
	queue.first = NULL;
	tally_atomic_u64_store(&queue.size, 0);
}
