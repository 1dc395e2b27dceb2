/* Regions in files: made, attached to, refused. Each test runs in children, as a process has one region. */
#include "file.h"

#include <stdlib.h>
#include <sys/file.h>
#include <tally/counter.h>
#include <tally/region.h>

#include "region/region.h"

TALLY_COUNTER(counter, "test_file_total", "A counter.");
TALLY_UPDOWN(updown, "test_file_open", "An up-down counter.");
TALLY_GAUGE(gauge, "test_file_level", "A gauge.");

static void count_in(void *path)
{
	uint64_t before;

	CHECK_EQUAL(tally_region_open(path), 0);
	before = tally_counter_load(&counter);
	tally_counter_add(&counter, 5);
	tally_updown_add(&updown, 3);
	tally_updown_sub(&updown, 1);
	tally_gauge_add(&gauge, 7);
	CHECK_EQUAL(tally_counter_load(&counter), before + 5);
}

static void expect_counted(void *path)
{
	CHECK_EQUAL(tally_region_open(path), 0);
	CHECK_EQUAL(tally_counter_load(&counter), 15);
	CHECK_EQUAL(tally_updown_load(&updown), 6);
	CHECK_EQUAL(tally_gauge_load(&gauge), 21);
}

static void counts_outlive_the_process(void **state)
{
	char *path = (char *)file_path("outlive");
	struct stat file;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(count_in, path);
	assert_passes(expect_counted, path);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_size, TALLY__REGION_SIZE);
	assert_int_equal(file.st_mode & 07777, 0600);
	/* Sparse: a few pages. */
	assert_true(file.st_blocks * 512 < 200000);
}

static void too_late(void *path)
{
	tally_counter_inc(&counter);
	CHECK_EQUAL(tally_region_open(path), -EBUSY);
	CHECK(access(path, F_OK) != 0);
}

static void too_late_for_a_gauge(void *path)
{
	tally_gauge_set(&gauge, 1);
	CHECK_EQUAL(tally_region_open(path), -EBUSY);
}

static void too_late_without_a_name(void *path)
{
	tally_counter anonymous = {0};

	tally_counter_inc(&anonymous);
	CHECK_EQUAL(tally_region_open(path), -EBUSY);
}

static void once_counted_the_region_stays(void **state)
{
	char *path = (char *)file_path("late");

	(void)state;
	assert_passes(too_late, path);
	assert_passes(too_late_for_a_gauge, path);
	assert_passes(too_late_without_a_name, path);
}

/* The region may change more than once before that; nothing is counted in those that were. */
static void change_twice(void *arg)
{
	(void)arg;
	CHECK_EQUAL(tally_region_open(file_path("first")), 0);
	CHECK_EQUAL(tally_region_open(file_path("second")), 0);
	tally_counter_inc(&counter);
	CHECK_EQUAL(tally_counter_load(&counter), 1);
}

static void expect_none(void *path)
{
	CHECK_EQUAL(tally_region_open(path), 0);
	CHECK_EQUAL(tally_counter_load(&counter), 0);
}

static void the_region_may_change_until_then(void **state)
{
	(void)state;
	assert_passes(change_twice, NULL);
	assert_passes(expect_none, (char *)file_path("first"));
}

/* Metrics find their cells by name, whatever the order in which another program registered its own. */
static void other_order(void *path)
{
	static tally_counter others[3] = {
		{{{0},
		  {0},
		  "c"
		  "test_other_a_total\0",
		  {{0}, {0}}}},
		{{{0},
		  {0},
		  "c"
		  "test_other_b_total\0",
		  {{0}, {0}}}},
	};

	CHECK_EQUAL(tally_region_open(path), 0);
	for (int i = 0; i < 2; i++)
		tally__metric_define(&others[i].metric_);
	tally_counter_add(&others[0], 100);
	tally_counter_add(&others[1], 200);
	tally_counter_add(&counter, 1);
	CHECK_EQUAL(tally_counter_load(&others[0]), 100);
	CHECK_EQUAL(tally_counter_load(&others[1]), 200);
	CHECK_EQUAL(tally_counter_load(&counter), 1);
}

static void other_first(void *path)
{
	static tally_counter b = {{{0},
				   {0},
				   "c"
				   "test_other_b_total\0",
				   {{0}, {0}}}};

	CHECK_EQUAL(tally_region_open(path), 0);
	tally__metric_define(&b.metric_);
	CHECK_EQUAL(tally_counter_load(&b), 200);
	CHECK_EQUAL(tally_counter_load(&counter), 1);
}

