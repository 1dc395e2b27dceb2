/* The directory: processes that add the same names and others at once, and may be killed at any step, agree on
 * who has which cell; whoever finds an entry finds it complete. */
#include "platform/plain.h"
#include "region/directory.h"
#include <model.h>
#include <string.h>

enum { INDEX = 8, CELLS = 12, ROOM = 640 };

static struct {
	tally_atomic_u64 index[INDEX];
	uint64_t entries[ROOM / 8];
} memory;

static tally_atomic_u64 used;
static tally_atomic_u32 reserved_cells;
static struct tally__directory directory;
static int64_t found[MODEL_THREADS_MAX + 1][3]; /* what each thread got for its names; 0: nothing yet */

static int reserve(uint64_t offset, uint64_t bytes)
{
	return offset + bytes <= sizeof(memory) + 4096 ? 0 : -1;
}

static int reserve_cells(uint32_t cells)
{
	tally_atomic_u32_max(&reserved_cells, cells);
	return 0;
}

static int64_t add(enum tally__kind kind, const char *name)
{
	struct tally__definition wanted = {
		kind, kind == TALLY__KIND_UPDOWN ? 2 : 1, name, (uint32_t)strlen(name), "", 0};
	uint32_t other;

	return tally__directory_add(&directory, &wanted, &other);
}

static void setup(void)
{
	directory = (struct tally__directory){
		.base = (char *)&memory,
		.index = memory.index,
		.entries_used = &used,
		.index_max = INDEX,
		.cells_max = CELLS,
		.entries_offset = sizeof(memory.index),
		.entries_size = ROOM,
		.reserve = reserve,
		.reserve_cells = reserve_cells,
	};
	model_name(&used, "entries_used");
	for (int i = 0; i < INDEX; i++)
		model_name(&memory.index[i], "index");
}

/* Two kinds of names: one that all add, one of each thread's own. */
static const char *const names[] = {"shared_a", "shared_b"};
static const char *const own[] = {"own_0", "own_1", "own_2", "own_3", "own_4"};

static void add_forward(void)
{
	unsigned me = model_thread();

	found[me][0] = add(TALLY__KIND_GAUGE, names[0]);
	found[me][2] = add(TALLY__KIND_GAUGE, own[me]);
	found[me][1] = add(TALLY__KIND_UPDOWN, names[1]);
}

static void add_backward(void)
{
	unsigned me = model_thread();

	found[me][1] = add(TALLY__KIND_UPDOWN, names[1]);
	found[me][0] = add(TALLY__KIND_GAUGE, names[0]);
}

static void add_one(void)
{
	found[model_thread()][0] = add(TALLY__KIND_GAUGE, names[0]);
}

static void kill_first(void)
{
	for (unsigned steps = model_choose(20); steps > 0; steps--)
		model_yield();
	model_stop(1);
}

/* As doc/region-format.md says: up to the first word that is 0, each entry complete. */
static void read_index(void)
{
	for (int i = 0; i < INDEX; i++) {
		uint64_t word = tally_atomic_u64_load(&memory.index[i]);
		const struct tally__entry *entry;

		if (word == 0)
			break;
		entry = (const struct tally__entry *)((char *)&memory + (word & TALLY__INDEX_OFFSET_MASK));
		tally__plain_read(entry, entry->size);
		model_assert(entry->kind == (entry->cells == 2 ? TALLY__KIND_UPDOWN : TALLY__KIND_GAUGE));
		model_assert(entry->cell > 0 && entry->cell + entry->cells <= CELLS);
		model_assert(entry->text[entry->name_length] == 0);
		model_assert(strlen(entry->text) == entry->name_length);
		/* Memory was put behind its cells before anybody could see it. */
		model_assert(tally_atomic_u32_load(&reserved_cells) >= entry->cell + entry->cells);
	}
}

static void check(void)
{
	uint32_t next = 1;
	int count = 0;

	for (; count < INDEX && tally_atomic_u64_load(&memory.index[count]) != 0; count++) {
		uint64_t word = tally_atomic_u64_load(&memory.index[count]);
		const struct tally__entry *entry =
			(const struct tally__entry *)((char *)&memory + (word & TALLY__INDEX_OFFSET_MASK));

		model_assert(entry->cell == next);
		next += entry->cells;
		for (int k = 0; k < count; k++) {
			uint64_t other = tally_atomic_u64_load(&memory.index[k]);

			model_assert(strcmp(entry->text,
					    ((const struct tally__entry *)((char *)&memory +
									   (other & TALLY__INDEX_OFFSET_MASK)))
						    ->text) != 0);
		}
	}
	for (unsigned i = 1; i <= 3; i++) {
		for (int k = 0; k < 2; k++) {
			enum tally__kind kind = k == 0 ? TALLY__KIND_GAUGE : TALLY__KIND_UPDOWN;

			model_assert(found[i][k] >= 0);
			model_assert(found[i][k] == 0 || found[i][k] == add(kind, names[k]));
		}
	}
	/* Nothing was added by looking again. */
	model_assert(count == INDEX || tally_atomic_u64_load(&memory.index[count]) == 0);
}

static const struct model models[] = {
	{.name = "directory",
	 .setup = setup,
	 .threads = {add_forward, add_backward, add_forward},
	 .check = check},
	{.name = "directory, killed",
	 .setup = setup,
	 .threads = {add_forward, add_backward, add_forward, kill_first},
	 .check = check},
	{.name = "directory, read",
	 .setup = setup,
	 .threads = {add_forward, add_backward, kill_first, read_index},
	 .check = check},
	{.name = "directory, all",
	 .setup = setup,
	 .threads = {add_one, add_one},
	 .check = check,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .schedules = 4000000,
	 .preemptions = -1},
};

MODEL_MAIN(models)
