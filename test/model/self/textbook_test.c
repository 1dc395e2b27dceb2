/* textbook_test.c - the explorer on small forms of known algorithms, right and with known mistakes. Those of
 * the library are explored in their own source; these show that the tool sees what it must. */
#include "platform/clock.h"
#include "platform/futex.h"
#include "self.h"
#include <errno.h>

enum mistake {
	RIGHT,
	/* of the deque */
	RELAXED_PUSH,
	RELEASE_ONLY_IN_PUSH,
	NO_SEQ_CST_IN_TAKE,
	TAKE_WITHOUT_CAS,
	/* of the wait group */
	LATE_GENERATION,
	RELAXED_DONE,
	RELAXED_RESET,
	FORGOTTEN_WAKE,
	WAKE_ONE,
};

static enum mistake mistake(void)
{
	return model_variant();
}

static void many(const struct model *model, enum model_memory memory, unsigned schedules)
{
	for (enum model_strategy strategy = MODEL_RANDOM; strategy <= MODEL_PCT; strategy *= 2) {
		struct model more = *model;

		more.schedules = schedules;
		struct model_result result = model_explore(&more, memory, strategy, 1, false);
		if (result.failure)
			fail_msg("%s: %s (schedule %llu)", model->name, result.text, result.schedules);
	}
}

/* The deque of Chase and Lev without fences, of four cells, for at most three items. */
static tally_atomic_i64 top, bottom;
static tally_atomic_ptr cells[4];
static int items[4];
static tally_atomic_u32 taken[4];

static void push(int *item)
{
	int64_t b = tally_atomic_i64_load_relaxed(&bottom);

	tally_atomic_ptr_store_relaxed(&cells[b & 3], item);
	if (mistake() == RELAXED_PUSH)
		tally_atomic_i64_store_relaxed(&bottom, b + 1);
	else
		tally_atomic_i64_store_release(&bottom, b + 1);
}

static int *take(void)
{
	int64_t b = tally_atomic_i64_load_relaxed(&bottom) - 1;
	int64_t t;

	if (mistake() == NO_SEQ_CST_IN_TAKE) {
		tally_atomic_i64_store_release(&bottom, b);
		t = tally_atomic_i64_load_acquire(&top);
	} else if (mistake() == RELEASE_ONLY_IN_PUSH) {
		tally_atomic_i64_store_relaxed(&bottom, b);
		t = tally_atomic_i64_load(&top);
	} else {
		tally_atomic_i64_store(&bottom, b);
		t = tally_atomic_i64_load(&top);
	}
	if (t > b) {
		tally_atomic_i64_store_release(&bottom, b + 1);
		return NULL;
	}
	int *item = tally_atomic_ptr_load_relaxed(&cells[b & 3]);
	if (t == b) {
		if (mistake() != TAKE_WITHOUT_CAS && !tally_atomic_i64_compare_and_swap(&top, t, t + 1))
			item = NULL;
		tally_atomic_i64_store_release(&bottom, b + 1);
	}
	return item;
}

static int *steal(void)
{
	int64_t t = tally_atomic_i64_load(&top);
	int64_t b = tally_atomic_i64_load(&bottom);

	if (t >= b)
		return NULL;
	int *item = tally_atomic_ptr_load_relaxed(&cells[t & 3]);
	return tally_atomic_i64_compare_and_swap(&top, t, t + 1) ? item : NULL;
}

static void use(int *item)
{
	if (item == NULL)
		return;
	model_assert(model_read(item) >= 100 && model_read(item) < 104);
	model_assert(tally_atomic_u32_add_relaxed(&taken[*item - 100], 1) == 1);
}

static void put(int i)
{
	model_write(&items[i], 100 + i);
	push(&items[i]);
}

static void deque_owner(void)
{
	put(0);
	put(1);
	use(take());
	put(2);
	use(take());
}

static void deque_thief(void)
{
	use(steal());
	use(steal());
}

static void deque_rest(void)
{
	int *item;

	while ((item = take()) != NULL)
		use(item);
	for (int i = 0; i < 3; i++)
		model_assert(tally_atomic_u32_load(&taken[i]) == 1);
}

/* A wait group of one word and a generation, as the field's table has it: count, then a futex. */
static tally_atomic_u32 count, generation;
static int work[3];

