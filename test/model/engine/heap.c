/* heap.c - memory of one schedule: freed blocks stay unused to its end, so that late accesses are seen.
 *
 * Addresses are the same in every run, so that code that hashes them replays. */
#include "engine.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { STATE_NONE, STATE_LIVE, STATE_FREED };

#define HEAP_BYTES  ((size_t)64 << 20)
#define LARGE_BYTES ((size_t)4 << 30)
#define LARGE_FROM  ((size_t)256 << 10)

static void *map_at(uintptr_t address, size_t bytes)
{
	void *start = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (start == MAP_FAILED)
		abort();
	return start;
}

void heap_start(void)
{
	engine->heap = map_at(0x300000000000, HEAP_BYTES);
	engine->heap_state = map_at(0x310000000000, HEAP_BYTES / 16);
	engine->large = map_at(0x320000000000, LARGE_BYTES);
	engine->reserved = map_at(0x311000000000, LARGE_BYTES / 4096);
	engine->heap_next = engine->heap;
	engine->large_next = engine->large;
}

void heap_begin(void)
{
	if (engine->heap_next > engine->heap) {
		memset(engine->heap_state, STATE_NONE, (size_t)(engine->heap_next - engine->heap) / 16 + 1);
		engine->heap_next = engine->heap;
	}
	if (engine->large_next > engine->large) {
		madvise(engine->large, (size_t)(engine->large_next - engine->large), MADV_DONTNEED);
		engine->large_next = engine->large;
	}
	engine->block_count = 0;
	while (engine->reserved_count > 0)
		engine->reserved[engine->reserved_pages[--engine->reserved_count]] = 0;
}

/* Address space of which nothing may be touched before it is reserved. */
void *heap_map_shared(size_t bytes)
{
	uintptr_t start = ((uintptr_t)engine->large_next + 4095) & ~(uintptr_t)4095;

	if (start + bytes > (uintptr_t)engine->large + LARGE_BYTES || engine->block_count == BLOCKS)
		fail(MODEL_MISUSE, "a schedule allocates too much");
	engine->large_next = (char *)start + bytes;
	engine->blocks[engine->block_count++] =
		(struct block){.start = (char *)start, .bytes = bytes, .large = true, .shared = true};
	return (void *)start;
}

void heap_reserve(uintptr_t start, size_t bytes)
{
	uintptr_t first = (start - (uintptr_t)engine->large) / 4096;
	uintptr_t last = (start + bytes - 1 - (uintptr_t)engine->large) / 4096;

	for (uintptr_t page = first; page <= last; page++) {
		if (engine->reserved[page])
			continue;
		if (engine->reserved_count == RESERVED_PAGES)
			fail(MODEL_MISUSE, "a schedule reserves too much");
		engine->reserved[page] = 1;
		engine->reserved_pages[engine->reserved_count++] = (uint32_t)page;
	}
}

bool heap_is_reserved(const struct block *block, uintptr_t address, size_t bytes)
{
	return !block->shared || (engine->reserved[(address - (uintptr_t)engine->large) / 4096] &&
				  engine->reserved[(address + bytes - 1 - (uintptr_t)engine->large) / 4096]);
}

static struct block *find_block(const void *start)
{
	for (unsigned i = 0; i < engine->block_count; i++) {
		if (engine->blocks[i].start == start)
			return &engine->blocks[i];
	}
	return NULL;
}

static void *take(char **next, char *limit, size_t bytes, size_t alignment)
{
	uintptr_t start = ((uintptr_t)*next + alignment - 1) & ~(uintptr_t)(alignment - 1);

	if (start + bytes > (uintptr_t)limit)
		fail(MODEL_MISUSE, "a schedule allocates too much");
	*next = (char *)start + bytes;
	return (char *)start;
}

void *model__alloc(const struct model_place *at, size_t bytes, size_t alignment, bool zeroed)
{
	size_t whole = (bytes + 15) / 16 * 16 + 16; /* the last 16 bytes stay no one's */
	bool large = bytes >= LARGE_FROM;
	char *start;

	point(at, "allocate");
	if ((engine->model->faults & MODEL_FAULT_ALLOC) && !engine->alone && engine->faults_left &&
	    choose_rarely(8)) {
		engine->faults_left--;
		if (engine->tracing)
			trace(at, "allocate %zu bytes: refused", bytes);
		return NULL;
	}
	if (alignment < 16)
		alignment = 16;
	if (engine->block_count == BLOCKS)
		fail(MODEL_MISUSE, "a schedule allocates too often");
	if (large) {
		start = take(&engine->large_next, engine->large + LARGE_BYTES, whole, alignment);
	} else {
		start = take(&engine->heap_next, engine->heap + HEAP_BYTES, whole, alignment);
		memset(engine->heap_state + (start - engine->heap) / 16, STATE_LIVE, whole / 16 - 1);
		memset(start, zeroed ? 0 : 0xa5, whole - 16);
	}
	engine->blocks[engine->block_count++] =
		(struct block){.start = start, .bytes = bytes, .large = large, .allocated_at = at};
	if (engine->tracing)
		trace(at, "allocate %zu bytes: %p", bytes, (void *)start);
	return start;
}

void model__free(const struct model_place *at, void *start)
{
	if (start == NULL)
		return;
	point(at, "free");

	struct block *block = find_block(start);
	if (engine->tracing)
		trace(at, "free %s", address_text(start));
	if (block == NULL)
		fail(MODEL_USE_AFTER_FREE, "free of %p, which was not allocated, at %s", start, place_text(at));
	if (block->freed)
		fail(MODEL_USE_AFTER_FREE, "%p is freed at %s, and was at %s", start, place_text(at),
		     place_text(block->freed_at));
	memory_forget((uintptr_t)start, block->large ? 0 : block->bytes, at, true);
	block->freed = true;
	block->freed_at = at;
	if (!block->large)
		memset(engine->heap_state + (block->start - engine->heap) / 16, STATE_FREED,
		       (block->bytes + 15) / 16);
}

bool heap_is_dead(uintptr_t address, size_t bytes, const struct block **found)
{
	if (address - (uintptr_t)engine->heap < HEAP_BYTES) {
		size_t first = (address - (uintptr_t)engine->heap) / 16;
		size_t last = (address + bytes - 1 - (uintptr_t)engine->heap) / 16;

		if (engine->heap_state[first] == STATE_LIVE && engine->heap_state[last] == STATE_LIVE)
			return false;
	} else if (address - (uintptr_t)engine->large >= LARGE_BYTES) {
		return false;
	}
	for (unsigned i = 0; i < engine->block_count; i++) {
		const struct block *block = &engine->blocks[i];

		if (address - (uintptr_t)block->start < block->bytes) {
			*found = block;
			return block->freed;
		}
	}
	return true;
}

void heap_check_leaks(void)
{
	for (unsigned i = 0; i < engine->block_count; i++) {
		const struct block *block = &engine->blocks[i];

		if (!block->freed)
			fail(MODEL_LEAK, "%zu bytes at %p, allocated at %s, are not freed", block->bytes,
			     (void *)block->start, place_text(block->allocated_at));
	}
}
