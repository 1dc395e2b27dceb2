/* Claiming slots in a table of the test's own, from living, dead and unknown owners. */
#include "child.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <tally/atomic.h>

#include "platform/process.h"
#include "region/owner.h"
#include "region/slot.h"

enum { SLOTS = 6 };

static struct tally__header header;
static struct tally__slot table[SLOTS];
static const struct tally__slots slots = {table, &header.slots_used, SLOTS, &header};

static int set_up(void **state)
{
	(void)state;
	memset(&header, 0, sizeof(header));
	memset(table, 0, sizeof(table));
	tally_atomic_u32_store(&header.slots_used, TALLY__FIRST_OWNED_SLOT);
	tally__owner_forget();
	return 0;
}

static uint64_t owner(uint32_t slot)
{
	return tally_atomic_u64_load(&table[slot].owner);
}

/* Our owner word, with another pid or start or image. */
static uint64_t with_pid(uint64_t pid)
{
	uint64_t mask = (UINT64_C(1) << TALLY__OWNER_PID_SHIFT) - 1;

	return (tally__owner_self(&header) & mask) | pid << TALLY__OWNER_PID_SHIFT;
}

static uint64_t with_start(uint64_t word, uint64_t start)
{
	return (word & ~(TALLY__OWNER_START_MASK << TALLY__OWNER_START_SHIFT)) |
	       (start & TALLY__OWNER_START_MASK) << TALLY__OWNER_START_SHIFT;
}

/* The owner word of a child that has exited and is waited for, or is left a zombie. */
static uint64_t dead_child(bool zombie)
{
	int ends[2];
	uint64_t word = 0;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		tally__owner_forget();
		word = tally__owner_self(&header);
		CHECK(write(ends[1], &word, sizeof(word)) == sizeof(word));
		_exit(0);
	}
	assert_int_equal(read(ends[0], &word, sizeof(word)), sizeof(word));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(word >> TALLY__OWNER_PID_SHIFT, pid);
	if (zombie) {
		siginfo_t info;

		assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	} else {
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	return word;
}

static void slots_are_taken_in_turn_and_again(void **state)
{
	uint64_t me = tally__owner_self(&header);

	(void)state;
	for (uint32_t i = 1; i < SLOTS; i++) {
		assert_int_equal(tally__slot_claim(&slots, me), i);
		assert_int_equal(owner(i), me);
		assert_int_equal(tally__slots_used(&slots), i + 1);
	}
	assert_int_equal(tally__slot_claim(&slots, me), TALLY__SLOT_SHARED);
	tally__slot_release(&slots, 3);
	assert_int_equal(owner(3), 0);
	assert_int_equal(tally__slot_claim(&slots, me), 3);
	assert_int_equal(tally__slot_claim(&slots, me), TALLY__SLOT_SHARED);
}

static void slots_of_the_living_are_left_alone(void **state)
{
	uint64_t me = tally__owner_self(&header);
	uint64_t parent = with_pid((uint64_t)getppid());
	uint64_t start;

	(void)state;
	assert_int_equal(tally__process_look((uint32_t)getppid(), &start), TALLY__LIFE_LASTS);
	assert_int_not_equal(start, 0);
	tally_atomic_u64_store(&table[1].owner, with_start(parent, start));
	tally_atomic_u64_store(&table[2].owner, me);
	/* What cannot be judged is left alone too: other namespaces, unknown ones, unknown starts. */
	tally_atomic_u64_store(&table[3].owner,
			       dead_child(false) | TALLY__OWNER_NAMESPACE_MASK << TALLY__OWNER_NAMESPACE_SHIFT);
	tally_atomic_u64_store(&table[4].owner, with_start(parent, 0));
	tally_atomic_u32_store(&header.slots_used, 5);
	assert_int_equal(tally__slot_claim(&slots, me), 5);
	assert_int_equal(tally__slot_claim(&slots, me), TALLY__SLOT_SHARED);
}

static void slots_of_the_dead_are_taken(void **state)
{
	uint64_t me = tally__owner_self(&header);
	uint64_t gone = dead_child(false);
	uint64_t zombie = dead_child(true);
	uint64_t start;

	(void)state;
	tally_atomic_u64_store(&table[1].owner, me);
	tally_atomic_u64_store(&table[2].owner, gone);
	tally_atomic_u64_store(&table[3].owner, zombie);
	/* The parent's pid, but of a process that started at another time. */
	assert_int_equal(tally__process_look((uint32_t)getppid(), &start), TALLY__LIFE_LASTS);
	tally_atomic_u64_store(&table[4].owner, with_start(with_pid((uint64_t)getppid()), start + 1));
	/* Our pid, likewise. */
	tally_atomic_u64_store(&table[5].owner, with_start(me, (me >> TALLY__OWNER_START_SHIFT) - 1));
	tally_atomic_u32_store(&header.slots_used, SLOTS);
	for (uint32_t i = 2; i < SLOTS; i++)
		assert_int_equal(tally__slot_claim(&slots, me), i);
	assert_int_equal(tally__slot_claim(&slots, me), TALLY__SLOT_SHARED);
	assert_int_equal(waitpid((pid_t)(zombie >> TALLY__OWNER_PID_SHIFT), NULL, 0),
			 (pid_t)(zombie >> TALLY__OWNER_PID_SHIFT));
}

