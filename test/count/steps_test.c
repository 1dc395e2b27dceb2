/* What may come at any instruction, at each of them: a signal handler that counts, and a fork. The instructions
 * are those of a thread's life: its first add, which claims a slot, and its end, which hands it back.
 *
 * TALLY_SEED repeats a run's choice of instructions; TALLY_SOAK_SECONDS makes it choose again and again. */
#include "child.h"
#include "steps.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <tally/counter.h>

#include "platform/process.h"
#include "region/owner.h"
#include "region/region.h"

enum { AGAIN = 100 };

TALLY_COUNTER(named, "test_steps_total", "A counter.");
TALLY_UPDOWN(updown, "test_steps_open", "An up-down counter.");
static tally_counter anonymous;
static uint64_t handled;

/* The instructions that are tried: the first ones all, of the others one in so many or so. */
enum { ONE_IN_THREADS = 6, ONE_IN_PROCESSES = 10 };
static unsigned seed;

static long after(long steps, int one_in)
{
	return steps < 50 ? steps + 1 : steps + 1 + rand_r(&seed) % (2 * one_in - 1);
}

static int choose(void **state)
{
	const char *given = getenv("TALLY_SEED");

	(void)state;
	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)now();
	print_message("TALLY_SEED=%u\n", seed);
	return 0;
}

/* Counts as one who knows nothing of what it interrupts. */
static void count_in_handler(void)
{
	tally_counter_inc(&named);
	tally_counter_inc(&anonymous);
	tally_updown_add(&updown, 1);
	handled++;
}

/* The C library blocks all signals at the end of a thread, also this one; so the steps end in a destructor that
 * comes after the library's, which has made its key before. */
static pthread_key_t last;

static void stop_steps(void *unused)
{
	(void)unused;
	steps_end();
}

/* Lives with single steps until its slot has been handed back. */
static void *live(void *steps)
{
	tally_counter first_used_here = {0};

	assert_int_equal(pthread_setspecific(last, &last), 0);
	steps_begin(*(long *)steps);
	tally_counter_inc(&named);
	tally_counter_inc(&anonymous);
	tally_updown_add(&updown, 1);
	tally_counter_inc(&first_used_here);
	tally_counter_destroy(&first_used_here);
	return NULL;
}

/* One thread after the other, each hit at a later instruction, until there are no more. */
static void hit_each(void)
{
	uint64_t before = tally_counter_load(&named);
	uint64_t open_before = (uint64_t)tally_updown_load(&updown);
	uint64_t lives = 0, hits;

	handled = 0;
	for (long steps = 0; handled == lives; steps = after(steps, ONE_IN_THREADS)) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, live, &steps), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		lives++;
	}
	hits = lives - 1;
	print_message("%u instructions\n", (unsigned)hits);
	assert_int_equal(handled, hits);
	assert_true(hits > 150);
	assert_int_equal(tally_counter_load(&named) - before, lives + hits);
	assert_int_equal(tally_counter_load(&anonymous), lives + hits);
	assert_int_equal((uint64_t)tally_updown_load(&updown) - open_before, lives + hits);
	tally_counter_destroy(&anonymous);
	/* Slot 0, main's, and that of one thread at a time. */
	assert_in_range(tally__slots_used(&tally__region.slots), 2, 3);
}

static void a_handler_may_count_at_any_instruction(void **state)
{
	int64_t end = soak_end();

	(void)state;
	steps_prepare(count_in_handler);
	assert_int_equal(pthread_key_create(&last, stop_steps), 0);
	tally_counter_inc(&named);
	do {
		hit_each();
	} while (now() < end);
	assert_int_equal(pthread_key_delete(last), 0);
}

/* Both processes of a fork go on where it came. */
struct pair {
	uint32_t slots[2];
	tally_atomic_u32 done;
};

static struct pair *pair;
static pid_t forked = -1; /* 0 in the child */

static void fork_in_handler(void)
{
	forked = fork();
	CHECK(forked >= 0);
}

