/* This process's region: made at first use, changed by tally_region_open, kept in the children of forks. */
#include <errno.h>

#include "platform/die.h"
#include "platform/plain.h"
#include "platform/sharedfile.h"
#include "platform/thread.h"
#include "region/attach.h"
#include "region/owner.h"
#include "region/region.h"

struct tally__region tally__region = {.mapping.descriptor = -1};

/* How much of the header with the slot table, of the index and of the entries this process can reach, as
 * offsets from the region's start. Memory that the system has put somewhere is there for all threads: the
 * numbers only remember what it was asked for, and an older one asks again. */
static tally_atomic_u64 table_end;
static tally_atomic_u64 index_end;
static tally_atomic_u64 entries_end;

static struct tally__directory_seen seen;

static int reserve(uint64_t offset, uint64_t bytes)
{
	tally_atomic_u64 *end = offset < TALLY__INDEX_OFFSET     ? &table_end
				: offset < TALLY__ENTRIES_OFFSET ? &index_end
								 : &entries_end;
	/* pairs with nothing: the system orders it, see above */
	uint64_t from = tally_atomic_u64_load_relaxed(end);
	uint64_t page = tally__page_bytes();
	uint64_t to = (offset + bytes + page - 1) & ~(page - 1);
	int result;

	if (offset + bytes <= from)
		return 0;
	result = tally__shared_reserve(tally__region.mapping.base + from, (size_t)(to - from));
	if (result == 0)
		/* pairs with nothing: the system orders it, see above */
		tally_atomic_u64_max_relaxed(end, to);
	return result;
}

static int reserve_cells(uint32_t cells)
{
	return tally__region_raise(TALLY__AREA_SHARED, cells);
}

/* Makes the mapping this process's region. */
static void install(const struct tally__mapping *mapping)
{
	struct tally__region *region = &tally__region;
	char *base = mapping->base;
	struct tally__header *header = (struct tally__header *)base;

	region->mapping = *mapping;
	region->header = header;
	region->cells = base + TALLY__CELLS_OFFSET;
	region->own_offset = mapping->shared_bytes - TALLY__CELLS_OFFSET;
	region->slots = (struct tally__slots){
		.table = (struct tally__slot *)(base + TALLY__TABLE_OFFSET),
		.used = &header->slots_used,
		.max = TALLY__SLOTS_MAX,
		.header = header,
	};
	region->directory = (struct tally__directory){
		.base = base,
		.index = (tally_atomic_u64 *)(base + TALLY__INDEX_OFFSET),
		.entries_used = &header->entries_used,
		.index_max = TALLY__INDEX_MAX,
		.cells_max = TALLY__CELLS_MAX,
		.entries_offset = TALLY__ENTRIES_OFFSET,
		.entries_size = TALLY__ENTRIES_SIZE,
		.seen = &seen,
		.reserve = reserve,
		.reserve_cells = reserve_cells,
	};
	tally__plain_write(&region->cells, sizeof(region->cells));
	tally__plain_write(&region->header, sizeof(region->header));
	/* Published by the state that follows. pairs with create.c:reserve */
	tally_atomic_u64_store_relaxed(&table_end, 0);
	tally_atomic_u64_store_relaxed(&index_end, TALLY__INDEX_OFFSET);
	tally_atomic_u64_store_relaxed(&entries_end, TALLY__ENTRIES_OFFSET);
}

/* What was reached and seen in another mapping. */
static void forget_reach(void)
{
	tally_atomic_u32_store(&seen.words, 0);
	for (int area = 0; area < TALLY__AREAS; area++) {
		tally_atomic_u32_store(&tally__region.level[area], 0);
		tally_atomic_u64_store(&tally__region.all[area], 0);
		for (uint32_t i = 0; i < TALLY__SLOTS_MAX; i++)
			tally_atomic_u32_store(&tally__region.reach[area][i], 0);
	}
}

static const char *reason(int error)
{
	switch (error) {
	case -EPROTO:
		return "it is not a region of tally";
	case -ENOTSUP:
		return "it is a region of another version";
	case -EPERM:
		return "it belongs to another user";
	case -ENOSPC:
		return "its file system is full";
	case -EFBIG:
		return "this process must not make files so large";
	case -EACCES:
		return "access is not allowed";
	case -ENOENT:
		return "there is no such folder";
	case -EWOULDBLOCK:
		return "another process has held it locked for long";
	case -ENOMEM:
		return "there is no memory or address space for it";
	default:
		return "the system refused it";
	}
}

/* The region that TALLY_REGION names, if it does and there is no obstacle. */
static bool attach_named(struct tally__mapping *mapping)
{
	const char *path = tally__environment("TALLY_REGION");
	int result;

	if (!path)
		return false;
	result = tally__attach_file(mapping, path);
	if (result != 0)
		tally__warn("cannot count in %s: %s (error %d); counting in memory", path, reason(result),
			    -result);
	return result == 0;
}

static bool attach_memory(struct tally__mapping *mapping)
{
	int refused = tally__attach_memory(mapping, false);
	int result = refused;

	if (refused != 0)
		result = tally__attach_memory(mapping, true);
	if (refused != 0)
		tally__warn("no %s for the counters: %s (error %d); they cannot be seen from outside",
			    result == 0 ? "memfd" : "shared memory", reason(refused), -refused);
	if (result == 0)
		tally__owner_create();
	return result == 0;
}

static bool create(void)
{
	struct tally__mapping mapping;

	if (!attach_named(&mapping) && !attach_memory(&mapping))
		return false;
	install(&mapping);
	return true;
}

bool tally__region_start(bool wait)
{
	tally_atomic_u32 *state = &tally__region.state;
	uint32_t now;

	while ((now = tally_atomic_u32_load(state)) <= TALLY__REGION_STARTING) {
		/* Says who does it; the store publishes what is done. pairs with
		 * create.c:tally__region_start */
		if (now == TALLY__REGION_NONE && tally_atomic_u32_compare_and_swap_relaxed(
							 state, TALLY__REGION_NONE, TALLY__REGION_STARTING))
			tally_atomic_u32_store(state, create() ? TALLY__REGION_READY : TALLY__REGION_REFUSED);
		else if (!wait)
			return false;
		else
			tally__thread_yield();
	}
	return now == TALLY__REGION_READY;
}

int tally__region_change(const char *path, void (*moved)(void))
{
	struct tally__mapping before = tally__region.mapping;
	struct tally__mapping mapping;
	uint32_t state = tally_atomic_u32_load(&tally__region.state);
	int result;

	if (tally_atomic_bool_load(&tally__region.counted) || state == TALLY__REGION_STARTING)
		return -EBUSY;
	result = tally__attach_file(&mapping, path);
	if (result != 0)
		return result;
	forget_reach();
	install(&mapping);
	/* Its number for our namespaces may be another. */
	tally__owner_forget();
	tally_atomic_u32_store(&tally__region.state, TALLY__REGION_READY);
	moved();
	if (state == TALLY__REGION_READY)
		tally__detach(&before);
	return 0;
}

void tally__region_forks(void)
{
	if (tally_atomic_u32_load(&tally__region.state) != TALLY__REGION_READY)
		return;
	tally__plain_read(&tally__region.header, sizeof(tally__region.header));
	tally__owner_fork(tally__region.header);
}

void tally__region_forked(void)
{
	tally__owner_forget();
	/* The thread that was at it is not in this process. */
	tally_atomic_u32_compare_and_swap(&tally__region.state, TALLY__REGION_STARTING, TALLY__REGION_NONE);
}
