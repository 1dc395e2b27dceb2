/* engine_test.c - what the explorer does besides memory: sleeping, time, allocation, threads, variables,
 * limits. */
#include "platform/clock.h"
#include "platform/die.h"
#include "platform/futex.h"
#include "platform/pages.h"
#include "platform/plain.h"
#include "platform/thread.h"
#include "self.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static tally_atomic_u32 word, other;
static tally_atomic_ptr shared;
static int plain;

/* Runs the model by chance and by priorities; the first failure is the answer. */
static struct model_result run(const struct model *model, enum model_memory memory)
{
	struct model_result result = {0};

	for (enum model_strategy strategy = MODEL_RANDOM; strategy <= MODEL_PCT && !result.failure;
	     strategy *= 2)
		result = model_explore(model, memory, strategy, 1, false);
	return result;
}

static void passes(const struct model *model)
{
	for (enum model_memory memory = MODEL_SC; memory <= MODEL_WEAK; memory++) {
		struct model_result result = run(model, memory);

		if (result.failure)
			fail_msg("%s: %s", model->name, result.text);
	}
}

static void shows(const struct model *model, enum model_failure failure)
{
	for (enum model_memory memory = MODEL_SC; memory <= MODEL_WEAK; memory++) {
		struct model_result result = run(model, memory);

		if (result.failure != failure)
			fail_msg("%s: failure %d, not %d: %s", model->name, (int)result.failure, (int)failure,
				 result.text);
	}
}

/* Sleeping */
static void sleeper(void)
{
	while (tally_atomic_u32_load(&word) == 0)
		tally__futex_wait(&word, 0, TALLY__FOREVER);
}
static void waker(void)
{
	tally_atomic_u32_store(&word, 1);
	tally__futex_wake(&word, 1);
}
static void wakes_early(void)
{
	tally__futex_wake(&word, 1);
	tally_atomic_u32_store(&word, 1);
}
static void wakes_another(void)
{
	tally_atomic_u32_store(&word, 1);
	tally__futex_wake(&other, 1);
}
static void trusts_the_wake(void)
{
	if (tally_atomic_u32_load(&word) == 0)
		tally__futex_wait(&word, 0, TALLY__FOREVER);
	model_assert(tally_atomic_u32_load(&word) == 1);
}

static void only_a_wake_wakes(void **state)
{
	static const struct model good = {.name = "wake", .threads = {sleeper, waker}, .schedules = 2000};
	static const struct model early = {.name = "early wake", .threads = {sleeper, wakes_early}};
	static const struct model another = {.name = "another's wake", .threads = {sleeper, wakes_another}};
	static const struct model two = {.name = "one wake for two", .threads = {sleeper, sleeper, waker}};
	static const struct model trust = {.name = "trusts the wake", .threads = {trusts_the_wake, waker}};
	static const struct model calm = {
		.name = "no spurious", .threads = {trusts_the_wake, waker}, .no_spurious = true};

	(void)state;
	passes(&good);
	shows(&early, MODEL_DEADLOCK);
	shows(&another, MODEL_DEADLOCK);
	shows(&two, MODEL_DEADLOCK);
	shows(&trust, MODEL_ASSERTION);
	passes(&calm);
}

/* Time */
static void sleeps_with_deadline(void)
{
	int64_t deadline = tally__clock_now() + 5000;
	int result = 0;

	while (tally_atomic_u32_load(&word) == 0 && result != -ETIMEDOUT)
		result = tally__futex_wait(&word, 0, deadline);
	if (result == -ETIMEDOUT)
		model_assert(tally__clock_now() >= deadline);
}
static void never_in_time(void)
{
	sleeps_with_deadline();
	model_assert(tally_atomic_u32_load(&word) == 0);
}
static void always_in_time(void)
{
	sleeps_with_deadline();
	model_assert(tally_atomic_u32_load(&word) == 1);
}

static void deadlines_race_with_wakes(void **state)
{
	static const struct model good = {.name = "deadline", .threads = {sleeps_with_deadline, waker}};
	static const struct model alone = {.name = "deadline alone", .threads = {never_in_time}};
	static const struct model woken = {.name = "woken", .threads = {never_in_time, waker}};
	static const struct model late = {.name = "late", .threads = {always_in_time, waker}};

	(void)state;
	passes(&good);
	passes(&alone);
	shows(&woken, MODEL_ASSERTION);
	shows(&late, MODEL_ASSERTION);
}