static void metrics_are_found_by_name(void **state)
{
	char *path = (char *)file_path("names");

	(void)state;
	assert_passes(other_order, path);
	assert_passes(other_first, path);
}

/* Another process has given the name another kind. */
static void define_clash(void *kind)
{
	static tally_gauge metric;

	CHECK_EQUAL(tally_region_open(file_path("kinds")), 0);
	metric.metric_.text_ = kind;
	tally__metric_define(&metric.metric_);
}

static void one_name_has_one_kind_in_all_processes(void **state)
{
	(void)state;
	assert_passes(define_clash, (char *)"gtest_file_clash\0A gauge.");
	assert_passes(define_clash, (char *)"gtest_file_clash\0Other words.");
	assert_dies(define_clash, (char *)"utest_file_clash\0An up-down counter.",
		    "tally: metric \"test_file_clash\" is defined as an up-down counter, but it is already a "
		    "gauge");
	assert_dies(
		define_clash, (char *)"ctest_file_clash\0A counter.",
		"tally: metric \"test_file_clash_total\" is defined as a counter, but it is already a gauge");
}

/* Files that are no regions. */
static int made_of(const char *path, const void *bytes, size_t count, off_t length)
{
	int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(descriptor >= 0);
	assert_int_equal(pwrite(descriptor, bytes, count, 0), (ssize_t)count);
	assert_int_equal(ftruncate(descriptor, length), 0);
	return close(descriptor);
}

struct refusal {
	const char *path;
	int error;
};

static void refused(void *arg)
{
	struct refusal *refusal = arg;
	uint64_t before = tally_counter_load(&counter);

	CHECK_EQUAL(tally_region_open(refusal->path), refusal->error);
	/* And it counts where it did. */
	tally_counter_inc(&counter);
	CHECK_EQUAL(tally_counter_load(&counter), before + 1);
}

static void expect_refused(const char *path, int error)
{
	struct refusal refusal = {path, error};

	assert_passes(refused, &refusal);
}

static void files_that_are_no_regions_are_refused(void **state)
{
	const char *path = file_path("wrong");
	char text[5000] = "not a region at all\n";

	(void)state;
	made_of(path, text, sizeof(text), sizeof(text));
	expect_refused(path, -EPROTO);
	made_of(path, text, 20, 20);
	expect_refused(path, -EPROTO);
	/* Zeros of another length are not ours either. */
	made_of(path, "", 1, 10000);
	expect_refused(path, -EPROTO);
	made_of(path, "", 1, 100);
	expect_refused(path, -EPROTO);
	expect_refused(file_folder, -EPROTO);
	assert_int_equal(mkfifo(file_path("fifo"), 0600), 0);
	expect_refused(file_path("fifo"), -EPROTO);
	assert_int_equal(symlink(path, file_path("link")), 0);
	expect_refused(file_path("link"), -EPROTO);
	expect_refused("/dev/null", -EPROTO);
	expect_refused("/nowhere/at/all", -ENOENT);
	expect_refused("", -ENOENT);
}

static void files_of_others_are_refused(void **state)
{
	const char *path = file_path("foreign");

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_passes(count_in, (char *)path);
	assert_int_equal(chown(path, 12345, 12345), 0);
	expect_refused(path, -EPERM);
}

/* A header that differs in one field. */
static void regions_of_other_versions_are_refused(void **state)
{
	const char *path = file_path("version");
	struct tally__header good, bad;
	int descriptor;

	(void)state;
	assert_passes(count_in, (char *)path);
	descriptor = open(path, O_RDWR);
	assert_true(descriptor >= 0);
	assert_int_equal(pread(descriptor, &good, sizeof(good), 0), sizeof(good));
#define REFUSED_WITH(field, value, error)                                                                      \
	do {                                                                                                   \
		bad = good;                                                                                    \
		bad.field = (value);                                                                           \
		assert_int_equal(pwrite(descriptor, &bad, sizeof(bad), 0), sizeof(bad));                       \
		expect_refused(path, error);                                                                   \
	} while (0)
	REFUSED_WITH(magic[7], 'M', -EPROTO);
	REFUSED_WITH(byte_order, 0x04030201, -ENOTSUP);
	REFUSED_WITH(major, 2, -ENOTSUP);
	REFUSED_WITH(major, 0, -ENOTSUP);
	REFUSED_WITH(header_size, 100, -ENOTSUP);
	REFUSED_WITH(total_size, 0, -ENOTSUP);
	REFUSED_WITH(slots_max, 2048, -ENOTSUP);
	REFUSED_WITH(cells_max, 2048, -ENOTSUP);
	REFUSED_WITH(slot_stride, 8, -ENOTSUP);
	REFUSED_WITH(table_offset, 0, -ENOTSUP);
	REFUSED_WITH(index_offset, 0, -ENOTSUP);
	REFUSED_WITH(entries_offset, 0, -ENOTSUP);
	REFUSED_WITH(cells_offset, 0, -ENOTSUP);
	/* What a later minor version has added does not disturb this one. */
	bad = good;
	bad.minor = 7;
	bad.header_size += 8;
	bad.flags = 1;
	assert_int_equal(pwrite(descriptor, &bad, sizeof(bad), 0), sizeof(bad));
	assert_passes(count_in, (char *)path);
	/* Too short for its header. */
	assert_int_equal(ftruncate(descriptor, 1000000), 0);
	expect_refused(path, -EPROTO);
	close(descriptor);
}

