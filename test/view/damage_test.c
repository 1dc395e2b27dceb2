/* A region that breaks its own format is an error, and never a fault. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <tally/view.h>

#include "image.h"

static int write_image(const struct image *image, size_t bytes)
{
	int file = memfd_create("image", MFD_CLOEXEC);
	assert_true(file >= 0);
	assert_int_equal(write(file, image->bytes, bytes), bytes);
	return file;
}

static int open_image(const struct image *image, size_t bytes, tally_view **view)
{
	char path[64];
	int file = write_image(image, bytes);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	int error = tally_view_open_path(path, view);
	close(file);
	return error;
}

static void a_sound_region_is_read_exactly(void **state)
{
	(void)state;
	struct image image;
	tally_view *view;
	image_make(&image);
	assert_int_equal(open_image(&image, IMAGE_SIZE, &view), 0);
	assert_int_equal(tally_view_size(view), 3);
	assert_string_equal(tally_view_program(view), "image");
	assert_int_equal(tally_view_pid(view), 4711);
	const tally_view_metric *metric = tally_view_get(view, 0);
	assert_string_equal(metric->name, "requests_total");
	assert_string_equal(metric->help, "Requests.");
	assert_int_equal(metric->kind, TALLY_VIEW_COUNTER);
	assert_true(metric->total == UINT64_C(7) + (UINT64_C(1) << 63));
	metric = tally_view_get(view, 1);
	assert_string_equal(metric->name, "connections");
	assert_int_equal(metric->kind, TALLY_VIEW_UPDOWN);
	assert_int_equal(metric->value, -2);
	metric = tally_view_get(view, 2);
	assert_int_equal(metric->kind, TALLY_VIEW_GAUGE);
	assert_int_equal(metric->value, -5);
	assert_null(tally_view_get(view, 3));
	tally_view_close(view);
}

static void cells_without_memory_and_slots_not_used_count_nothing(void **state)
{
	(void)state;
	struct image image;
	tally_view *view;
	image_make(&image);
	tally_atomic_u32_store(&image_slot(&image, 1)->backed, 1);
	tally_atomic_u32_store(&image_header(&image)->slots_used, 2);
	assert_int_equal(open_image(&image, IMAGE_SIZE, &view), 0);
	assert_true(tally_view_get(view, 0)->total == 3);
	assert_int_equal(tally_view_get(view, 1)->value, 0);
	tally_view_close(view);
}

static void what_a_newer_minor_version_adds_is_skipped(void **state)
{
	(void)state;
	struct image image;
	tally_view *view;
	image_make(&image);
	image_header(&image)->minor = 9;
	image_header(&image)->flags = 77;
	image_add(&image, 200, "a kind of the future", "", 5);
	image_add(&image, TALLY__KIND_GAUGE, "after", "", 5);
	assert_int_equal(open_image(&image, IMAGE_SIZE, &view), 0);
	assert_int_equal(tally_view_size(view), 4);
	assert_string_equal(tally_view_get(view, 3)->name, "after");
	tally_view_close(view);
}

/* One thing that is wrong, and what it must be called. */
struct damage {
	const char *what;
	void (*make)(struct image *image);
	int error;
};

#define DAMAGE(name, expression)                                                                               \
	static void name(struct image *image)                                                                  \
	{                                                                                                      \
		struct tally__header *header = image_header(image);                                            \
		(void)header;                                                                                  \
		expression;                                                                                    \
	}

