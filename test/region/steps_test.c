/* A process that counts in a file is killed at any instruction: while it claims a slot, adds, registers a name,
 * and hands the slot back. What it has acknowledged is there, its slot is used again, its name can be
 * registered, and whoever reads from outside finds a region that is whole and never goes backwards.
 *
 * TALLY_SEED repeats a run's choice of instructions; TALLY_SOAK_SECONDS makes it choose again and again. */
#include "file.h"
#include "steps.h"

#include <pthread.h>
#include <sys/mman.h>
#include <tally/counter.h>
#include <tally/view.h>

#include "region/owner.h"
#include "region/region.h"

TALLY_COUNTER(counter, "test_steps_total", "Counted by those who are killed.");
TALLY_UPDOWN(updown, "test_steps_open", "Likewise.");

enum { LATE = 1000 };

/* Registered by a process that may die of it. */
static struct {
	tally_counter counter;
	char text[64];
} late[LATE];

/* What the killed say that they have counted. */
static struct acknowledged {
	tally_atomic_u64 counter, late;
} * acknowledged;

static unsigned seed;

static void name_late(unsigned number)
{
	snprintf(late[number].text, sizeof(late[number].text), "ctest_late_%u_total%cNumber %u.", number, 0,
		 number);
	late[number].counter.metric_.text_ = late[number].text;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

/* Ends the steps when the slot has been handed back: the library has made its key before. */
static pthread_key_t last;

static void stop_steps(void *unused)
{
	(void)unused;
	steps_end();
}

struct trial {
	void (*part)(unsigned number);
	long steps;
	unsigned number;
};

static void claim_and_count(unsigned number)
{
	(void)number;
	tally_counter_inc(&counter);
	tally_atomic_u64_add(&acknowledged->counter, 1);
	tally_updown_add(&updown, 1);
	tally_updown_sub(&updown, 1);
}

static void define_and_count(unsigned number)
{
	tally__metric_define(&late[number].counter.metric_);
	tally_counter_inc(&late[number].counter);
	tally_atomic_u64_add(&acknowledged->late, 1);
}

static void *live(void *arg)
{
	const struct trial *trial = arg;

	CHECK(pthread_setspecific(last, &last) == 0);
	steps_begin(trial->steps);
	trial->part(trial->number);
	return NULL;
}

static void live_in_thread(void *arg)
{
	pthread_t thread;

	/* Which takes as many instructions as all the rest. */
	tally__owner_self(tally__region.header);
	CHECK(pthread_create(&thread, NULL, live, arg) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

static uint64_t total_from_outside(const char *path, const char *name)
{
	uint64_t total = UINT64_MAX;
	tally_view *view;

	CHECK_EQUAL(tally_view_open_path(path, &view), 0);
	for (size_t i = 0; i < tally_view_size(view); i++) {
		if (strcmp(tally_view_get(view, i)->name, name) == 0)
			total = tally_view_get(view, i)->total;
	}
	tally_view_close(view);
	return total;
}

/* Slots that somebody owns, whether or not readers know of them. */
static unsigned owned(void)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < 16; i++)
		count += tally_atomic_u64_load(&tally__region.slots.table[i].owner) != 0;
	return count;
}

/* One death. Returns false if the process has lived to its end. */
static bool die_once(const char *path, const struct trial *trial, uint64_t killed)
{
	struct child_end end;
	uint64_t value, one;
	const char *name = late[trial->number].text + 1;

	name_late(trial->number);
	end = child_run(live_in_thread, (void *)(uintptr_t)trial);
	value = tally_counter_load(&counter);
	one = tally_atomic_u64_load(&acknowledged->late);
	if (end.status != 0 && !(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGKILL)) {
		child_describe(&end);
		fail();
	}
	CHECK(value >= tally_atomic_u64_load(&acknowledged->counter));
	CHECK(value <= tally_atomic_u64_load(&acknowledged->counter) + killed + 1);
	CHECK(total_from_outside(path, "test_steps_total") == value);
	CHECK(tally_updown_load(&updown) >= 0 && tally_updown_load(&updown) <= (int64_t)killed + 1);
	/* Ours, and perhaps that of the one who has just died. */
	CHECK(owned() <= 2);
	/* The name, whether it got so far or not. */
	tally__metric_define(&late[trial->number].counter.metric_);
	CHECK(tally_counter_load(&late[trial->number].counter) >= one);
	CHECK(tally_counter_load(&late[trial->number].counter) <= 1);
	tally_counter_add(&late[trial->number].counter, 10);
	CHECK(total_from_outside(path, name) == tally_counter_load(&late[trial->number].counter));
	tally_atomic_u64_store(&acknowledged->late, 0);
	return end.status != 0;
}

/* Each part of a life, one in so many instructions or so. */
static const struct {
	void (*part)(unsigned number);
	int one_in;
} parts[] = {{claim_and_count, 4}, {define_and_count, 8}};

static void kill_at_each(void *arg)
{
	const char *path = arg;
	struct trial trial = {NULL, 0, 0};
	uint64_t killed = 0;

	CHECK_EQUAL(tally_region_open(path), 0);
	CHECK(pthread_key_create(&last, stop_steps) == 0);
	acknowledged =
		mmap(NULL, sizeof(*acknowledged), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(acknowledged != MAP_FAILED);
	steps_prepare(die);
	tally_updown_add(&updown, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t before = killed;

		trial.part = parts[i].part;
		for (trial.steps = 0; die_once(path, &trial, killed); killed++) {
			trial.number++;
			CHECK(trial.number < LATE);
			trial.steps += 1 + rand_r(&seed) % (2 * parts[i].one_in - 1);
		}
		dprintf(STDERR_FILENO, "%u deaths\n", (unsigned)(killed - before));
		CHECK(killed - before > 50);
		trial.number++;
	}
	/* Slot 0, that of this thread, and that of all who died, one after the other. */
	CHECK(tally__slots_used(&tally__region.slots) <= 3);
	for (unsigned i = 0; i < trial.number; i++)
		CHECK(tally_counter_load(&late[i].counter) >= 10);
}

static void a_process_may_be_killed_at_any_instruction(void **state)
{
	const char *given = getenv("TALLY_SEED");
	int64_t soaked = soak_end();
	struct child_end end;

	(void)state;
	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)now();
	print_message("TALLY_SEED=%u\n", seed);
	do {
		end = child_run(kill_at_each, (char *)file_path("steps"));
		if (end.status != 0)
			child_describe(&end);
		else
			print_message("%s", end.text);
		assert_int_equal(end.status, 0);
		assert_int_equal(unlink(file_path("steps")), 0);
		seed++;
	} while (now() < soaked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_may_be_killed_at_any_instruction),
	};

	if (!STEPS_POSSIBLE) {
		puts("single steps are for x86-64");
		return 77;
	}
	return cmocka_run_group_tests(tests, file_set_up, file_tear_down);
}