static void group_done(void)
{
	model_write(&work[model_thread() - 1], 7);
	uint32_t left = mistake() == RELAXED_DONE ? tally_atomic_u32_sub_relaxed(&count, 1)
						  : tally_atomic_u32_sub_acq_rel(&count, 1);
	if (left != 0)
		return;
	if (mistake() == RELAXED_RESET)
		tally_atomic_u32_store_relaxed(&generation, 1);
	else
		tally_atomic_u32_store_release(&generation, 1);
	if (mistake() == WAKE_ONE)
		tally__futex_wake(&generation, 1);
	else if (mistake() != FORGOTTEN_WAKE)
		tally__futex_wake(&generation, 1000);
}

static void group_wait(void)
{
	if (mistake() == LATE_GENERATION) {
		/* Sampled after the count was seen above 0: it may be the new one by now. */
		if (tally_atomic_u32_load_acquire(&count) != 0) {
			uint32_t seen = tally_atomic_u32_load_acquire(&generation);

			while (tally_atomic_u32_load_acquire(&generation) == seen)
				tally__futex_wait(&generation, seen, TALLY__FOREVER);
		}
	} else {
		while (tally_atomic_u32_load_acquire(&generation) == 0)
			tally__futex_wait(&generation, 0, TALLY__FOREVER);
	}
	model_assert(model_read(&work[0]) == 7);
	model_assert(model_read(&work[1]) == 7);
}

static void group_setup(void)
{
	tally_atomic_u32_store(&count, 2);
}

static const struct model deque = {
	.name = "deque", .threads = {deque_owner, deque_thief, deque_thief}, .check = deque_rest};
static const struct model group = {
	.name = "group", .setup = group_setup, .threads = {group_done, group_done, group_wait, group_wait}};

/* Found within so many schedules by chance or by priorities, whichever is first, with a replay. */
static void found(const struct model *model, enum mistake mistake, enum model_memory memory,
		  enum model_failure failure, unsigned budget)
{
	unsigned long long best = 0;

	for (enum model_strategy strategy = MODEL_RANDOM; strategy <= MODEL_PCT; strategy *= 2) {
		struct model more = *model;

		more.schedules = budget;
		more.variant = mistake;
		struct model_result result = model_explore(&more, memory, strategy, 1, false);
		printf("           mistake %d, %s: %s%llu\n", (int)mistake,
		       strategy == MODEL_RANDOM ? "random" : "pct", result.failure ? "" : "not in ",
		       result.schedules);
		if (!result.failure)
			continue;
		if (failure && result.failure != failure)
			fail_msg("mistake %d: failure %d, not %d: %s", (int)mistake, (int)result.failure,
				 (int)failure, result.text);
		more.schedules = 1;
		assert_int_equal(model_explore(&more, memory, strategy, result.seed, false).failure,
				 result.failure);
		best = result.schedules;
	}
	if (best == 0)
		fail_msg("%s: mistake %d is not found in %u schedules", model->name, (int)mistake, budget);
}

static void right_deque(void **state)
{
	(void)state;
	many(&deque, MODEL_SC, 50000);
	many(&deque, MODEL_WEAK, 50000);
}

static void wrong_deques(void **state)
{
	(void)state;
	found(&deque, RELAXED_PUSH, MODEL_WEAK, MODEL_RACE, 2000);
	found(&deque, RELEASE_ONLY_IN_PUSH, MODEL_WEAK, 0, 200000);
	found(&deque, NO_SEQ_CST_IN_TAKE, MODEL_WEAK, 0, 100000);
	found(&deque, TAKE_WITHOUT_CAS, MODEL_SC, 0, 20000);
	found(&deque, TAKE_WITHOUT_CAS, MODEL_WEAK, 0, 20000);
}

static void right_group(void **state)
{
	(void)state;
	many(&group, MODEL_SC, 50000);
	many(&group, MODEL_WEAK, 50000);
}

static void wrong_groups(void **state)
{
	(void)state;
	found(&group, LATE_GENERATION, MODEL_SC, MODEL_DEADLOCK, 2000);
	found(&group, FORGOTTEN_WAKE, MODEL_SC, MODEL_DEADLOCK, 2000);
	found(&group, WAKE_ONE, MODEL_SC, MODEL_DEADLOCK, 2000);
	found(&group, RELAXED_DONE, MODEL_WEAK, MODEL_RACE, 2000);
	found(&group, RELAXED_RESET, MODEL_WEAK, MODEL_RACE, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_deque),
		cmocka_unit_test(wrong_deques),
		cmocka_unit_test(right_group),
		cmocka_unit_test(wrong_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