/* A program that this process executed before: same pid, same start. */
static void slots_of_another_image_are_taken(void **state)
{
	uint64_t me = tally__owner_self(&header);

	(void)state;
	tally_atomic_u64_store(&table[1].owner, me ^ 1);
	tally_atomic_u32_store(&header.slots_used, 2);
	assert_int_equal(tally__slot_claim(&slots, me), 1);
	/* Where the start is not known the pid may be another's. */
	tally_atomic_u64_store(&table[1].owner, with_start(me ^ 1, 0));
	assert_int_equal(tally__slot_claim(&slots, with_start(me, 0)), 2);
}

/* Its owner died before it could raise slots_used. */
static void a_slot_above_those_used_may_have_a_dead_owner(void **state)
{
	uint64_t me = tally__owner_self(&header);

	(void)state;
	tally_atomic_u64_store(&table[1].owner, dead_child(false));
	tally_atomic_u64_store(&table[2].owner, with_pid(1));
	assert_int_equal(tally__slot_claim(&slots, me), 1);
	assert_int_equal(tally__slots_used(&slots), 2);
}

/* A thread that has lost its first thread is a zombie by name, but lives. */
static void *outlive(void *arg)
{
	int *ends = arg;
	char byte;

	CHECK(write(ends[1], "", 1) == 1);
	CHECK(read(ends[2], &byte, 1) >= 0);
	_exit(0);
}

static void a_process_without_its_first_thread_lives(void **state)
{
	int ends[4];
	uint64_t start, first = 0;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(ends + 2), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t thread;

		close(ends[3]);
		CHECK(pthread_create(&thread, NULL, outlive, ends) == 0);
		pthread_exit(NULL);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(tally__process_look((uint32_t)pid, &start), TALLY__LIFE_LASTS);
		assert_true(first == 0 || first == start);
		first = start;
		usleep(500);
	}
	close(ends[3]);
	while (tally__process_look((uint32_t)pid, &start) != TALLY__LIFE_OVER)
		sched_yield();
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(tally__process_look((uint32_t)pid, &start), TALLY__LIFE_OVER);
}

/* Threads of several processes fight for few slots: each slot has one owner at a time. */
struct arena {
	struct tally__header header;
	struct tally__slot table[SLOTS];
	tally_atomic_u32 inside[SLOTS];
	tally_atomic_u64 claims;
};

static void *fight(void *arg)
{
	struct arena *arena = arg;
	const struct tally__slots shared = {arena->table, &arena->header.slots_used, SLOTS, &arena->header};
	uint64_t me = tally__owner_self(&arena->header);

	for (int i = 0; i < 3000; i++) {
		uint32_t slot = tally__slot_claim(&shared, me);

		if (slot == TALLY__SLOT_SHARED)
			continue;
		CHECK_EQUAL(tally_atomic_u32_add(&arena->inside[slot], 1), 1);
		if (i % 64 == 0)
			sched_yield();
		CHECK_EQUAL(tally_atomic_u32_sub(&arena->inside[slot], 1), 0);
		tally_atomic_u64_add(&arena->claims, 1);
		tally__slot_release(&shared, slot);
	}
	return NULL;
}

static void fight_in_process(void *arg)
{
	pthread_t threads[3];

	tally__owner_forget();
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, fight, arg) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

static void a_slot_has_one_owner_at_a_time(void **state)
{
	struct arena *arena =
		mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[3];

	(void)state;
	assert_ptr_not_equal(arena, MAP_FAILED);
	tally_atomic_u32_store(&arena->header.slots_used, TALLY__FIRST_OWNED_SLOT);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			fight_in_process(arena);
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_true(tally_atomic_u64_load(&arena->claims) > 1000);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(tally_atomic_u64_load(&arena->table[i].owner), 0);
	munmap(arena, sizeof(*arena));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(slots_are_taken_in_turn_and_again, set_up),
		cmocka_unit_test_setup(slots_of_the_living_are_left_alone, set_up),
		cmocka_unit_test_setup(slots_of_the_dead_are_taken, set_up),
		cmocka_unit_test_setup(slots_of_another_image_are_taken, set_up),
		cmocka_unit_test_setup(a_slot_above_those_used_may_have_a_dead_owner, set_up),
		cmocka_unit_test_setup(a_process_without_its_first_thread_lives, set_up),
		cmocka_unit_test_setup(a_slot_has_one_owner_at_a_time, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
