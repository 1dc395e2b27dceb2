/* sched/task.c - memory of task descriptors: a cache for each thread, over a common pool.
 *
 * Who spawns and who runs are often different threads, so full caches give half to the pool, as one batch,
 * and empty ones take a batch. The memory is never returned: what was needed once is needed again.
 */
#include "sched/task.h"

#include "platform/lock.h"
#include "platform/pages.h"
#include "platform/plain.h"

#define BATCH      64
#define SLAB_BYTES ((size_t)256 * 1024)

_Static_assert(sizeof(struct tally__task) == 64 || sizeof(void *) != 8, "a descriptor is a cache line");

/* Batches are lists through `next`; the batches' first tasks are linked by `arg`. */
static struct {
	struct tally__lock lock;
	struct tally__task *batches;
	char *fresh; /* never used memory */
	char *fresh_end;
} pool;

/* Carves a batch out of fresh memory. With the lock held. */
static struct tally__task *carve(void)
{
	if (pool.fresh == pool.fresh_end) {
		char *slab = tally__pages_map(SLAB_BYTES);
		if (slab == NULL)
			return NULL;
		pool.fresh = slab;
		pool.fresh_end = slab + SLAB_BYTES;
	}
	struct tally__task *first = (struct tally__task *)(void *)pool.fresh;
	for (int i = 0; i < BATCH - 1; i++)
		first[i].next = &first[i + 1];
	first[BATCH - 1].next = NULL;
	pool.fresh += BATCH * sizeof(struct tally__task);
	return first;
}

static bool fill(struct tally__task_cache *cache)
{
	tally__lock_acquire(&pool.lock);
	struct tally__task *batch = pool.batches;
	if (batch != NULL)
		pool.batches = batch->arg;
	else
		batch = carve();
	tally__plain_write(&pool.batches, sizeof(pool.batches));
	tally__lock_release(&pool.lock);
	if (batch == NULL)
		return false;
	cache->first = batch;
	cache->count = BATCH;
	return true;
}

/* Gives the first `count` descriptors to the pool. */
static void give(struct tally__task_cache *cache, unsigned count)
{
	struct tally__task *batch = cache->first, *last = batch;
	for (unsigned i = 1; i < count; i++)
		last = last->next;
	cache->first = last->next;
	cache->count -= count;
	last->next = NULL;
	tally__lock_acquire(&pool.lock);
	batch->arg = pool.batches;
	pool.batches = batch;
	tally__plain_write(&pool.batches, sizeof(pool.batches));
	tally__lock_release(&pool.lock);
}

struct tally__task *tally__task_new(struct tally__task_cache *cache)
{
	if (cache->first == NULL && !fill(cache))
		return NULL;
	struct tally__task *task = cache->first;
	cache->first = task->next;
	cache->count--;
	return task;
}

void tally__task_free(struct tally__task_cache *cache, struct tally__task *task)
{
	task->next = cache->first;
	cache->first = task;
	if (++cache->count >= 2 * BATCH)
		give(cache, BATCH);
}

void tally__task_cache_empty(struct tally__task_cache *cache)
{
	/* Batches of other sizes would make `fill` count wrong; a rest below a batch waits with its thread. */
	while (cache->count >= BATCH)
		give(cache, BATCH);
}

void tally__task_reset(void)
{
	pool.lock = (struct tally__lock){0};
	/* Whoever held the lock may have been about to change both. */
	pool.fresh = pool.fresh_end = NULL;
}