/* Whoever made the file died before it had a header, or it was made by mktemp. */
static void unfinished_files_are_finished(void **state)
{
	const char *path = file_path("unfinished");

	(void)state;
	made_of(path, "", 0, 0);
	assert_passes(count_in, (char *)path);
	made_of(path, "", 1, (off_t)TALLY__REGION_SIZE);
	assert_passes(count_in, (char *)path);
}

/* A damaged directory: no crash, one warning, and it counts. */
static void damaged(void *path)
{
	CHECK_EQUAL(tally_region_open(path), 0);
	for (int i = 0; i < 10; i++) {
		tally_counter_inc(&counter);
		tally_updown_add(&updown, 1);
	}
	CHECK(tally_counter_load(&counter) >= 10);
	CHECK(tally_updown_load(&updown) >= 10);
}

static void a_damaged_directory_does_no_harm(void **state)
{
	static const uint64_t words[] = {
		1, 7, TALLY__ENTRIES_OFFSET + 4, TALLY__REGION_SIZE, UINT32_MAX, TALLY__CELLS_OFFSET - 8, 64};
	const char *path = file_path("damaged");
	uint32_t hash = tally__directory_hash("test_file_total", 15);
	int descriptor;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint64_t word = (uint64_t)hash << TALLY__INDEX_HASH_SHIFT | words[i];
		struct child_end end;

		unlink(path);
		assert_passes(count_in, (char *)path);
		descriptor = open(path, O_RDWR);
		assert_int_equal(pwrite(descriptor, &word, 8, TALLY__INDEX_OFFSET), 8);
		end = child_run(damaged, (char *)path);
		if (end.status != 0)
			child_describe(&end);
		assert_int_equal(end.status, 0);
		assert_non_null(strstr(end.text, "tally: the region is damaged: some metrics cannot be seen"));
		close(descriptor);
	}
	/* An entry that lies. */
	for (uint32_t field = 0; field < 6; field++) {
		uint32_t huge = UINT32_MAX;
		struct child_end end;
		uint64_t word;

		unlink(path);
		assert_passes(count_in, (char *)path);
		descriptor = open(path, O_RDWR);
		assert_int_equal(pread(descriptor, &word, 8, TALLY__INDEX_OFFSET), 8);
		assert_int_equal(pwrite(descriptor, &huge, 4,
					(off_t)(word & TALLY__INDEX_OFFSET_MASK) + 4 * (off_t)field),
				 4);
		end = child_run(damaged, (char *)path);
		/* A name of another kind, as it seems, ends the program. */
		if (end.status != 0 &&
		    !(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGABRT && field == 1)) {
			child_describe(&end);
			fail();
		}
		close(descriptor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_outlive_the_process),
		cmocka_unit_test(once_counted_the_region_stays),
		cmocka_unit_test(the_region_may_change_until_then),
		cmocka_unit_test(metrics_are_found_by_name),
		cmocka_unit_test(one_name_has_one_kind_in_all_processes),
		cmocka_unit_test(files_that_are_no_regions_are_refused),
		cmocka_unit_test(files_of_others_are_refused),
		cmocka_unit_test(regions_of_other_versions_are_refused),
		cmocka_unit_test(unfinished_files_are_finished),
		cmocka_unit_test(a_damaged_directory_does_no_harm),
	};

	return cmocka_run_group_tests(tests, file_set_up, file_tear_down);
}
