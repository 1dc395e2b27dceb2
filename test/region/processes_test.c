/* Several processes on one file: they agree on the names, and what they count adds up. */
#include "file.h"
#include "scale.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <tally/counter.h>
#include <tally/region.h>

#include "region/region.h"

enum { PROCESSES = 8, THREADS = 3, NAMES = 300, ADDS = 20000 };

TALLY_COUNTER(counter, "test_processes_total", "Counted by all of them.");
TALLY_UPDOWN(updown, "test_processes_open", "Likewise.");
TALLY_GAUGE(gauge, "test_processes_level", "Likewise.");

static struct {
	tally_counter counter;
	char text[64];
} many[NAMES];

/* Defines the same names in an order of the process's own. */
static void define_many(unsigned first)
{
	for (unsigned i = 0; i < NAMES; i++) {
		unsigned k = (first + i * 7) % NAMES;

		snprintf(many[k].text, sizeof(many[k].text),
			 "c"
			 "test_many_%u_total%cNumber %u.",
			 k, 0, k);
		many[k].counter.metric_.text_ = many[k].text;
		tally__metric_define(&many[k].counter.metric_);
	}
}

static void *count(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ADDS; i++) {
		tally_counter_inc(&counter);
		tally_counter_add(&many[i % NAMES].counter, i % NAMES);
		tally_updown_add(&updown, 2);
		tally_updown_sub(&updown, 1);
		tally_gauge_add(&gauge, 1);
	}
	return NULL;
}

static uint64_t expected_of(unsigned name)
{
	return (uint64_t)name * (uint64_t)(ADDS / NAMES + (name < ADDS % NAMES)) * PROCESSES * THREADS;
}

static void one_process(unsigned number, const char *path, tally_atomic_u32 *ready)
{
	pthread_t threads[THREADS];

	tally_atomic_u32_add(ready, 1);
	while (tally_atomic_u32_load(ready) < PROCESSES)
		sched_yield();
	CHECK_EQUAL(tally_region_open(path), 0);
	define_many(number * 37);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, count, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	/* Nobody may leave before all are done, so that no slot is used twice. */
	tally_atomic_u32_add(ready, 1);
	while (tally_atomic_u32_load(ready) < 2 * PROCESSES)
		sched_yield();
	CHECK_EQUAL(tally_counter_load(&counter), PROCESSES * THREADS * ADDS);
	CHECK_EQUAL(tally_updown_load(&updown), PROCESSES * THREADS * ADDS);
	CHECK_EQUAL(tally_gauge_load(&gauge), PROCESSES * THREADS * ADDS);
	for (unsigned i = 0; i < NAMES; i++)
		CHECK_EQUAL(tally_counter_load(&many[i].counter), expected_of(i));
	CHECK(tally__slots_used(&tally__region.slots) <= PROCESSES * THREADS + 1);
}

/* All of it again, from the file: each name once, cells without gaps. */
static void look_at(void *path)
{
	const struct tally__directory *directory = &tally__region.directory;
	uint32_t next = 1, count_of_entries = 0;
	uint64_t bytes = 0;

	CHECK_EQUAL(tally_region_open(path), 0);
	define_many(5);
	for (unsigned i = 0; i < NAMES; i++)
		CHECK_EQUAL(tally_counter_load(&many[i].counter), expected_of(i));
	for (; tally_atomic_u64_load(&directory->index[count_of_entries]) != 0; count_of_entries++) {
		uint64_t word = tally_atomic_u64_load(&directory->index[count_of_entries]);
		const struct tally__entry *entry =
			(const struct tally__entry *)(directory->base + (word & TALLY__INDEX_OFFSET_MASK));

		CHECK_EQUAL(entry->cell, next);
		next += entry->cells;
		bytes += entry->size;
		CHECK_EQUAL(entry->text[entry->name_length], 0);
		for (uint32_t k = 0; k < count_of_entries; k++)
			CHECK(tally_atomic_u64_load(&directory->index[k]) != word);
	}
	CHECK(count_of_entries >= NAMES + 3);
	/* Races lose little room. */
	CHECK(tally_atomic_u64_load(directory->entries_used) <= bytes + bytes / 2);
}