DAMAGE(no_magic, header->magic[0] = 'X')
DAMAGE(not_yet_made, memset(header, 0, sizeof(*header)))
DAMAGE(other_byte_order, header->byte_order = 0x04030201)
DAMAGE(newer_major, header->major = 2)
DAMAGE(short_header, header->header_size = 100)
DAMAGE(longer_than_the_file, header->total_size = IMAGE_SIZE + 1)
DAMAGE(wild_total, header->total_size = UINT64_MAX)
DAMAGE(table_outside, header->table_offset = IMAGE_SIZE)
DAMAGE(table_wild, header->table_offset = UINT64_MAX - 7)
DAMAGE(table_unaligned, header->table_offset += 4)
DAMAGE(no_slots, header->slots_max = 0)
DAMAGE(wild_slots, header->slots_max = UINT32_MAX)
DAMAGE(tiny_records, header->slot_record_size = 8)
DAMAGE(wild_records, header->slot_record_size = UINT32_MAX)
DAMAGE(index_outside, header->index_offset = IMAGE_SIZE - 8)
DAMAGE(wild_index, header->index_max = UINT32_MAX)
DAMAGE(entries_outside, header->entries_offset = IMAGE_SIZE)
DAMAGE(wild_entries, header->entries_size = UINT64_MAX)
DAMAGE(cells_outside, header->cells_offset = IMAGE_SIZE - 64)
DAMAGE(cells_wild, header->cells_offset = UINT64_MAX - 63)
DAMAGE(no_cells, header->cells_max = 0)
DAMAGE(wild_cells, header->cells_max = UINT32_MAX)
DAMAGE(overlapping_slots, header->slot_stride = 8)
DAMAGE(wild_stride, header->slot_stride = UINT64_MAX / 2 + 1)
DAMAGE(more_slots_used_than_there_are, tally_atomic_u32_store(&header->slots_used, IMAGE_SLOTS + 1))
DAMAGE(entry_before_the_entries, image_index(image)[1] = 8)
DAMAGE(entry_behind_the_entries, image_index(image)[1] = IMAGE_ENTRIES_AT + IMAGE_ENTRIES_SIZE)
DAMAGE(entry_wild, image_index(image)[1] = 0xfffffff8)
DAMAGE(entry_unaligned, image_index(image)[1] += 4)
DAMAGE(entry_not_used_yet, tally_atomic_u64_store(&header->entries_used, 8))
DAMAGE(cell_0, image_entry(image, 0)->cell = 0)
DAMAGE(cell_outside, image_entry(image, 0)->cell = IMAGE_CELLS)
DAMAGE(cell_wild, image_entry(image, 0)->cell = UINT32_MAX)
DAMAGE(second_cell_outside, image_entry(image, 1)->cell = IMAGE_CELLS - 1)
DAMAGE(too_many_cells, image_entry(image, 0)->cells = 2)
DAMAGE(long_name, image_entry(image, 2)->name_length = 0xffff)
DAMAGE(long_help, image_entry(image, 2)->help_length = 0xffff)
DAMAGE(no_name, image_entry(image, 2)->name_length = 0)
DAMAGE(name_with_zero, image_entry(image, 0)->text[3] = '\0')
DAMAGE(name_with_line_feed, image_entry(image, 0)->text[3] = '\n')
DAMAGE(name_with_quote, image_entry(image, 0)->text[3] = '"')
DAMAGE(counter_without_total, image_entry(image, 0)->text[13] = 'x')
DAMAGE(gauge_with_total, image_entry(image, 0)->kind = TALLY__KIND_GAUGE)
DAMAGE(same_metric_twice, image_index(image)[2] = image_index(image)[0])
DAMAGE(same_family_twice, image_add(image, TALLY__KIND_GAUGE, "requests", "", 5))

static void each_damage_is_named(void **state)
{
	(void)state;
#define NODATA(name)                                                                                           \
	{                                                                                                      \
#name, name, -ENODATA                                                                          \
	}
#define DAMAGED(name)                                                                                          \
	{                                                                                                      \
#name, name, -EBADMSG                                                                          \
	}
	static const struct damage damages[] = {
		NODATA(no_magic),
		NODATA(not_yet_made),
		{"other_byte_order", other_byte_order, -EPROTONOSUPPORT},
		{"newer_major", newer_major, -EPROTONOSUPPORT},
		DAMAGED(short_header),
		DAMAGED(longer_than_the_file),
		DAMAGED(wild_total),
		DAMAGED(table_outside),
		DAMAGED(table_wild),
		DAMAGED(table_unaligned),
		DAMAGED(no_slots),
		DAMAGED(wild_slots),
		DAMAGED(tiny_records),
		DAMAGED(wild_records),
		DAMAGED(index_outside),
		DAMAGED(wild_index),
		DAMAGED(entries_outside),
		DAMAGED(wild_entries),
		DAMAGED(cells_outside),
		DAMAGED(cells_wild),
		DAMAGED(no_cells),
		DAMAGED(wild_cells),
		DAMAGED(overlapping_slots),
		DAMAGED(wild_stride),
		DAMAGED(more_slots_used_than_there_are),
		DAMAGED(entry_before_the_entries),
		DAMAGED(entry_behind_the_entries),
		DAMAGED(entry_wild),
		DAMAGED(entry_unaligned),
		DAMAGED(entry_not_used_yet),
		DAMAGED(cell_0),
		DAMAGED(cell_outside),
		DAMAGED(cell_wild),
		DAMAGED(second_cell_outside),
		DAMAGED(too_many_cells),
		DAMAGED(long_name),
		DAMAGED(long_help),
		DAMAGED(no_name),
		DAMAGED(name_with_zero),
		DAMAGED(name_with_line_feed),
		DAMAGED(name_with_quote),
		DAMAGED(counter_without_total),
		DAMAGED(gauge_with_total),
		DAMAGED(same_metric_twice),
		DAMAGED(same_family_twice),
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct image image;
		tally_view *view;
		image_make(&image);
		damages[i].make(&image);
		int error = open_image(&image, IMAGE_SIZE, &view);
		if (error != damages[i].error)
			fail_msg("%s: %d (%s) instead of %d", damages[i].what, error, tally_view_error(error),
				 damages[i].error);
	}
}

