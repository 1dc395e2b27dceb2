/* Owners that no pid can tell of: of other pid namespaces, of another boot. Their slots are free when the
 * kernel says that nobody else has the file, and not before. */
#include "file.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <tally/counter.h>
#include <tally/region.h>

#include "region/region.h"

TALLY_COUNTER(counter, "test_alone_total", "A counter.");

enum { SLOTS = 5 };

/* Owner words of a living pid in namespaces that are not ours. */
static void take_all_slots(const char *path)
{
	int descriptor = open(path, O_RDWR);
	struct tally__header header;

	CHECK(descriptor >= 0);
	CHECK(pread(descriptor, &header, sizeof(header), 0) == sizeof(header));
	tally_atomic_u32_store(&header.slots_used, SLOTS);
	CHECK(pwrite(descriptor, &header, sizeof(header), 0) == sizeof(header));
	for (uint64_t i = 1; i < SLOTS; i++) {
		struct tally__slot slot = {0};

		CHECK(pread(descriptor, &slot, sizeof(slot), (off_t)(TALLY__TABLE_OFFSET + i * sizeof(slot))) ==
		      sizeof(slot));
		tally_atomic_u64_store(&slot.owner, (uint64_t)getpid() << TALLY__OWNER_PID_SHIFT |
							    UINT64_C(1) << TALLY__OWNER_START_SHIFT |
							    (i % 2 == 0 ? UINT64_C(15) : UINT64_C(9)) << 4);
		CHECK(pwrite(descriptor, &slot, sizeof(slot),
			     (off_t)(TALLY__TABLE_OFFSET + i * sizeof(slot))) == sizeof(slot));
	}
	close(descriptor);
}

static void count(void *path)
{
	uint64_t before;

	CHECK_EQUAL(tally_region_open(path), 0);
	before = tally_counter_load(&counter);
	tally_counter_inc(&counter);
	CHECK_EQUAL(tally_counter_load(&counter), before + 1);
}

static void count_without_a_new_slot(void *path)
{
	count(path);
	CHECK_EQUAL(tally__slots_used(&tally__region.slots), SLOTS);
}

static void count_in_a_new_slot(void *path)
{
	count(path);
	CHECK_EQUAL(tally__slots_used(&tally__region.slots), SLOTS + 1);
}

static void slots_are_free_for_who_is_alone(void **state)
{
	char *path = (char *)file_path("alone");

	(void)state;
	assert_passes(count, path);
	take_all_slots(path);
	assert_passes(count_without_a_new_slot, path);
}

static void slots_are_kept_while_others_have_the_file(void **state)
{
	char *path = (char *)file_path("others");
	int ends[2];
	pid_t pid;

	(void)state;
	assert_passes(count, path);
	pid = file_hold(path, ends);
	take_all_slots(path);
	assert_passes(count_in_a_new_slot, path);
	file_let_go(pid, ends);
	/* When it is gone all are free. */
	take_all_slots(path);
	assert_passes(count_without_a_new_slot, path);
}

/* Nobody can have held a slot since before the machine was started. */
static void slots_of_another_boot_are_free(void **state)
{
	char *path = (char *)file_path("boot");
	struct tally__header header;
	uint64_t boot[2];
	int descriptor, ends[2];
	pid_t pid;

	(void)state;
	assert_passes(count, path);
	pid = file_hold(path, ends);
	take_all_slots(path);
	descriptor = open(path, O_RDWR);
	assert_int_equal(pread(descriptor, &header, sizeof(header), 0), sizeof(header));
	memcpy(boot, header.boot_id, sizeof(boot));
	assert_true(boot[0] != 0 && boot[1] != 0);
	header.boot_id[0]++;
	assert_int_equal(pwrite(descriptor, &header, sizeof(header), 0), sizeof(header));
	assert_passes(count_without_a_new_slot, path);
	/* It says so. */
	assert_int_equal(pread(descriptor, &header, sizeof(header), 0), sizeof(header));
	assert_memory_equal(header.boot_id, boot, sizeof(boot));
	close(descriptor);
	file_let_go(pid, ends);
}

/* A pid namespace of its own, whose processes have the pids of others. */
static void count_in_namespace(void *path)
{
	int status;
	pid_t pid;

	if (syscall(SYS_unshare, CLONE_NEWPID) != 0)
		_exit(77);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQUAL(getpid(), 1);
		count(path);
		kill(getpid(), SIGKILL);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
}

static void count_and_look(void *path)
{
	count(path);
	/* Ours, and one of a namespace, whose owner cannot be judged here: it may be alive for all we know. */
	CHECK(tally__slots_used(&tally__region.slots) >= 3);
}

static void namespaces_do_not_judge_each_other(void **state)
{
	char *path = (char *)file_path("namespace");
	struct child_end child;
	int ends[2];
	pid_t pid;

	(void)state;
	assert_passes(count, path);
	pid = file_hold(path, ends);
	child = child_run(count_in_namespace, path);
	if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == 77) {
		file_let_go(pid, ends);
		skip();
	}
	if (child.status != 0)
		child_describe(&child);
	assert_int_equal(child.status, 0);
	assert_passes(count_and_look, path);
	file_let_go(pid, ends);
	/* Ten containers, one after the other: alone, each finds the slots of those before it free. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(child_run(count_in_namespace, path).status, 0);
	assert_passes(count, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_free_for_who_is_alone),
		cmocka_unit_test(slots_are_kept_while_others_have_the_file),
		cmocka_unit_test(slots_of_another_boot_are_free),
		cmocka_unit_test(namespaces_do_not_judge_each_other),
	};

	return cmocka_run_group_tests(tests, file_set_up, file_tear_down);
}
