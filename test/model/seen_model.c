/* What a process remembers of a long directory: names are added past the words that it has seen, by several
 * threads, and none is added twice. The index is long from the beginning, so that what is seen is remembered.
 */
#include "region/directory.h"
#include <model.h>
#include <string.h>

enum { BEGUN = 255, INDEX = BEGUN + 9, CELLS = 16, ROOM = 640 };

static struct {
	tally_atomic_u64 index[INDEX];
	uint64_t entries[ROOM / 8];
} memory;

static tally_atomic_u64 used;
static struct tally__directory directory;
static struct tally__directory_seen seen;
static int64_t found[MODEL_THREADS_MAX + 1][4];

/* The hashes of the first two are in the same word of what is remembered. */
static const char *const names[] = {"a_ba", "a_hb", "a_hf", "a_pa"};

static int reserve(uint64_t offset, uint64_t bytes)
{
	return offset + bytes <= sizeof(memory) + 4096 ? 0 : -1;
}

static int reserve_cells(uint32_t cells)
{
	return cells <= CELLS ? 0 : -1;
}

static int64_t add(unsigned name)
{
	struct tally__definition wanted = {TALLY__KIND_GAUGE, 1, names[name], 4, "", 0};
	uint32_t other;

	return tally__directory_add(&directory, &wanted, &other);
}

/* The words so far are those of one entry, of a hash that no name has; all of them have been seen. */
static void setup(void)
{
	struct tally__entry *entry = (struct tally__entry *)memory.entries;

	*entry = (struct tally__entry){
		.size = 40, .kind = TALLY__KIND_GAUGE, .cell = 1, .cells = 1, .name_length = 1};
	for (int i = 0; i < BEGUN; i++)
		tally_atomic_u64_store(&memory.index[i],
				       UINT64_C(1) << TALLY__INDEX_HASH_SHIFT | sizeof(memory.index));
	tally_atomic_u64_store(&used, 40);
	tally_atomic_u32_store(&seen.words, BEGUN);
	directory = (struct tally__directory){
		.base = (char *)&memory,
		.index = memory.index,
		.entries_used = &used,
		.index_max = INDEX,
		.cells_max = CELLS,
		.entries_offset = sizeof(memory.index),
		.entries_size = ROOM,
		.seen = &seen,
		.reserve = reserve,
		.reserve_cells = reserve_cells,
	};
	model_name(&seen.words, "words");
}

static void add_all(unsigned first, unsigned second, unsigned third, unsigned fourth)
{
	const unsigned order[] = {first, second, third, fourth};

	for (unsigned i = 0; i < 4; i++)
		found[model_thread()][order[i]] = add(order[i]);
}

static void add_forward(void)
{
	add_all(0, 2, 1, 3);
}

static void add_backward(void)
{
	add_all(1, 3, 0, 2);
}

static void add_last(void)
{
	add_all(3, 1, 2, 0);
}

/* Four names, in four words, and each thread got the same cell for each. */
static void check(void)
{
	unsigned count = 0;

	while (tally_atomic_u64_load(&memory.index[BEGUN + count]) != 0)
		count++;
	model_assert(count == 4);
	for (unsigned i = 0; i < 4; i++) {
		model_assert(found[1][i] > 1 && found[1][i] <= 5);
		for (unsigned thread = 2; thread <= MODEL_THREADS_MAX; thread++)
			model_assert(found[thread][i] == 0 || found[thread][i] == found[1][i]);
	}
}

static const struct model models[] = {
	{.name = "seen",
	 .setup = setup,
	 .threads = {add_forward, add_backward, add_last},
	 .check = check,
	 .schedules = 4000},
	{.name = "seen, two",
	 .setup = setup,
	 .threads = {add_forward, add_last},
	 .check = check,
	 .schedules = 4000},
};

MODEL_MAIN(models)
