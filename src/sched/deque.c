/* sched/deque.c - the work-stealing deque. */
#include "sched/deque.h"

#include <errno.h>

#include "platform/pages.h"
#include "platform/plain.h"

size_t tally__deque_buffer_size(uint64_t capacity)
{
	return sizeof(struct tally__deque_buffer) + (size_t)capacity * sizeof(tally_atomic_ptr);
}

void tally__deque_start(struct tally__deque *deque, void *memory, uint64_t capacity)
{
	struct tally__deque_buffer *buffer = memory;
	buffer->mask = capacity - 1;
	buffer->outgrown = NULL;
	tally__plain_write(buffer, sizeof(*buffer));
	deque->own_buffer = buffer;
	/* The deque is new: its thread is published later, in the list of all. pairs with
	 * thread.c:tally__thread_first */
	tally_atomic_ptr_store_relaxed(&deque->buffer, buffer);
}

/* Copies [top, bottom) into a buffer of twice the size. */
static int grow(struct tally__deque *deque, uint64_t top, uint64_t bottom)
{
	struct tally__deque_buffer *old = deque->own_buffer;
	uint64_t capacity = 2 * (old->mask + 1);
	struct tally__deque_buffer *buffer = tally__pages_map(tally__deque_buffer_size(capacity));
	if (buffer == NULL)
		return -ENOMEM;
	buffer->mask = capacity - 1;
	buffer->outgrown = old;
	tally__plain_write(buffer, sizeof(*buffer));
	for (uint64_t i = top; i != bottom; i++) {
		/* The owner reads its own stores; the release below publishes the copies. */
		/* pairs with deque.c:tally__deque_push */
		void *task = tally_atomic_ptr_load_relaxed(&old->slot[i & old->mask]);
		/* pairs with deque.c:tally__deque_steal */
		tally_atomic_ptr_store_relaxed(&buffer->slot[i & buffer->mask], task);
	}
	deque->own_buffer = buffer;
	/* pairs with deque.c:tally__deque_steal */
	tally_atomic_ptr_store_release(&deque->buffer, buffer);
	return 0;
}

int tally__deque_push(struct tally__deque *deque, struct tally__task *task, bool asked)
{
	/* Only the owner writes bottom. pairs with deque.c:tally__deque_take */
	uint64_t bottom = tally_atomic_u64_load_relaxed(&deque->bottom);
	if (bottom - deque->top_seen > deque->own_buffer->mask) {
		/* Thieves have finished with the slots below top. pairs with deque.c:tally__deque_steal */
		deque->top_seen = tally_atomic_u64_load_acquire(&deque->top);
		if (bottom - deque->top_seen > deque->own_buffer->mask) {
			int error = grow(deque, deque->top_seen, bottom);
			if (error != 0)
				return error;
		}
	}
	struct tally__deque_buffer *buffer = deque->own_buffer;
	/* Published by the store of bottom. pairs with deque.c:tally__deque_steal */
	tally_atomic_ptr_store_relaxed(&buffer->slot[bottom & buffer->mask], task);
	if (asked)
		tally_atomic_u64_store(&deque->bottom, bottom + 1);
	else
		/* pairs with deque.c:tally__deque_steal */
		tally_atomic_u64_store_release(&deque->bottom, bottom + 1);
	return 0;
}

struct tally__task *tally__deque_take(struct tally__deque *deque)
{
	/* Only the owner writes bottom. pairs with deque.c:tally__deque_push */
	uint64_t bottom = tally_atomic_u64_load_relaxed(&deque->bottom);
	/* An old value of top is a smaller one: equal to bottom, it is right. pairs with
	 * deque.c:tally__deque_steal */
	if (tally_atomic_u64_load_relaxed(&deque->top) == bottom)
		return NULL;
	bottom--;
	tally_atomic_u64_store(&deque->bottom, bottom);
	uint64_t top = tally_atomic_u64_load(&deque->top);
	deque->top_seen = top;
	struct tally__task *task = NULL;
	if (top <= bottom) {
		struct tally__deque_buffer *buffer = deque->own_buffer;
		/* The owner's own store. pairs with deque.c:tally__deque_push */
		task = tally_atomic_ptr_load_relaxed(&buffer->slot[bottom & buffer->mask]);
		if (top < bottom)
			return task;
		/* The last one: thieves want it too. */
		if (!tally_atomic_u64_compare_and_swap(&deque->top, top, top + 1))
			task = NULL;
	}
	/* Now top equals this bottom: a thief that reads it finds nothing, or has an older top and fails. pairs
	 * with deque.c:tally__deque_steal */
	tally_atomic_u64_store_relaxed(&deque->bottom, bottom + 1);
	return task;
}

struct tally__task *tally__deque_steal(struct tally__deque *deque)
{
	uint64_t top = tally_atomic_u64_load(&deque->top);
	uint64_t bottom = tally_atomic_u64_load(&deque->bottom);
	if ((int64_t)(bottom - top) <= 0)
		return NULL;
	/* A buffer at least as new as the bottom read. pairs with deque.c:grow */
	struct tally__deque_buffer *buffer = tally_atomic_ptr_load_acquire(&deque->buffer);
	tally__plain_read(buffer, sizeof(*buffer));
	/* A slot that was used again meanwhile is not ours: then top has moved. pairs with
	 * deque.c:tally__deque_push */
	struct tally__task *task = tally_atomic_ptr_load_relaxed(&buffer->slot[top & buffer->mask]);
	if (!tally_atomic_u64_compare_and_swap(&deque->top, top, top + 1))
		return NULL;
	return task;
}

void tally__deque_reset(struct tally__deque *deque)
{
	deque->top_seen = tally_atomic_u64_load(&deque->top);
	tally_atomic_u64_store(&deque->bottom, deque->top_seen);
	tally_atomic_ptr_store(&deque->buffer, deque->own_buffer);
}

uint64_t tally__deque_size(const struct tally__deque *deque)
{
	/* One that is too old makes the deque look fuller: somebody looks in vain. pairs with
	 * deque.c:tally__deque_steal */
	uint64_t top = tally_atomic_u64_load_relaxed(&deque->top);
	uint64_t bottom = tally_atomic_u64_load(&deque->bottom);
	return (int64_t)(bottom - top) > 0 ? bottom - top : 0;
}
