/* TALLY_WORKERS, TALLY_STACK_SIZE, and the number of workers without them. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <sched.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static void nothing(void *arg)
{
	(void)arg;
}

/* The first use of the runtime, each in its own way. */
static void first_go(void)
{
	tally_go(nothing, NULL);
}

static void first_group_go(void)
{
	tally_waitgroup group = {0};
	tally_waitgroup_go(&group, nothing, NULL);
	tally_waitgroup_wait(&group);
}

static void first_set_workers(void)
{
	(void)tally_set_workers(0);
}

struct setting {
	const char *name;
	const char *value;
	void (*first_use)(void);
	int answer;
};

static void use(void *arg)
{
	const struct setting *setting = arg;
	setenv(setting->name, setting->value, 1);
	setting->first_use();
	if (setting->answer != 0)
		CHECK_EQUAL(tally_set_workers(0), setting->answer);
}

static void workers_are_set_by_the_environment(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		int answer;
	} good[] = {{"1", 1}, {"7", 7}, {"0012", 12}, {"1024", 1024}, {"1025", 1024}, {"4294967297", 1024}};
	void (*first[])(void) = {first_go, first_group_go, first_set_workers};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		for (int j = 0; j < 3; j++)
			assert_passes(use, &(struct setting){"TALLY_WORKERS", good[i].value, first[j],
							     good[i].answer});
}

static const char *const garbage[] = {"0",  "-1",   "+1",  " 1",  "1 ", "two",
				      "3x", "0x10", "1.5", "1e3", "-0", "99999999999999999999999",
				      "\n", "1,2"};

static void what_is_no_number_is_named(void **state)
{
	(void)state;
	void (*first[])(void) = {first_go, first_group_go, first_set_workers};
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		char line[200];
		/* What follows a line's end in the value is on the next line. */
		bool end = strcmp(garbage[i], "\n") == 0;
		for (int j = 0; j < 3; j++) {
			snprintf(line, sizeof(line), "tally: TALLY_WORKERS=%s%s", end ? "" : garbage[i],
				 end ? "" : " in the environment is not a whole number above 0");
			assert_dies(use, &(struct setting){"TALLY_WORKERS", garbage[i], first[j], 0}, line);
			snprintf(line, sizeof(line), "tally: TALLY_STACK_SIZE=%s%s", end ? "" : garbage[i],
				 end ? "" : " in the environment is not a whole number above 0");
			assert_dies(use, &(struct setting){"TALLY_STACK_SIZE", garbage[i], first[j], 0}, line);
		}
	}
}

/* As if it were not set, as for any setting in the environment. */
static void an_empty_setting_is_none(void **state)
{
	(void)state;
	assert_passes(use, &(struct setting){"TALLY_WORKERS", "", first_go, 0});
	assert_passes(use, &(struct setting){"TALLY_STACK_SIZE", "", first_go, 0});
}

/* --- the size of stacks --- */

static size_t wanted_bytes;
static tally_atomic_bool filled;

/* Most of the stack, all of it touched. */
static void fill(void *arg)
{
	size_t bytes = wanted_bytes - 8192;
	(void)arg;
	volatile char *memory = __builtin_alloca(bytes);
	for (size_t i = 0; i < bytes; i += 64)
		memory[i] = 1;
	tally_yield();
	for (size_t i = 0; i < bytes; i += 64)
		CHECK(memory[i] == 1);
	tally_atomic_bool_store(&filled, true);
}

static void fill_stacks(void *arg)
{
	const char *size = arg;
	if (size != NULL)
		setenv("TALLY_STACK_SIZE", size, 1);
	else
		unsetenv("TALLY_STACK_SIZE");
	wanted_bytes = size != NULL ? strtoull(size, NULL, 10) : 65536;
	tally_waitgroup group = {0};
	for (int i = 0; i < 20; i++)
		tally_waitgroup_go(&group, fill, NULL);
	tally_waitgroup_wait(&group);
	CHECK(tally_atomic_bool_load(&filled));
}

