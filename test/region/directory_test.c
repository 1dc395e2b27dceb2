/* The directory, in memory of the test's own: each name once, cells without gaps, and what happens when it is
 * full. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>

#include "region/directory.h"

enum { INDEX = 512, CELLS = 700, ROOM = 65536 };

static struct {
	tally_atomic_u64 index[INDEX];
	alignas(8) char entries[ROOM];
} memory;

static tally_atomic_u64 used;
static tally_atomic_u32 most_cells; /* asked for by reserve_cells */
static uint64_t limit;              /* reserve fails beyond it */
static uint32_t cells_limit;

static int reserve(uint64_t offset, uint64_t bytes)
{
	return offset + bytes <= limit ? 0 : -ENOMEM;
}

static int reserve_cells(uint32_t cells)
{
	tally_atomic_u32_max(&most_cells, cells);
	return cells <= cells_limit ? 0 : -ENOSPC;
}

static struct tally__directory directory;

static int set_up(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	tally_atomic_u64_store(&used, 0);
	tally_atomic_u32_store(&most_cells, 0);
	limit = sizeof(memory);
	cells_limit = CELLS;
	directory = (struct tally__directory){
		.base = (char *)&memory,
		.index = memory.index,
		.entries_used = &used,
		.index_max = INDEX,
		.cells_max = CELLS,
		.entries_offset = offsetof(__typeof__(memory), entries),
		.entries_size = ROOM,
		.reserve = reserve,
		.reserve_cells = reserve_cells,
	};
	return 0;
}

static int64_t add(enum tally__kind kind, const char *name, const char *help)
{
	struct tally__definition wanted = {kind, kind == TALLY__KIND_UPDOWN ? 2 : 1,
					   name, (uint32_t)strlen(name),
					   help, (uint32_t)strlen(help)};
	uint32_t found = 0;

	return tally__directory_add(&directory, &wanted, &found);
}

static int64_t add_number(unsigned number)
{
	char name[32];

	snprintf(name, sizeof(name), "metric_%u", number);
	return add(TALLY__KIND_GAUGE, name, "");
}

static void a_name_is_added_once(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_int_equal(add(TALLY__KIND_COUNTER, "a_total", "first"), 1);
	assert_int_equal(add(TALLY__KIND_UPDOWN, "b", "second"), 2);
	assert_int_equal(add(TALLY__KIND_GAUGE, "c", ""), 4);
	assert_int_equal(tally_atomic_u32_load(&most_cells), 5);
	bytes = tally_atomic_u64_load(&used);
	assert_int_equal(add(TALLY__KIND_COUNTER, "a_total", "other words"), 1);
	assert_int_equal(add(TALLY__KIND_UPDOWN, "b", "second"), 2);
	assert_int_equal(add(TALLY__KIND_GAUGE, "c", ""), 4);
	/* What is only looked for takes no room. */
	assert_int_equal(tally_atomic_u64_load(&used), bytes);
	assert_int_equal(add(TALLY__KIND_GAUGE, "a", ""), -EEXIST);
	assert_int_equal(add(TALLY__KIND_GAUGE, "b", ""), -EEXIST);
	assert_int_equal(add(TALLY__KIND_COUNTER, "c_total", ""), -EEXIST);
	assert_int_equal(add(TALLY__KIND_GAUGE, "d", ""), 5);
}

/* As doc/region-format.md says, for readers in other languages. */
static void entries_are_as_documented(void **state)
{
	const unsigned char *entry;
	uint64_t word;

	(void)state;
	assert_int_equal(add(TALLY__KIND_COUNTER, "ab_total", "Help."), 1);
	word = tally_atomic_u64_load(&memory.index[0]);
	/* FNV-1a of "ab". */
	assert_int_equal(word >> 32, 0x4d2505ca);
	assert_int_equal(word & 0xffffffff, directory.entries_offset);
	entry = (const unsigned char *)memory.entries;
	assert_int_equal(*(const uint32_t *)(entry + 0), 40);
	assert_int_equal(*(const uint16_t *)(entry + 4), 1);
	assert_int_equal(*(const uint16_t *)(entry + 6), 0);
	assert_int_equal(*(const uint32_t *)(entry + 8), 1);
	assert_int_equal(*(const uint32_t *)(entry + 12), 1);
	assert_int_equal(*(const uint16_t *)(entry + 16), 8);
	assert_int_equal(*(const uint16_t *)(entry + 18), 5);
	assert_int_equal(*(const uint32_t *)(entry + 20), 0);
	assert_memory_equal(entry + 24, "ab_total\0Help.\0", 16);
	assert_int_equal(tally_atomic_u64_load(&memory.index[1]), 0);
}

static void a_full_index_refuses(void **state)
{
	(void)state;
	directory.index_max = 64;
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(add_number(i), i + 1);
	assert_int_equal(add_number(64), -ENOSPC);
	assert_int_equal(add_number(63), 64);
}

