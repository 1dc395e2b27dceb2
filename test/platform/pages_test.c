/* Memory in pages: zero, guarded, given back. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "platform/pages.h"

#include "child.h"

enum { GUARD_INSTALL = 102, PAGES = 8 };

static size_t page;

static int all_zero(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] != 0)
			return 0;
	}
	return 1;
}

static void mapped_memory_is_zero_and_ours(void **state)
{
	char *start = tally__pages_map(PAGES * page);

	(void)state;
	assert_non_null(start);
	assert_int_equal((uintptr_t)start % page, 0);
	assert_true(all_zero(start, PAGES * page));
	memset(start, 1, PAGES * page);
	tally__pages_unmap(start, PAGES * page);
	assert_int_equal(msync(start, page, MS_ASYNC), -1); /* nothing there any more */
	assert_int_equal(errno, ENOMEM);
}

static void what_cannot_be_mapped_is_null(void **state)
{
	(void)state;
	errno = 77;
	assert_null(tally__pages_map(0));
	assert_null(tally__pages_map(SIZE_MAX / 2));
	assert_int_equal(errno, 77);
}

static void discarded_memory_reads_as_zero(void **state)
{
	/* Whole pages, parts of pages at both ends, inside of one page. */
	const size_t ranges[][2] = {{0, PAGES}, {1, 4}, {1, 2}, {2, 2}};
	char *start = tally__pages_map(PAGES * page);

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		for (int odd = 0; odd <= 1; odd++) {
			size_t from = ranges[i][0] * page + (odd ? 100 : 0);
			size_t to = ranges[i][1] * page + (odd && ranges[i][1] < PAGES ? 200 : 0);

			memset(start, 1, PAGES * page);
			errno = 77;
			tally__pages_discard(start + from, to - from);
			assert_int_equal(errno, 77);
			assert_true(all_zero(start + from, to - from));
			for (size_t at = 0; at < PAGES * page; at++)
				assert_int_equal(start[at], at < from || at >= to);
		}
	}
	tally__pages_unmap(start, PAGES * page);
}

static void discarded_memory_is_given_back(void **state)
{
	char *start = tally__pages_map(PAGES * page);
	unsigned char resident[PAGES];

	(void)state;
	memset(start, 1, PAGES * page);
	tally__pages_discard(start + page, (PAGES - 1) * page);
	assert_int_equal(mincore(start, PAGES * page, resident), 0);
	assert_int_equal(resident[0] & 1, 1);
	for (int i = 1; i < PAGES; i++)
		assert_int_equal(resident[i] & 1, 0);
	tally__pages_unmap(start, PAGES * page);
}

struct access {
	size_t from, bytes; /* the guard */
	size_t at;          /* where the child writes or reads */
	int reads;
	int old_kernel; /* that knows no MADV_GUARD_INSTALL */
	int locked;
};

static void access_in_child(void *arg)
{
	struct access *access = arg;
	char *start = tally__pages_map(PAGES * page);

	CHILD_EXPECT(start);
	if (access->old_kernel)
		refuse(SYS_madvise, EINVAL, 2, GUARD_INSTALL);
	memset(start, 1, PAGES * page);
	if (access->locked)
		CHILD_EXPECT(mlock(start, PAGES * page) == 0);
	errno = 77;
	CHILD_EXPECT(tally__pages_guard(start + access->from, access->bytes) == 0);
	CHILD_EXPECT(errno == 77);
	if (access->reads)
		_exit(start[access->at]);
	start[access->at] = 2;
}

static void expect_guarded(int old_kernel, int locked)
{
	for (int reads = 0; reads <= 1; reads++) {
		const size_t inside[] = {page, 2 * page, 3 * page - 1}, outside[] = {page - 1, 3 * page};
		struct access access = {page, 2 * page, 0, reads, old_kernel, locked};

		for (size_t i = 0; i < 3; i++) {
			struct child child;

			access.at = inside[i];
			child = child_run(access_in_child, &access);
			if (child.signal == 0)
				print_error("%s\n", child.text);
			assert_int_equal(child.signal, SIGSEGV);
		}
		for (size_t i = 0; i < 2; i++) {
			access.at = outside[i];
			assert_int_equal(child_run(access_in_child, &access).exit, reads);
		}
	}
}