static void stacks_have_the_size_that_is_set(void **state)
{
	(void)state;
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message("sanitizers take stack of their own\n");
		skip();
	}
	assert_passes(fill_stacks, NULL);
	assert_passes(fill_stacks, (void *)(uintptr_t) "65536");
	assert_passes(fill_stacks, (void *)(uintptr_t) "1048576");
	assert_passes(fill_stacks, (void *)(uintptr_t) "100001");
}

/* Too small a size still is one that works. */
static void wait_in_a_task(void *arg)
{
	(void)arg;
	tally_waitgroup group = {0};
	tally_waitgroup_go(&group, nothing, NULL);
	tally_waitgroup_wait(&group);
}

static void work_on_small_stacks(void *arg)
{
	setenv("TALLY_STACK_SIZE", arg, 1);
	tally_waitgroup group = {0};
	for (int i = 0; i < 200; i++)
		tally_waitgroup_go(&group, wait_in_a_task, NULL);
	tally_waitgroup_wait(&group);
}

static void the_smallest_stacks_work(void **state)
{
	(void)state;
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message("sanitizers take stack of their own\n");
		skip();
	}
	assert_passes(work_on_small_stacks, (void *)(uintptr_t) "1");
	assert_passes(work_on_small_stacks, (void *)(uintptr_t) "16384");
	assert_passes(work_on_small_stacks, (void *)(uintptr_t) "16385");
}

/* Sizes that no machine has: refused in the usual way. */
static void try_with_huge_stacks(void *arg)
{
	setenv("TALLY_STACK_SIZE", arg, 1);
	CHECK_EQUAL(tally_try_go(nothing, NULL), -ENOMEM);
	tally_go(nothing, NULL);
}

static void stacks_that_cannot_be_had_are_no_memory(void **state)
{
	(void)state;
	static const char *const sizes[] = {"1099511627776000",     "9223372036854775807",
					    "18446744073709551615", "18446744073709551615",
					    "288230376151711744",   "4503599627370496"};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_dies(try_with_huge_stacks, (void *)(uintptr_t)sizes[i],
			    "tally: cannot start a task: no memory");
}

/* --- the default number of workers --- */

static void follow_affinity(void *arg)
{
	(void)arg;
	cpu_set_t all, some;
	unsetenv("TALLY_WORKERS");
	CHECK_EQUAL(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&some);
	int wanted = CPU_COUNT(&all) > 1 ? CPU_COUNT(&all) - 1 : 1, chosen = 0;
	for (size_t cpu = 0; cpu < CPU_SETSIZE && chosen < wanted; cpu++)
		if (CPU_ISSET(cpu, &all)) {
			CPU_SET(cpu, &some);
			chosen++;
		}
	CHECK_EQUAL(sched_setaffinity(0, sizeof(some), &some), 0);
	/* A quota may lower it, never raise it. */
	int answer = tally_set_workers(0);
	CHECK(answer >= 1 && answer <= wanted);
	CHECK(wanted != 1 || answer == 1);
}

static void one_cpu(void *arg)
{
	cpu_set_t one;
	unsetenv("TALLY_WORKERS");
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	CHECK_EQUAL(sched_setaffinity(0, sizeof(one), &one), 0);
	((void (*)(void))(uintptr_t)arg)();
	CHECK_EQUAL(tally_set_workers(0), 1);
}

static void the_default_is_the_usable_cpus(void **state)
{
	(void)state;
	assert_passes(follow_affinity, NULL);
	assert_passes(one_cpu, (void *)(uintptr_t)first_set_workers);
	assert_passes(one_cpu, (void *)(uintptr_t)first_go);
	assert_passes(one_cpu, (void *)(uintptr_t)first_group_go);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_are_set_by_the_environment),
		cmocka_unit_test(what_is_no_number_is_named),
		cmocka_unit_test(an_empty_setting_is_none),
		cmocka_unit_test(stacks_have_the_size_that_is_set),
		cmocka_unit_test(the_smallest_stacks_work),
		cmocka_unit_test(stacks_that_cannot_be_had_are_no_memory),
		cmocka_unit_test(the_default_is_the_usable_cpus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
