/* tally_waitgroup_go_n: each index once, as tasks of their own. */
#include "child.h"
#include "scale.h"

#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

#define MOST 100000

static const int worker_counts[] = {1, 2, 8};
static tally_atomic_u32 runs[MOST];
static tally_atomic_u64 ids[MOST];

struct run {
	int workers;
	size_t n;
};

static void run_once(void *arg, size_t index)
{
	CHECK(arg == runs);
	CHECK(index < MOST);
	tally_atomic_u32_add(&runs[index], 1);
	tally_atomic_u64_store(&ids[index], tally_task_id());
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void check_runs(size_t n, uint32_t times)
{
	for (size_t i = 0; i < MOST; i++)
		CHECK_EQUAL(tally_atomic_u32_load(&runs[i]), i < n ? times : 0);
}

static void run_n(void *arg)
{
	const struct run *run = arg;
	tally_waitgroup group = {0};
	tally_set_workers(run->workers);
	for (uint32_t round = 1; round <= 3; round++) {
		tally_waitgroup_go_n(&group, run->n, run_once, runs);
		tally_waitgroup_wait(&group);
		check_runs(run->n, round);
	}
	uint64_t *sorted = calloc(run->n + 1, sizeof(*sorted));
	for (size_t i = 0; i < run->n; i++)
		sorted[i] = tally_atomic_u64_load(&ids[i]);
	qsort(sorted, run->n, sizeof(*sorted), by_value);
	for (size_t i = 0; i < run->n; i++)
		CHECK(sorted[i] > (i == 0 ? 0 : sorted[i - 1]));
	free(sorted);
}

static void each_index_runs_once(void **state)
{
	(void)state;
	static const size_t counts[] = {0, 1, 2, 3, 1000, 1023, 1025, MOST};
	for (int i = 0; i < 3; i++)
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
			assert_passes(run_n, &(struct run){worker_counts[i], counts[j]});
}

/* --- tasks that block, and start more --- */

static tally_waitgroup gate;
static tally_atomic_u64 blocked;

static void block_at_the_gate(void *arg, size_t index)
{
	tally_atomic_u64_add(&blocked, 1);
	tally_waitgroup_wait(&gate);
	run_once(arg, index);
}

static void all_block(void *arg)
{
	const struct run *run = arg;
	tally_waitgroup group = {0};
	tally_set_workers(run->workers);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go_n(&group, run->n, block_at_the_gate, runs);
	/* All must come to the gate, though none may pass it. */
	while (tally_atomic_u64_load(&blocked) < run->n)
		pause_for(100000);
	check_runs(0, 0);
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
	check_runs(run->n, 1);
}

static void all_may_block(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(all_block, &(struct run){worker_counts[i], scaled(5000)});
}

static void leaf(void *arg, size_t index)
{
	size_t first = *(const size_t *)arg;
	run_once(runs, first + index);
}

static void branch(void *arg, size_t index)
{
	(void)arg;
	tally_waitgroup group = {0};
	size_t first = index * 100;
	tally_waitgroup_go_n(&group, 50, leaf, &first);
	tally_yield();
	size_t second = first + 50;
	tally_waitgroup_go_n(&group, 50, leaf, &second);
	tally_waitgroup_wait(&group);
}

static void nest(void *arg)
{
	const struct run *run = arg;
	tally_waitgroup group = {0};
	tally_set_workers(run->workers);
	tally_waitgroup_go_n(&group, run->n / 100, branch, NULL);
	tally_waitgroup_wait(&group);
	check_runs(run->n / 100 * 100, 1);
}

static void they_nest(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(nest, &(struct run){worker_counts[i], scaled(MOST)});
}

/* --- beside others on one group --- */

static void count_plain(void *arg)
{
	tally_atomic_u64_add(arg, 1);
}

static void *start_a_range(void *arg)
{
	size_t *first = arg;
	tally_waitgroup_go_n(&gate, 1000, leaf, first);
	tally_atomic_u64_add(&blocked, 1);
	tally_waitgroup_wait(&gate);
	return NULL;
}

static void several_on_one_group(void *arg)
{
	pthread_t threads[8];
	size_t first[8];
	tally_atomic_u64 count = {0};
	tally_set_workers(*(const int *)arg);
	/* Above 0 until all have begun. */
	tally_waitgroup_add(&gate, 1);
	for (size_t i = 0; i < 8; i++) {
		first[i] = i * 1000;
		CHECK_EQUAL(pthread_create(&threads[i], NULL, start_a_range, &first[i]), 0);
		tally_waitgroup_go(&gate, count_plain, &count);
	}
	while (tally_atomic_u64_load(&blocked) < 8)
		pause_for(100000);
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&gate);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	check_runs(8000, 1);
	CHECK_EQUAL(tally_atomic_u64_load(&count), 8);
}

static void ranges_share_a_group(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		for (int round = 0; round < 5; round++)
			assert_passes(several_on_one_group, (void *)(uintptr_t)&worker_counts[i]);
}

/* The most that there can be are one entry until they start: nothing is allocated for them. */
static void first_ones(void *arg, size_t index)
{
	(void)index;
	if (tally_atomic_u64_add(arg, 1) == 1000)
		_exit(0);
}

static void the_most(void *arg)
{
	(void)arg;
	tally_atomic_u64 count = {0};
	tally_waitgroup group = {0};
	tally_waitgroup_go_n(&group, INT32_MAX, first_ones, &count);
	tally_waitgroup_wait(&group);
	CHECK(false);
}

static void the_most_is_2_147_483_647(void **state)
{
	(void)state;
	assert_passes(the_most, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_index_runs_once),
		cmocka_unit_test(all_may_block),
		cmocka_unit_test(they_nest),
		cmocka_unit_test(ranges_share_a_group),
		cmocka_unit_test(the_most_is_2_147_483_647),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
