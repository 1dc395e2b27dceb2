/* sched/queue.c - the shared queue. */
#include "sched/queue.h"

#include "platform/lock.h"
#include "platform/plain.h"

static struct tally__lock lock; /* guards all; the size may be looked at without it */

struct tally__queue tally__queue;

void tally__queue_put(struct tally__task *first, struct tally__task *last, uint64_t count)
{
	last->next = NULL;
	tally__lock_acquire(&lock);
	if (tally__queue.first != NULL)
		tally__queue.last->next = first;
	else
		tally__queue.first = first;
	tally__queue.last = last;
	tally__plain_write(&tally__queue.last, sizeof(tally__queue.last));
	/* pairs with queue.c:tally__queue_get */
	uint64_t size = tally_atomic_u64_load_relaxed(&tally__queue.size);
	tally_atomic_u64_store(&tally__queue.size, size + count);
	tally__lock_release(&lock);
}

struct tally__task *tally__queue_get(void)
{
	/* A look: who goes to rest after it looks again. pairs with queue.c:tally__queue_put */
	if (tally_atomic_u64_load_relaxed(&tally__queue.size) == 0)
		return NULL;
	tally__lock_acquire(&lock);
	struct tally__task *task = tally__queue.first;
	if (task != NULL) {
		tally__queue.first = task->next;
		tally__plain_write(&tally__queue.last, sizeof(tally__queue.last));
		/* Who misses this looks once in vain. pairs with queue.c:tally__queue_put */
		uint64_t size = tally_atomic_u64_load_relaxed(&tally__queue.size);
		tally_atomic_u64_store_relaxed(&tally__queue.size, size - 1);
	}
	tally__lock_release(&lock);
	return task;
}

uint64_t tally__queue_size(void)
{
	return tally_atomic_u64_load(&tally__queue.size);
}

void tally__queue_reset(void)
{
	lock = (struct tally__lock){0};
	tally__queue.first = NULL;
	tally_atomic_u64_store(&tally__queue.size, 0);
}