/* Memory */
static void publishes(void)
{
	tally_atomic_u32 *object = calloc(1, sizeof(*object));

	tally_atomic_ptr_store(&shared, object);
	while (tally_atomic_u32_load(object) == 0)
		model_yield();
	free(object);
}
static void uses(void)
{
	tally_atomic_u32 *object = tally_atomic_ptr_load(&shared);

	if (object)
		tally_atomic_u32_store(object, 1);
	else
		tally_atomic_u32_store(&word, 1);
}
static void uses_twice(void)
{
	tally_atomic_u32 *object;

	while ((object = tally_atomic_ptr_load(&shared)) == NULL)
		model_yield();
	tally_atomic_u32_store(object, 1);
	tally_atomic_u32_load(object);
}
static void uses_once(void)
{
	tally_atomic_u32 *object;

	while ((object = tally_atomic_ptr_load(&shared)) == NULL)
		model_yield();
	tally_atomic_u32_store(object, 1);
}
static void frees_twice(void)
{
	void *object = malloc(8);

	free(object);
	free(object);
}
static void leaks(void)
{
	plain = malloc(8) != NULL;
}
static void reads_past(void)
{
	tally_atomic_u32 *object = malloc(16);

	tally_atomic_u32_load(object + 4);
}

static void memory_that_is_gone(void **state)
{
	static const struct model good = {
		.name = "free", .threads = {publishes, uses_once}, .no_leaks = true, .schedules = 2000};
	static const struct model freed = {.name = "use after free", .threads = {publishes, uses_twice}};
	static const struct model twice = {.name = "double free", .threads = {frees_twice}};
	static const struct model leak = {.name = "leak", .threads = {leaks}, .no_leaks = true};
	static const struct model past = {.name = "past the end", .threads = {reads_past}};
	static const struct model spin = {.name = "waits for ever", .threads = {publishes, uses}, .steps = 500};

	(void)state;
	passes(&good);
	shows(&freed, MODEL_USE_AFTER_FREE);
	shows(&twice, MODEL_USE_AFTER_FREE);
	shows(&leak, MODEL_LEAK);
	shows(&past, MODEL_USE_AFTER_FREE);
	shows(&spin, MODEL_LIVELOCK);
}

/* A record on a stack that a waker touches after its owner has gone. */
static __attribute__((noinline)) void waits_on_its_stack(void)
{
	tally_atomic_u32 record = {0};

	tally_atomic_ptr_store(&shared, &record);
	while (tally_atomic_u32_load(&record) == 0)
		tally__futex_wait(&record, 0, TALLY__FOREVER);
	tally_atomic_ptr_store(&shared, NULL);
}
static void waits_then_goes_on(void)
{
	waits_on_its_stack();
	tally_atomic_u32_load(&word);
}
static void wakes_first(void)
{
	tally_atomic_u32 *record = tally_atomic_ptr_load(&shared);

	if (record == NULL) {
		tally_atomic_ptr_store(&shared, &word);
		return;
	}
	tally_atomic_u32_store(record, 1);
	tally__futex_wake(record, 1);
}
static void wakes_and_looks(void)
{
	tally_atomic_u32 *record;

	while ((record = tally_atomic_ptr_load(&shared)) == NULL)
		model_yield();
	tally_atomic_u32_store(record, 1);
	tally__futex_wake(record, 1);
	tally_atomic_u32_load(record);
}
static void ends_by_mark(void)
{
	tally_atomic_u32_store(&other, 0);
	tally__plain_write(&plain, sizeof(plain));
	tally__plain_end(&plain, sizeof(plain));
	tally_atomic_u32_store(&word, 1);
}
static void reads_after_mark(void)
{
	if (tally_atomic_u32_load(&word) == 1)
		tally__plain_read(&plain, sizeof(plain));
}

static void stacks_that_are_gone(void **state)
{
	static const struct model after = {.name = "after its return",
					   .threads = {waits_then_goes_on, wakes_and_looks}};
	static const struct model marked = {.name = "after its end",
					    .threads = {ends_by_mark, reads_after_mark}};

	(void)state;
	(void)wakes_first;
	shows(&after, MODEL_USE_AFTER_FREE);
	shows(&marked, MODEL_USE_AFTER_FREE);
}

/* Faults */
static void counts_refusals(void)
{
	void *pages = tally__pages_map(8192);

	if (pages == NULL)
		return;
	model_assert(*(char *)pages == 0);
	tally__pages_unmap(pages, 8192);
}
static void never_refused(void)
{
	void *start = malloc(8);

	model_assert(start != NULL);
	free(start);
}

static void faults_on_demand(void **state)
{
	static const struct model good = {.name = "refusals",
					  .threads = {counts_refusals, counts_refusals},
					  .faults = MODEL_FAULT_ALLOC,
					  .no_leaks = true};
	static const struct model none = {.name = "no refusals", .threads = {never_refused}, .no_leaks = true};
	static const struct model bad = {
		.name = "refused", .threads = {never_refused}, .faults = MODEL_FAULT_ALLOC};

	(void)state;
	passes(&good);
	passes(&none);
	shows(&bad, MODEL_ASSERTION);
}

