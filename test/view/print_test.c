/* What a view prints, to the letter, and which processes are listed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <tally/counter.h>
#include <tally/view.h>

#include "image.h"

TALLY_COUNTER(looks, "looks_total", "Looks at oneself.");

static tally_view *view_of(const struct image *image)
{
	char path[64];
	tally_view *view;
	int file = memfd_create("image", MFD_CLOEXEC);
	assert_int_equal(write(file, image->bytes, IMAGE_SIZE), IMAGE_SIZE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	assert_int_equal(tally_view_open_path(path, &view), 0);
	close(file);
	return view;
}

static void assert_prints(const struct image *image, tally_view_format format, const char *expected)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	tally_view *view = view_of(image);
	assert_int_equal(tally_view_print(view, format, out), 0);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	tally_view_close(view);
}

static void openmetrics_names_families_and_ends_in_eof(void **state)
{
	(void)state;
	struct image image;
	image_make(&image);
	assert_prints(&image, TALLY_VIEW_OPENMETRICS,
		      "# TYPE requests counter\n"
		      "# HELP requests Requests.\n"
		      "requests_total 9223372036854775815\n"
		      "# TYPE connections gauge\n"
		      "# HELP connections Open \\\"now\\\".\n"
		      "connections -2\n"
		      "# TYPE level gauge\n"
		      "level -5\n"
		      "# EOF\n");
}

static void prometheus_names_samples(void **state)
{
	(void)state;
	struct image image;
	image_make(&image);
	assert_prints(&image, TALLY_VIEW_PROMETHEUS,
		      "# TYPE requests_total counter\n"
		      "# HELP requests_total Requests.\n"
		      "requests_total 9223372036854775815\n"
		      "# TYPE connections gauge\n"
		      "# HELP connections Open \"now\".\n"
		      "connections -2\n"
		      "# TYPE level gauge\n"
		      "level -5\n");
}

static void json_is_one_object(void **state)
{
	(void)state;
	struct image image;
	image_make(&image);
	assert_prints(
		&image, TALLY_VIEW_JSON,
		"{\"program\":\"image\",\"pid\":4711,\"metrics\":[\n"
		"{\"name\":\"requests_total\",\"kind\":\"counter\",\"help\":\"Requests.\","
		"\"value\":9223372036854775815},\n"
		"{\"name\":\"connections\",\"kind\":\"updown\",\"help\":\"Open \\\"now\\\".\",\"value\":-2},\n"
		"{\"name\":\"level\",\"kind\":\"gauge\",\"help\":\"\",\"value\":-5}\n"
		"]}\n");
}

static void texts_are_escaped_and_made_utf_8(void **state)
{
	(void)state;
	struct image image;
	image_make(&image);
	memset(image_index(&image), 0, IMAGE_INDEX * 8);
	tally_atomic_u64_store(&image_header(&image)->entries_used, 0);
	/* A tab, a backslash, a line feed, and in turn: two, three and four bytes, a lone byte, a form that is
	 * too long, a surrogate, what is beyond the last character, and a sequence that is cut off. */
	memset(image.bytes + IMAGE_ENTRIES_AT, 0, IMAGE_ENTRIES_SIZE);
	image_add(&image, TALLY__KIND_GAUGE, "g",
		  "\t\\\n\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\x80\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xc3", 5);
	assert_prints(&image, TALLY_VIEW_PROMETHEUS,
		      "# TYPE g gauge\n"
		      "# HELP g  \\\\\\n\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"
		      "\xef\xbf\xbd"
		      "\xef\xbf\xbd\xef\xbf\xbd"
		      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		      "\xef\xbf\xbd\n"
		      "g 0\n");
}

static void what_cannot_be_written_is_an_error(void **state)
{
	(void)state;
	struct image image;
	image_make(&image);
	tally_view *view = view_of(&image);
	FILE *full = fopen("/dev/full", "w");
	assert_int_equal(tally_view_print(view, TALLY_VIEW_JSON, full), -EIO);
	fclose(full);
	tally_view_close(view);
}

static int is_self(int pid, void *arg)
{
	(*(int *)arg)++;
	return pid == getpid() ? 77 : 0;
}

static void a_process_that_counts_is_listed(void **state)
{
	(void)state;
	int visits = 0;
	tally_counter_inc(&looks);
	assert_int_equal(tally_view_list(is_self, &visits), 77);
	assert_true(visits > 0);
}

static void a_process_sees_itself(void **state)
{
	(void)state;
	tally_view *view;
	assert_int_equal(tally_view_open_pid(getpid(), &view), 0);
	const tally_view_metric *metric;
	size_t i = 0;
	while ((metric = tally_view_get(view, i)) != NULL && strcmp(metric->name, "looks_total") != 0)
		i++;
	assert_non_null(metric);
	uint64_t before = metric->total;
	tally_counter_add(&looks, 5);
	assert_int_equal(tally_view_read(view), 0);
	assert_int_equal(tally_view_get(view, i)->total, before + 5);
	tally_view_close(view);
}

/* As many copies of the library as a view takes, each with its region; and one more. */
static int make_region(uint64_t number)
{
	struct image image;
	image_make(&image);
	image_header(&image)->incarnation[1] = number;
	int file = memfd_create("tally", MFD_CLOEXEC);
	assert_true(file >= 0);
	assert_int_equal(write(file, image.bytes, IMAGE_SIZE), IMAGE_SIZE);
	return file;
}

static void all_regions_of_a_program_are_added_up_or_none(void **state)
{
	(void)state;
	enum { MOST = 64 };
	int files[MOST];
	tally_view *view;
	/* This process has one of its own. */
	for (int i = 1; i < MOST; i++)
		files[i] = make_region((uint64_t)i);
	/* The same one twice is one. */
	files[0] = dup(files[1]);
	assert_int_equal(tally_view_open_pid(getpid(), &view), 0);
	const tally_view_metric *metric;
	size_t i = 0;
	while ((metric = tally_view_get(view, i)) != NULL && strcmp(metric->name, "connections") != 0)
		i++;
	assert_non_null(metric);
	assert_int_equal(metric->value, -2 * (MOST - 1));
	tally_view_close(view);
	int one_more = make_region(MOST);
	assert_int_equal(tally_view_open_pid(getpid(), &view), -EMFILE);
	close(one_more);
	for (int k = 0; k < MOST; k++)
		close(files[k]);
}

static void errors_have_words(void **state)
{
	(void)state;
	static const int errors[] = {0,        -ESRCH,           -ENOENT, -EACCES, -EPERM,  -ENODATA,
				     -EBADMSG, -EPROTONOSUPPORT, -EAGAIN, -EIO,    -ENOMEM, -EMFILE};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		assert_true(strlen(tally_view_error(errors[i])) > 5);
		assert_null(strchr(tally_view_error(errors[i]), '\n'));
	}
	tally_view *view;
	assert_int_equal(tally_view_open_pid(0, &view), -ESRCH);
	assert_int_equal(tally_view_open_pid(-1, &view), -ESRCH);
	assert_int_equal(tally_view_open_pid(0x7fffffff, &view), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openmetrics_names_families_and_ends_in_eof),
		cmocka_unit_test(prometheus_names_samples),
		cmocka_unit_test(json_is_one_object),
		cmocka_unit_test(texts_are_escaped_and_made_utf_8),
		cmocka_unit_test(what_cannot_be_written_is_an_error),
		cmocka_unit_test(a_process_that_counts_is_listed),
		cmocka_unit_test(a_process_sees_itself),
		cmocka_unit_test(all_regions_of_a_program_are_added_up_or_none),
		cmocka_unit_test(errors_have_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