/* The slot of this thread, which must be this process's, under its right name: a wrong one would be thought
 * dead. */
static uint32_t my_slot(void)
{
	uint64_t distance = tally__slot + TALLY__CELL_BIAS - (uint64_t)(uintptr_t)tally__region_slot(0);
	uint32_t slot = (uint32_t)(distance / TALLY__SLOT_STRIDE);
	struct tally__process self = tally__process_self();
	uint64_t owner;

	CHECK(tally__slot != 0);
	CHECK(slot > 0 && slot < tally__slots_used(&tally__region.slots));
	owner = tally_atomic_u64_load(&tally__region.slots.table[slot].owner);
	CHECK_EQUAL(owner >> TALLY__OWNER_PID_SHIFT, self.pid);
	CHECK_EQUAL(owner >> TALLY__OWNER_START_SHIFT & TALLY__OWNER_START_MASK,
		    self.start & TALLY__OWNER_START_MASK);
	CHECK(owner == tally__owner_self(tally__region.header));
	return slot;
}

static void fork_at(void *arg)
{
	long steps = *(long *)arg;
	uint64_t before = tally_counter_load(&named);
	tally_counter fresh = {0};
	bool ended = false;
	int status = 0;

	/* A child's start is at another tick of the kernel's clock. */
	pause_for(11000000);
	steps_begin(steps);
	tally_counter_inc(&named);
	tally_counter_inc(&fresh);
	steps_end();
	if (!steps_reached)
		_exit(2);
	for (int i = 0; i < AGAIN; i++) {
		tally_counter_inc(&named);
		tally_counter_inc(&fresh);
	}
	pair->slots[forked != 0] = my_slot();
	/* Neither ends before the other has a slot, or that could be the same one, rightly. Unless it has
	 * failed. */
	tally_atomic_u32_add(&pair->done, 1);
	while (tally_atomic_u32_load(&pair->done) < 2) {
		sched_yield();
		if (forked == 0 && getppid() == 1)
			_exit(1);
		if (forked != 0 && !ended && waitpid(forked, &status, WNOHANG) == forked) {
			CHECK_EQUAL(status, 0);
			ended = true;
		}
	}
	/* Either may have counted once before the fork. */
	CHECK_EQUAL(tally_counter_load(&fresh), AGAIN + 1);
	if (forked == 0)
		_exit(0);
	CHECK(ended || waitpid(forked, &status, 0) == forked);
	CHECK_EQUAL(status, 0);
	CHECK(pair->slots[0] != pair->slots[1]);
	/* The first add was of one process, or of both. */
	CHECK(tally_counter_load(&named) - before == 2 * AGAIN + 1 ||
	      tally_counter_load(&named) - before == 2 * AGAIN + 2);
}

/* Returns whether there is an instruction of that number. */
static bool fork_passes(long steps)
{
	struct child_end end;

	tally_atomic_u32_store(&pair->done, 0);
	end = child_run(fork_at, &steps);
	if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == 2)
		return false;
	if (end.status != 0) {
		print_error("at instruction %ld\n", steps);
		child_describe(&end);
		fail();
	}
	return true;
}

static void a_fork_may_come_at_any_instruction(void **state)
{
	int64_t end = soak_end();

	(void)state;
	pair = mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(pair, MAP_FAILED);
	steps_prepare(fork_in_handler);
	do {
		unsigned tried = 0;

		for (long steps = 0; fork_passes(steps); steps = after(steps, ONE_IN_PROCESSES))
			tried++;
		print_message("%u instructions\n", tried);
		assert_true(tried > 100);
	} while (now() < end);
	munmap(pair, sizeof(*pair));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handler_may_count_at_any_instruction),
		cmocka_unit_test(a_fork_may_come_at_any_instruction),
	};

	if (!STEPS_POSSIBLE) {
		puts("single steps are for x86-64");
		return 77;
	}
	return cmocka_run_group_tests(tests, choose, NULL);
}
