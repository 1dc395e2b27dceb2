/* How far the memory of a region reaches: pages are reserved before anybody counts in them, so that no add can
 * fail.
 *
 * Two threads meet here: one that raises the level, because it registers a metric, and one that claims a slot.
 * The first stores the level and then looks at the owners; the second stores itself as owner and then looks at
 * the level. All of that is sequentially consistent, so at least one of them sees the other, and makes the slot
 * reach the level before it goes on: the first to publish the cell, the second to count in the slot.
 *
 * Memory that the system has put somewhere is there for all threads, and processes, at once. So the numbers
 * that remember how far it goes are relaxed: an older one asks the system again.
 */
#include "platform/sharedfile.h"
#include "region/owner.h"
#include "region/region.h"

enum { RECORDS_AT_A_TIME = 128 };
_Static_assert(TALLY__SLOTS_MAX % RECORDS_AT_A_TIME == 0, "the last ones too");

static char *area_start(enum tally__area area, uint32_t slot)
{
	return tally__region_slot(slot) + (area == TALLY__AREA_OWN ? tally__region.own_offset : 0);
}

/* The cells that end with the page in which this many end. */
static uint32_t to_page_end(const char *start, uint32_t cells)
{
	uintptr_t page = tally__page_bytes();
	uintptr_t end = ((uintptr_t)start + cells * sizeof(uint64_t) + page - 1) & ~(page - 1);
	uintptr_t most = (end - (uintptr_t)start) / sizeof(uint64_t);

	return most < TALLY__CELLS_MAX ? (uint32_t)most : TALLY__CELLS_MAX;
}

/* Makes this process reach the cells below `cells` in the slot, with memory behind them. */
static int extend(enum tally__area area, uint32_t slot, uint32_t cells)
{
	tally_atomic_u32 *reach = &tally__region.reach[area][slot];
	/* pairs with nothing: the system orders it, see above */
	uint32_t reached = tally_atomic_u32_load_relaxed(reach);
	char *start = area_start(area, slot);
	size_t offset = reached * sizeof(uint64_t);
	int result;

	if (reached >= cells)
		return 0;
	cells = to_page_end(start, cells);
	if (area == TALLY__AREA_OWN)
		result = tally__shared_allow(start + offset, cells * sizeof(uint64_t) - offset);
	else
		result = tally__shared_reserve(start + offset, cells * sizeof(uint64_t) - offset);
	if (result != 0)
		return result;
	if (area == TALLY__AREA_SHARED)
		/* pairs with reach.c:tally__region_reaches */
		tally_atomic_u32_max_relaxed(&tally__region.slots.table[slot].backed, cells);
	/* pairs with nothing: the system orders it, see above */
	tally_atomic_u32_max_relaxed(reach, cells);
	return 0;
}

/* Extends the slots that this process owns, and the shared one. */
static int extend_mine(enum tally__area area, uint32_t cells)
{
	uint64_t me = tally__owner_self(tally__region.header);
	uint32_t used = tally__slots_used(&tally__region.slots);
	int result = extend(area, TALLY__SLOT_SHARED, cells);

	for (uint32_t i = TALLY__FIRST_OWNED_SLOT; i < used && result == 0; i++) {
		if (tally_atomic_u64_load(&tally__region.slots.table[i].owner) == me)
			result = extend(area, i, cells);
	}
	return result;
}

int tally__region_raise(enum tally__area area, uint32_t cells)
{
	/* First for the slots that are there, so that the level is not raised in vain. */
	int result = extend_mine(area, cells);

	if (result != 0)
		return result;
	tally_atomic_u32_max(&tally__region.level[area], cells);
	return extend_mine(area, cells);
}

static int prepare(uint32_t slot)
{
	int result = 0;

	for (enum tally__area area = TALLY__AREA_SHARED; area < TALLY__AREAS && result == 0; area++)
		result = extend(area, slot, tally_atomic_u32_load(&tally__region.level[area]));
	return result;
}

uint32_t tally__region_claim(void)
{
	struct tally__slots slots = tally__region.slots;
	uint64_t me = tally__owner_self(tally__region.header);
	uint32_t slot = TALLY__SLOT_SHARED;

	/* Claiming looks at records above slots_used, which nobody may have put memory behind yet: a page of
	 * them at a time. */
	for (slots.max = 0; slot == TALLY__SLOT_SHARED && slots.max < TALLY__SLOTS_MAX;) {
		slots.max += RECORDS_AT_A_TIME;
		if (tally__region.directory.reserve(TALLY__TABLE_OFFSET,
						    slots.max * sizeof(struct tally__slot)) != 0)
			break;
		slot = tally__slot_claim(&slots, me);
	}
	if (slot != TALLY__SLOT_SHARED && prepare(slot) != 0) {
		tally__slot_release(&slots, slot);
		slot = TALLY__SLOT_SHARED;
	}
	return slot;
}

bool tally__region_reaches(enum tally__area area, uint32_t slot, uint32_t cell)
{
	tally_atomic_u32 *reach = &tally__region.reach[area][slot];
	uint32_t backed;

	/* What counted there had reserved before, so a reader that is promised the count sees the number.
	 * pairs with reach.c:extend */
	if (tally_atomic_u32_load_relaxed(reach) > cell)
		return true;
	if (area == TALLY__AREA_OWN)
		return false;
	/* Another process may have put memory there. */
	/* pairs with reach.c:extend */
	backed = tally_atomic_u32_load_relaxed(&tally__region.slots.table[slot].backed);
	if (backed > TALLY__CELLS_MAX)
		backed = TALLY__CELLS_MAX;
	if (backed <= cell || tally__shared_allow(area_start(area, slot), backed * sizeof(uint64_t)) != 0)
		return false;
	/* pairs with nothing: the system orders it, see above */
	tally_atomic_u32_max_relaxed(reach, backed);
	return true;
}

void tally__region_reach_all(enum tally__area area, uint32_t slots, uint32_t cells)
{
	/* Whoever reads it must not find less in `reach` later: a read would be smaller than one before. */
	tally_atomic_u64_store(&tally__region.all[area], (uint64_t)slots << 32 | cells);
}