static void processes_on_one_file_are_exact(void **state)
{
	tally_atomic_u32 *ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(ready, MAP_FAILED);
	for (unsigned round = 0; round < 3; round++) {
		char name[32];
		const char *path;
		pid_t pids[PROCESSES];

		snprintf(name, sizeof(name), "region-%u", round);
		path = file_path(name);
		tally_atomic_u32_store(ready, 0);
		for (unsigned i = 0; i < PROCESSES; i++) {
			pids[i] = fork();
			assert_true(pids[i] >= 0);
			if (pids[i] == 0) {
				one_process(i, path, ready);
				_exit(0);
			}
		}
		for (unsigned i = 0; i < PROCESSES; i++) {
			int status;

			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		assert_passes(look_at, (char *)path);
	}
	munmap(ready, 4096);
}

/* This program executes itself again and again on one file, with threads that hold slots: those that the
 * programs before it held are free. */
static void *hold_slot(void *arg)
{
	tally_counter_inc(&counter);
	tally_atomic_u32_add(arg, 1);
	for (;;)
		pause_for(1000000000);
	return NULL;
}

static void execute_again(int times)
{
	tally_atomic_u32 holding = {0};
	char number[16];

	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		CHECK(pthread_create(&thread, NULL, hold_slot, &holding) == 0);
	}
	while (tally_atomic_u32_load(&holding) < THREADS)
		sched_yield();
	if (times > 0) {
		snprintf(number, sizeof(number), "%d", times - 1);
		setenv("TEST_AGAIN", number, 1);
		execl("/proc/self/exe", "processes_test", (char *)NULL);
	}
	CHECK_EQUAL(times, 0);
	/* One program in 16 cannot be told from the one before it; so two or three in turn may not be. */
	CHECK(tally__slots_used(&tally__region.slots) <= 5 * THREADS + 1);
	_exit(0);
}

/* This program starts in a memfd, goes on in the file, and dies. */
static void open_and_die(void *path)
{
	setenv("TEST_OPEN", path, 1);
	execl("/proc/self/exe", "processes_test", (char *)NULL);
	_exit(1);
}

static void expect_few_slots(void *path)
{
	CHECK_EQUAL(tally_region_open(path), 0);
	CHECK_EQUAL(tally_counter_load(&counter), 20);
	tally_counter_inc(&counter);
	CHECK(tally__slots_used(&tally__region.slots) <= 2);
}

static void slots_of_who_began_elsewhere_are_free(void **state)
{
	const char *path = file_path("elsewhere");
	int ends[2];
	pid_t holder = file_hold(path, ends);

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct child_end end = child_run(open_and_die, (char *)path);

		if (!WIFSIGNALED(end.status) || WTERMSIG(end.status) != SIGKILL)
			child_describe(&end);
		assert_true(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGKILL);
	}
	assert_passes(expect_few_slots, (char *)path);
	file_let_go(holder, ends);
}

static void execute_first(void *path)
{
	setenv("TALLY_REGION", path, 1);
	setenv("TEST_AGAIN", "30", 1);
	execl("/proc/self/exe", "processes_test", (char *)NULL);
	_exit(1);
}

static void expect_31_times(void *path)
{
	CHECK_EQUAL(tally_region_open(path), 0);
	CHECK_EQUAL(tally_counter_load(&counter), 31 * THREADS);
}

static void slots_of_a_program_are_free_after_exec(void **state)
{
	char *path = (char *)file_path("again");
	int ends[2];
	pid_t holder;

	(void)state;
	/* Otherwise each of them would be alone, which frees all slots. */
	holder = file_hold(path, ends);
	assert_passes(execute_first, path);
	assert_passes(expect_31_times, path);
	file_let_go(holder, ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_on_one_file_are_exact),
		cmocka_unit_test(slots_of_a_program_are_free_after_exec),
		cmocka_unit_test(slots_of_who_began_elsewhere_are_free),
	};

	if (getenv("TEST_OPEN")) {
		CHECK_EQUAL(tally_region_open(getenv("TEST_OPEN")), 0);
		tally_counter_inc(&counter);
		kill(getpid(), SIGKILL);
	}
	if (getenv("TEST_AGAIN"))
		execute_again(atoi(getenv("TEST_AGAIN")));
	return cmocka_run_group_tests(tests, file_set_up, file_tear_down);
}
