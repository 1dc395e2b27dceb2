/* sched/stack.c - slabs of stacks, and the free ones. */
#include "sched/stack.h"

#include "platform/die.h"
#include "platform/lock.h"
#include "platform/pages.h"
#include "platform/race.h"
#include "platform/sanitizer.h"
#include "sched/stats.h"

#define GUARD_BYTES   (4 * TALLY__PAGE_SIZE) /* a frame larger than this can jump over it */
#define MOST_BYTES    (SIZE_MAX / TALLY__SLAB_STACKS / 2)
#define LEAST_BYTES   (4 * TALLY__PAGE_SIZE)
#define DEFAULT_BYTES ((size_t)64 * 1024)

/* Of the free stacks in the pool, so many keep the memory they have touched. */
#define KEEP_TOUCHED 4096

tally_atomic_ptr tally__slabs;

static struct {
	struct tally__lock lock;
	size_t bytes; /* 0: not decided yet */
	struct tally__stack *free;
	uint64_t free_count;
	bool warned;
} pool;

void tally__stack_set_size(size_t bytes)
{
	if (bytes < LEAST_BYTES)
		bytes = LEAST_BYTES;
	/* More than there can be: the first slab is refused, as any is that there is no memory for. */
	if (bytes > MOST_BYTES)
		bytes = MOST_BYTES;
	pool.bytes = (bytes + TALLY__PAGE_SIZE - 1) / TALLY__PAGE_SIZE * TALLY__PAGE_SIZE;
}

size_t tally__stack_size(void)
{
	return pool.bytes != 0 ? pool.bytes : DEFAULT_BYTES;
}

/* With the lock held: maps a slab, none of whose stacks is in use yet. */
static struct tally__slab *add_slab(void)
{
	size_t head = (sizeof(struct tally__slab) + TALLY__PAGE_SIZE - 1) / TALLY__PAGE_SIZE * TALLY__PAGE_SIZE;
	size_t slot_bytes = GUARD_BYTES + tally__stack_size();
	size_t bytes = head + TALLY__SLAB_STACKS * slot_bytes;
	tally__race_ignore_begin();
	struct tally__slab *slab = tally__pages_map(bytes);
	tally__race_ignore_end();
	if (slab == NULL)
		return NULL;
	tally__pages_no_huge(slab, bytes);
	slab->first_slot = (char *)slab + head;
	slab->slot_bytes = slot_bytes;
	/* Only under the lock are slabs added. pairs with stack.c:tally__stack_each */
	slab->next = tally_atomic_ptr_load_relaxed(&tally__slabs);
	tally_atomic_ptr_store(&tally__slabs, slab);
	return slab;
}

/* With the lock held: a stack that was never used, with a guard below it. A program that blocks little makes
 * few, so that is not done for a whole slab at once. */
static struct tally__stack *carve(void)
{
	/* pairs with stack.c:add_slab */
	struct tally__slab *slab = tally_atomic_ptr_load_relaxed(&tally__slabs);
	if (slab == NULL || slab->made == TALLY__SLAB_STACKS) {
		slab = add_slab();
		if (slab == NULL)
			return NULL;
	}
	struct tally__stack *stack = &slab->stacks[slab->made];
	char *slot = slab->first_slot + slab->made * slab->slot_bytes;
	if (tally__pages_guard(slot, GUARD_BYTES) != 0 && !pool.warned) {
		pool.warned = true;
		tally__warn("no guards below further task stacks: the limit on memory mappings is reached; "
			    "raise vm.max_map_count");
	}
	stack->bottom = slot + GUARD_BYTES;
	stack->top = slot + slab->slot_bytes;
	tally__stack_register(stack->bottom, stack->top);
	slab->made++;
	tally__stats_stack();
	return stack;
}

struct tally__stack *tally__stack_new(struct tally__stack_cache *cache)
{
	struct tally__stack *stack = cache->first;
	if (stack != NULL) {
		cache->first = stack->next;
		cache->count--;
	} else {
		tally__lock_acquire(&pool.lock);
		stack = pool.free;
		if (stack != NULL) {
			pool.free = stack->next;
			pool.free_count--;
		} else {
			stack = carve();
		}
		tally__lock_release(&pool.lock);
		if (stack == NULL)
			return NULL;
	}
	tally__stack_forget(stack->bottom, stack->top);
	return stack;
}

void tally__stack_free(struct tally__stack_cache *cache, struct tally__stack *stack)
{
	stack->next = cache->first;
	cache->first = stack;
	cache->count++;
}

void tally__stack_cache_trim(struct tally__stack_cache *cache, unsigned keep)
{
	if (cache->count <= keep)
		return;
	/* What the thread used last stays with it. */
	struct tally__stack **link = &cache->first;
	for (unsigned i = 0; i < keep; i++)
		link = &(*link)->next;
	struct tally__stack *surplus = *link, *last = NULL;
	*link = NULL;
	uint64_t count = cache->count - keep;
	cache->count = keep;

	tally__lock_acquire(&pool.lock);
	bool discard = pool.free_count >= KEEP_TOUCHED;
	tally__lock_release(&pool.lock);
	for (struct tally__stack *stack = surplus; stack != NULL; stack = stack->next) {
		if (discard)
			tally__pages_discard(stack->bottom, (size_t)(stack->top - stack->bottom));
		last = stack;
	}
	tally__lock_acquire(&pool.lock);
	last->next = pool.free;
	pool.free = surplus;
	pool.free_count += count;
	tally__lock_release(&pool.lock);
}

struct tally__stack *tally__stack_of_guard(const void *address)
{
	const char *byte = address;
	for (struct tally__slab *slab = tally_atomic_ptr_load(&tally__slabs); slab != NULL; slab = slab->next) {
		if (byte < slab->first_slot || byte >= slab->first_slot + TALLY__SLAB_STACKS * slab->slot_bytes)
			continue;
		size_t offset = (size_t)(byte - slab->first_slot);
		return offset % slab->slot_bytes < GUARD_BYTES ? &slab->stacks[offset / slab->slot_bytes]
							       : NULL;
	}
	return NULL;
}

void tally__stack_each(void (*visit)(struct tally__stack *stack, void *arg), void *arg)
{
	for (struct tally__slab *slab = tally_atomic_ptr_load(&tally__slabs); slab != NULL; slab = slab->next)
		for (int i = 0; i < TALLY__SLAB_STACKS; i++)
			visit(&slab->stacks[i], arg);
}

static void forget_task(struct tally__stack *stack, void *arg)
{
	(void)arg;
	tally_atomic_ptr_store(&stack->task, NULL);
}

void tally__stack_reset(void)
{
	pool.lock = (struct tally__lock){0};
	tally__stack_each(forget_task, NULL);
}