static void cells_run_out(void **state)
{
	(void)state;
	directory.cells_max = 10;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(add_number(i), i + 1);
	assert_int_equal(add(TALLY__KIND_UPDOWN, "pair", ""), -ENOSPC);
	assert_int_equal(add_number(8), 9);
	assert_int_equal(add_number(9), -ENOSPC);
	/* Likewise where memory for them is refused. */
	set_up(NULL);
	cells_limit = 3;
	assert_int_equal(add_number(0), 1);
	assert_int_equal(add_number(1), 2);
	assert_int_equal(add_number(2), -ENOSPC);
	assert_int_equal(tally_atomic_u64_load(&memory.index[2]), 0);
}

static void entries_run_out(void **state)
{
	unsigned count = 0;
	uint64_t bytes;

	(void)state;
	directory.entries_size = 1000;
	while (add_number(count) > 0)
		count++;
	assert_in_range(count, 1000 / 48, 1000 / 40);
	assert_int_equal(add_number(count), -ENOSPC);
	assert_int_equal(add_number(count - 1), count);
	assert_true(tally_atomic_u64_load(&used) <= 1000);
	/* And where memory for them is refused, which gives the room back. */
	set_up(NULL);
	limit = directory.entries_offset + 100;
	assert_int_equal(add_number(0), 1);
	bytes = tally_atomic_u64_load(&used);
	assert_int_equal(add(TALLY__KIND_GAUGE, "one_with_a_long_name_for_which_there_is_no_memory", ""),
			 -ENOMEM);
	assert_int_equal(tally_atomic_u64_load(&memory.index[1]), 0);
	assert_int_equal(tally_atomic_u64_load(&used), bytes);
	limit = 0;
	assert_int_equal(add_number(0), -ENOMEM);
}

/* With a memory of what is in a long index, as processes have it: the names are the same ones. */
static struct tally__directory_seen seen;

static void what_was_seen_is_found(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	directory.seen = &seen;
	for (unsigned i = 0; i < INDEX - 12; i++)
		assert_int_equal(add_number(i), i + 1);
	assert_in_range(tally_atomic_u32_load(&seen.words), INDEX / 2, INDEX);
	for (unsigned i = 0; i < INDEX - 12; i++)
		assert_int_equal(add_number(i), i + 1);
	/* What another process has added meanwhile is seen too. */
	directory.seen = NULL;
	assert_int_equal(add_number(1000), INDEX - 11);
	directory.seen = &seen;
	assert_int_equal(add_number(1000), INDEX - 11);
	assert_int_equal(add(TALLY__KIND_COUNTER, "metric_3_total", ""), -EEXIST);
	for (unsigned i = 2000; i < 2011; i++)
		assert_int_equal(add_number(i), i - 2000 + INDEX - 10);
	assert_int_equal(add_number(3000), -ENOSPC);
	assert_int_equal(add_number(2010), INDEX);
}

/* Threads that add the same names in other orders. */
enum { THREADS = 4, NAMES = 400 };

static int64_t cells[THREADS][NAMES];
static pthread_barrier_t together;

static void *add_all(void *arg)
{
	size_t thread = (size_t)(uintptr_t)arg;

	pthread_barrier_wait(&together);
	for (unsigned i = 0; i < NAMES; i++) {
		unsigned number = thread % 2 ? i : NAMES - 1 - i;

		cells[thread][number] = add_number(number);
	}
	return NULL;
}

static void threads_agree_on_the_cells(void **state)
{
	size_t rounds = scaled(100);

	(void)state;
	assert_int_equal(pthread_barrier_init(&together, NULL, THREADS), 0);
	for (size_t round = 0; round < rounds; round++) {
		pthread_t threads[THREADS];
		bool taken[NAMES + 1] = {0};

		set_up(NULL);
		memset(&seen, 0, sizeof(seen));
		directory.seen = round % 2 ? &seen : NULL;
		for (size_t i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, add_all, (void *)i), 0);
		for (size_t i = 0; i < THREADS; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		for (size_t i = 0; i < NAMES; i++) {
			assert_in_range(cells[0][i], 1, NAMES);
			assert_false(taken[cells[0][i]]);
			taken[cells[0][i]] = true;
			for (size_t k = 1; k < THREADS; k++)
				assert_int_equal(cells[k][i], cells[0][i]);
		}
		assert_int_equal(tally_atomic_u64_load(&memory.index[NAMES]), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_name_is_added_once, set_up),
		cmocka_unit_test_setup(entries_are_as_documented, set_up),
		cmocka_unit_test_setup(a_full_index_refuses, set_up),
		cmocka_unit_test_setup(cells_run_out, set_up),
		cmocka_unit_test_setup(entries_run_out, set_up),
		cmocka_unit_test_setup(what_was_seen_is_found, set_up),
		cmocka_unit_test_setup(threads_agree_on_the_cells, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