/* Threads and what each has of its own */
static _Thread_local int mine = 5;
static int common = 7;

static void helper(void *arg)
{
	model_assert(mine == 5);
	mine = 9;
	model_assert(*(int *)arg == 7);
	tally_atomic_u32_add(&word, 1);
	tally__futex_wake(&word, 1);
	for (;;)
		tally__futex_wait(&other, 0, TALLY__FOREVER);
}
static void starts(void)
{
	model_assert(mine == 5 && common == 7);
	mine = (int)model_thread();
	model_assert(tally__thread_start(helper, &common) == 0);
	uint32_t now;
	while ((now = tally_atomic_u32_load(&word)) < 2)
		tally__futex_wait(&word, now, TALLY__FOREVER);
	model_assert(mine == (int)model_thread());
}
static void changed(void)
{
	model_assert(mine == 5 && common == 7);
	mine = common = 1;
}
static void wakes_all(void)
{
	tally__futex_wake(&word, 2);
}
static void starts_and_wakes(void)
{
	starts();
	wakes_all();
}

static void threads_and_variables(void **state)
{
	static const struct model good = {
		.name = "threads", .threads = {starts_and_wakes, starts_and_wakes}, .check = changed};

	(void)state;
	passes(&good);
	assert_int_equal(common, 1); /* of the last schedule */
}

static void dies(void)
{
	tally__die("wait group %p: count %d of %s, %u", NULL, -1, "task", (uint64_t)7);
}
static void dies_well(void)
{
	model_expect_death("count -1 of task, 7");
	dies();
}

static void death(void **state)
{
	static const struct model bad = {.name = "death", .threads = {dies}};
	static const struct model good = {.name = "good death", .threads = {dies_well}};
	struct model_result result = model_explore(&bad, MODEL_SC, MODEL_RANDOM, 1, false);

	(void)state;
	assert_int_equal(result.failure, MODEL_DEATH);
	assert_non_null(strstr(result.text, "count -1 of task, 7"));
	passes(&good);
}

static void follows_nothing(void)
{
	model_assert(**(int **)model_alloc(sizeof(int *)) == 0);
}

static void crash(void **state)
{
	static const struct model bad = {.name = "crash", .threads = {follows_nothing, changed}};

	(void)state;
	shows(&bad, MODEL_CRASH);
	shows(&bad, MODEL_CRASH);
}

/* All types and calls, against the library's own header, which the compiler knows nothing of here. */
static void arithmetic(void)
{
	static tally_atomic_i32 i;
	static tally_atomic_u64 u;
	static tally_atomic_bool b;

	model_assert(tally_atomic_i32_add(&i, INT32_MAX) == INT32_MAX);
	model_assert(tally_atomic_i32_add_relaxed(&i, 1) == INT32_MIN);
	model_assert(tally_atomic_i32_sub(&i, 1) == INT32_MAX);
	model_assert(tally_atomic_i32_min(&i, -5) == INT32_MAX);
	model_assert(tally_atomic_i32_max_relaxed(&i, -6) == -5);
	model_assert(tally_atomic_i32_max(&i, 4) == -5);
	model_assert(tally_atomic_i32_swap(&i, -1) == 4);
	model_assert(tally_atomic_i32_load(&i) == -1);
	model_assert(tally_atomic_u64_fetch_add(&u, UINT64_MAX) == 0);
	model_assert(tally_atomic_u64_min_acq_rel(&u, 3) == UINT64_MAX);
	model_assert(tally_atomic_u64_max(&u, 12) == 3);
	model_assert(tally_atomic_u64_and(&u, 10) == 12);
	model_assert(tally_atomic_u64_or(&u, 1) == 8);
	model_assert(tally_atomic_u64_xor(&u, 8) == 9);
	model_assert(!tally_atomic_u64_compare_and_swap(&u, 9, 2));
	model_assert(tally_atomic_u64_compare_and_swap(&u, 1, 2));
	model_assert(tally_atomic_u64_load(&u) == 2);
	model_assert(!tally_atomic_bool_swap(&b, true));
	model_assert(tally_atomic_bool_load(&b));
}

static void values(void **state)
{
	static const struct model good = {.name = "values", .threads = {arithmetic}, .schedules = 10};

	(void)state;
	passes(&good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_wake_wakes),
		cmocka_unit_test(deadlines_race_with_wakes),
		cmocka_unit_test(memory_that_is_gone),
		cmocka_unit_test(stacks_that_are_gone),
		cmocka_unit_test(faults_on_demand),
		cmocka_unit_test(threads_and_variables),
		cmocka_unit_test(death),
		cmocka_unit_test(crash),
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
