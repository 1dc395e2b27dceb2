/* Memory behind cells: one thread registers a metric while another claims a slot. Whoever counts, in any slot
 * of the process, has memory behind the cell; and so has whoever reads. The explorer fails an access where
 * there is none. */
#include "platform/sharedfile.h"
#include "region/region.h"
#include <model.h>
#include <tally/cell.h>

enum { SLOTS = 4, SOME = 300, MORE = 900 };

#define SHARED_BYTES (SLOTS * TALLY__SLOT_STRIDE + 4096)

struct tally__region tally__region;

static struct tally__header header;
static struct tally__slot table[TALLY__SLOTS_MAX];
static tally_atomic_u32 registered[TALLY__AREAS]; /* cells below this are known to all */

/* Of the slot table, which is not mapped here. */
static int reserve(uint64_t offset, uint64_t bytes)
{
	(void)offset;
	(void)bytes;
	return 0;
}

static void setup(void)
{
	tally__region.cells = tally__shared_map(-1, SHARED_BYTES, SHARED_BYTES);
	tally__region.own_offset = SHARED_BYTES;
	tally__region.header = &header;
	tally__region.slots = (struct tally__slots){table, &header.slots_used, TALLY__SLOTS_MAX, &header};
	tally__region.directory.reserve = reserve;
	tally_atomic_u32_store(&header.slots_used, TALLY__FIRST_OWNED_SLOT);
	for (int area = 0; area < TALLY__AREAS; area++)
		model_name(&tally__region.level[area], "level");
	for (int i = 0; i < SLOTS; i++)
		model_name(&table[i].owner, "owner");
}

static void add_metrics(enum tally__area area, uint32_t cells)
{
	if (tally__region_raise(area, cells) == 0)
		tally_atomic_u32_max(&registered[area], cells);
}

static void register_shared(void)
{
	add_metrics(TALLY__AREA_SHARED, SOME);
	add_metrics(TALLY__AREA_SHARED, MORE);
}

static void register_own(void)
{
	add_metrics(TALLY__AREA_OWN, MORE);
}

static void register_some(void)
{
	add_metrics(TALLY__AREA_OWN, SOME);
	add_metrics(TALLY__AREA_SHARED, SOME);
}

static void register_more(void)
{
	add_metrics(TALLY__AREA_OWN, MORE);
	add_metrics(TALLY__AREA_SHARED, MORE);
}

/* Counts in the last of the cells that are known, in the slot if there is one, else in the shared one. */
static void count(void)
{
	for (int i = 0; i < 2; i++) {
		uint32_t slot = tally__region_claim();

		for (int area = 0; area < TALLY__AREAS; area++) {
			uint32_t known = tally_atomic_u32_load(&registered[area]);
			tally_atomic_u64 *cell =
				(tally_atomic_u64 *)(tally__region_slot(slot) +
						     (area == TALLY__AREA_OWN ? SHARED_BYTES : 0));

			if (known == 0)
				continue;
			if (slot == TALLY__SLOT_SHARED)
				tally_atomic_u64_add(cell + known - 1, 1);
			else
				tally__cell_add_relaxed(cell + known - 1, 1);
		}
		if (slot != TALLY__SLOT_SHARED)
			tally__slot_release(&tally__region.slots, slot);
	}
}

static void read_cells(void)
{
	static const uint32_t some_cells[] = {0, SOME - 1, MORE - 1};

	for (int k = 0; k < 3; k++) {
		uint32_t used = tally__slots_used(&tally__region.slots);

		for (uint32_t i = 0; i < used; i++) {
			tally_atomic_u64 *cell = (tally_atomic_u64 *)tally__region_slot(i) + some_cells[k];

			if (tally__region_reaches(TALLY__AREA_SHARED, i, some_cells[k]))
				(void)tally_atomic_u64_load(cell);
			if (tally__region_reaches(TALLY__AREA_OWN, i, some_cells[k]))
				(void)tally_atomic_u64_load(cell + SHARED_BYTES / sizeof(*cell));
		}
	}
}

/* No slot was lost. */
static void check(void)
{
	uint32_t used = tally__slots_used(&tally__region.slots);

	for (uint32_t i = 0; i < used; i++)
		model_assert(tally_atomic_u64_load(&table[i].owner) == 0);
}

/* Two have raised at once: the greater number has won, and what is there can be read. */
static void reaches_the_greater(void)
{
	check();
	for (enum tally__area area = TALLY__AREA_SHARED; area < TALLY__AREAS; area++) {
		model_assert(tally_atomic_u32_load(&tally__region.level[area]) == MORE);
		model_assert(tally__region_reaches(area, TALLY__SLOT_SHARED, MORE - 1));
	}
	/* By other processes too. */
	model_assert(tally_atomic_u32_load(&table[TALLY__SLOT_SHARED].backed) >= MORE);
}

static const struct model models[] = {
	{.name = "reach", .setup = setup, .threads = {register_shared, register_own, count}, .check = check},
	{.name = "reach, two", .setup = setup, .threads = {register_shared, count, count}, .check = check},
	{.name = "reach, refused",
	 .setup = setup,
	 .threads = {register_shared, count, count},
	 .check = check,
	 .faults = MODEL_FAULT_ALLOC},
	{.name = "reach, read",
	 .setup = setup,
	 .threads = {register_shared, count, read_cells},
	 .check = check},
	{.name = "reach, both raise",
	 .setup = setup,
	 .threads = {register_some, register_more, count},
	 .check = reaches_the_greater},
	{.name = "reach, all",
	 .setup = setup,
	 .threads = {register_own, count},
	 .check = check,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .schedules = 100000},
};

MODEL_MAIN(models)