static void a_guard_faults_at_every_byte_and_nowhere_else(void **state)
{
	(void)state;
	expect_guarded(0, 0);
}

static void guards_work_on_old_kernels(void **state)
{
	(void)state;
	expect_guarded(1, 0);
}

static void guards_work_in_locked_memory(void **state)
{
	(void)state;
	expect_guarded(0, 1);
}

static void only_whole_pages_are_guarded(void **state)
{
	struct access access = {page - 1, page + 2, 0, 0, 0, 0};
	char *start = tally__pages_map(PAGES * page);

	(void)state;
	access.at = page - 1;
	assert_int_equal(child_run(access_in_child, &access).exit, 0);
	access.at = 2 * page;
	assert_int_equal(child_run(access_in_child, &access).exit, 0);
	access.at = page;
	assert_int_equal(child_run(access_in_child, &access).signal, SIGSEGV);
	assert_int_equal(tally__pages_guard(start + 1, page - 1), -EINVAL);
	assert_int_equal(tally__pages_guard(start + 1, page), -EINVAL);
	assert_int_equal(tally__pages_guard(start, 0), -EINVAL);
	tally__pages_unmap(start, PAGES * page);
}

static void discard_locked(void *arg)
{
	char *start = tally__pages_map(PAGES * page);

	(void)arg;
	CHILD_EXPECT(mlock(start, PAGES * page) == 0);
	memset(start, 1, PAGES * page);
	tally__pages_discard(start, PAGES * page);
	CHILD_EXPECT(all_zero(start, PAGES * page));
}

static void locked_memory_reads_as_zero_too(void **state)
{
	struct child child = child_run(discard_locked, NULL);

	(void)state;
	child_expect_well(&child);
}

/* Every second page guarded by protection makes two mappings of one, until there are as many as allowed. */
static void run_out_of_mappings(void *arg)
{
	size_t bytes = ((size_t)1 << 18) * page;
	char *start = tally__pages_map(bytes);
	int result = 0;

	(void)arg;
	CHILD_EXPECT(start);
	refuse(SYS_madvise, EINVAL, 2, GUARD_INSTALL);
	for (size_t at = 0; at < bytes && result == 0; at += 2 * page)
		result = tally__pages_guard(start + at, page);
	CHILD_EXPECT(result == -ENOMEM);
	start[page] = 1;
}

static void too_many_mappings_are_reported(void **state)
{
	struct child child = child_run(run_out_of_mappings, NULL);

	(void)state;
	child_expect_well(&child);
}

/* The flag `nh` in the line VmFlags of the mapping. */
static void stacks_are_not_made_of_huge_pages(void **state)
{
	char *start = tally__pages_map(PAGES * page);
	char want[32], line[1024];
	int ours = 0, told = 0, huge_known = access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0;
	FILE *maps = fopen("/proc/self/smaps", "r");

	(void)state;
	errno = 77;
	tally__pages_no_huge(start, PAGES * page);
	assert_int_equal(errno, 77);
	if (!huge_known || !maps)
		skip();
	snprintf(want, sizeof(want), "%lx-", (unsigned long)(uintptr_t)start);
	while (fgets(line, sizeof(line), maps)) {
		if (strncmp(line, want, strlen(want)) == 0)
			ours = 1;
		if (ours && strncmp(line, "VmFlags:", 8) == 0) {
			told = strstr(line, " nh") != NULL;
			break;
		}
	}
	fclose(maps);
	assert_true(ours);
	assert_true(told);
	tally__pages_unmap(start, PAGES * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapped_memory_is_zero_and_ours),
		cmocka_unit_test(what_cannot_be_mapped_is_null),
		cmocka_unit_test(discarded_memory_reads_as_zero),
		cmocka_unit_test(discarded_memory_is_given_back),
		cmocka_unit_test(a_guard_faults_at_every_byte_and_nowhere_else),
		cmocka_unit_test(guards_work_on_old_kernels),
		cmocka_unit_test(guards_work_in_locked_memory),
		cmocka_unit_test(only_whole_pages_are_guarded),
		cmocka_unit_test(locked_memory_reads_as_zero_too),
		cmocka_unit_test(too_many_mappings_are_reported),
		cmocka_unit_test(stacks_are_not_made_of_huge_pages),
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