/* A memfd has its full size before it has a header. Zeros of any other size are somebody else's. */
static void a_region_without_its_header_is_just_being_made(void **state)
{
	(void)state;
	char path[64];
	tally_view *view;
	int file = memfd_create("zeros", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	assert_int_equal(ftruncate(file, (off_t)TALLY__REGION_SIZE), 0);
	assert_int_equal(tally_view_open_path(path, &view), -EAGAIN);
	assert_int_equal(ftruncate(file, (off_t)TALLY__REGION_SIZE - 4096), 0);
	assert_int_equal(tally_view_open_path(path, &view), -ENODATA);
	close(file);
}

static void every_truncation_is_an_error(void **state)
{
	(void)state;
	struct image image;
	image_make(&image);
	for (size_t bytes = 0; bytes < IMAGE_SIZE; bytes++) {
		tally_view *view;
		int error = open_image(&image, bytes, &view);
		int expected = bytes < sizeof(struct tally__header) ? -ENODATA : -EBADMSG;
		if (error != expected)
			fail_msg("%zu bytes: %d instead of %d", bytes, error, expected);
	}
}

static void what_is_not_a_regular_file_is_refused_at_once(void **state)
{
	(void)state;
	char folder[] = "/tmp/tally-view-XXXXXX", path[64], link[64];
	tally_view *view;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(tally_view_open_path(folder, &view), -ENODATA);
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* A blocking open would wait for ever. */
	assert_int_equal(tally_view_open_path(path, &view), -ENODATA);
	unlink(path);
	snprintf(path, sizeof(path), "%s/none", folder);
	assert_int_equal(tally_view_open_path(path, &view), -ENOENT);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink(link, link), 0);
	assert_int_equal(tally_view_open_path(link, &view), -ELOOP);
	unlink(link);
	snprintf(path, sizeof(path), "%s/socket", folder);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(tally_view_open_path(path, &view), -ENODATA);
	close(fd);
	unlink(path);
	assert_int_equal(tally_view_open_path("/dev/null", &view), -ENODATA);
	assert_int_equal(tally_view_open_path("/dev/zero", &view), -ENODATA);
	rmdir(folder);
}

static void a_view_outlives_the_truncation_of_its_file(void **state)
{
	(void)state;
	char path[64];
	struct image image;
	tally_view *view;
	image_make(&image);
	int file = write_image(&image, IMAGE_SIZE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	assert_int_equal(tally_view_open_path(path, &view), 0);
	assert_int_equal(ftruncate(file, 400), 0);
	assert_int_equal(tally_view_read(view), -EBADMSG);
	/* The reading before is still there. */
	assert_int_equal(tally_view_size(view), 3);
	assert_int_equal(tally_view_get(view, 1)->value, -2);
	assert_int_equal(pwrite(file, image.bytes, IMAGE_SIZE, 0), IMAGE_SIZE);
	assert_int_equal(tally_view_read(view), 0);
	tally_view_close(view);
	close(file);
}

/* A hostile writer that never rests; the reader's answers may be anything but a fault. */
static void a_file_that_changes_all_the_time_is_survived(void **state)
{
	(void)state;
	char path[64];
	struct image image;
	image_make(&image);
	int file = write_image(&image, IMAGE_SIZE);
	unsigned seed = (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	pid_t child = fork();
	if (child == 0) {
		srand(seed);
		for (;;) {
			unsigned char byte = (unsigned char)rand();
			off_t at = rand() % IMAGE_SIZE;
			if (rand() % 64 == 0 && ftruncate(file, at) != 0)
				_exit(1);
			if (rand() % 8 == 0) {
				if (pwrite(file, image.bytes, IMAGE_SIZE, 0) != IMAGE_SIZE)
					_exit(1);
			} else if (pwrite(file, &byte, 1, at) != 1) {
				_exit(1);
			}
		}
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	int good = 0, bad = 0;
	for (int i = 0; i < 20000; i++) {
		tally_view *view;
		if (tally_view_open_path(path, &view) != 0) {
			bad++;
			continue;
		}
		good++;
		tally_view_close(view);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	print_message("%d readings, %d errors\n", good, bad);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_region_is_read_exactly),
		cmocka_unit_test(cells_without_memory_and_slots_not_used_count_nothing),
		cmocka_unit_test(what_a_newer_minor_version_adds_is_skipped),
		cmocka_unit_test(each_damage_is_named),
		cmocka_unit_test(a_region_without_its_header_is_just_being_made),
		cmocka_unit_test(every_truncation_is_an_error),
		cmocka_unit_test(what_is_not_a_regular_file_is_refused_at_once),
		cmocka_unit_test(a_view_outlives_the_truncation_of_its_file),
		cmocka_unit_test(a_file_that_changes_all_the_time_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
