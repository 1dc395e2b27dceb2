/* Names of metrics: which are allowed, and what is said of the others. */
#include "child.h"

#include <tally/counter.h>

/* Defines a metric as the macros do, with a text built here. kind: c, u or g. */
static void define(char kind, const char *name, const char *help)
{
	static struct {
		tally_counter counter;
		char text[2048];
	} metrics[200];
	static int next;
	char *text = metrics[next % 200].text;

	memset(&metrics[next % 200], 0, sizeof(metrics[0]));
	CHECK(strlen(name) + strlen(help) + 3 <= sizeof(metrics[0].text));
	text[0] = kind;
	strcpy(text + 1, name);
	strcpy(text + strlen(text) + 1, help);
	metrics[next % 200].counter.metric_.text_ = text;
	tally__metric_define(&metrics[next % 200].counter.metric_);
	next++;
}

static void define_it(void *arg)
{
	const char *const *parts = arg;

	for (; *parts; parts += 3)
		define(parts[0][0], parts[1], parts[2]);
}

static char long_name[400];
static char long_help[1100];

static void names_that_are_allowed(void **state)
{
	static char longest[256];
	static char longest_help[1024];
	const char *good[] = {
		"c",
		"a",
		"h",
		"c",
		"_",
		"h",
		"c",
		":a:b_9",
		"",
		"c",
		"http_requests_total",
		"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \" \\ \n",
		"u",
		"queue_count",
		"h",
		"g",
		"queue_sum",
		"h",
		"g",
		"total",
		"h",
		"g",
		"created",
		"h",
		"c",
		"total_of_all",
		"h",
		"c",
		"created_at_all",
		"h",
		"g",
		longest,
		longest_help,
		NULL,
	};

	(void)state;
	memset(longest, 'x', 255);
	memset(longest_help, 'x', 1023);
	assert_passes(define_it, good);
}

static void expect_death(char kind, const char *name, const char *help, const char *reason)
{
	char kind_text[2] = {kind, 0};
	const char *bad[] = {kind_text, name, help, NULL};
	char line[1024];

	snprintf(line, sizeof(line), "tally: bad metric \"%.99s%s\": %s", name, strlen(name) > 99 ? "..." : "",
		 reason);
	line[strcspn(line, "\n")] = strchr(line, '\n') ? '?' : 0;
	assert_dies(define_it, bad, line);
}

static void names_that_are_not(void **state)
{
	const char *characters = "a name consists of letters, digits, _ and :, and begins with no digit";

	(void)state;
	expect_death('c', "", "h", "it is empty");
	expect_death('c', "9a", "h", characters);
	expect_death('c', "a-b", "h", characters);
	expect_death('u', "a b", "h", characters);
	expect_death('g', "a{b=\"c\"}", "h", characters);
	expect_death('c', "a\xc3\xa4", "h", characters);
	expect_death('c', "a\n", "h", characters);
	expect_death('g', "a.b", "h", characters);
	expect_death('c', "_total", "h", "there is nothing before _total");
	expect_death('c', "a_total_total", "h", "it ends in _total twice");
	expect_death('g', "a_total", "h", "the ending _total is for counters");
	expect_death('u', "a_total", "h", "the ending _total is for counters");
	expect_death('c', "a_created", "h", "the ending _created is reserved");
	expect_death('c', "a_created_total", "h", "the ending _created is reserved");
	expect_death('u', "a_created", "h", "the ending _created is reserved");
	expect_death('g', "a_created", "h", "the ending _created is reserved");
	memset(long_name, 'x', 256);
	expect_death('g', long_name, "h", "it is longer than 255 bytes");
	long_name[250] = 0;
	expect_death('c', long_name, "h", "with _total it is longer than 255 bytes");
	memset(long_help, 'x', 1024);
	expect_death('g', "a", long_help, "its help text is longer than 1023 bytes");
}

static void help_must_be_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"a\xc3",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xe2\x82",
		"\xed\xa0\x80",
		"\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x28\xa1",
		"\xf0\x9f\x98",
		"\xfe",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_death('g', "a", bad[i], "its help text is not UTF-8");
}

static void one_name_has_one_kind(void **state)
{
	const char *twice[] = {"c",        "one_name_total", "h", "u",         "one_other", "h", "c",
			       "one_name", "other help",     "u", "one_other", "h",         NULL};
	const char *gauge[] = {"u", "clash_a", "h", "g", "clash_a", "h", NULL};
	const char *updown[] = {"g", "clash_b", "h", "u", "clash_b", "h", NULL};
	const char *family[] = {"c", "clash_c_total", "h", "g", "clash_c", "h", NULL};
	const char *counter[] = {"g", "clash_d", "h", "c", "clash_d_total", "h", NULL};

	(void)state;
	assert_passes(define_it, twice);
	assert_dies(define_it, gauge,
		    "tally: metric \"clash_a\" is defined as a gauge, but it is already an up-down counter");
	assert_dies(define_it, updown,
		    "tally: metric \"clash_b\" is defined as an up-down counter, but it is already a gauge");
	/* The gauge would be shown under the name of the counter's family. */
	assert_dies(define_it, family,
		    "tally: metric \"clash_c\" is defined as a gauge, but it is already a counter");
	assert_dies(define_it, counter,
		    "tally: metric \"clash_d_total\" is defined as a counter, but it is already a gauge");
}

TALLY_COUNTER(kept, "names_kept_total", "A counter with a name.");

static void destroy_named(void *arg)
{
	(void)arg;
	tally_counter_destroy(&kept);
}

static void metrics_with_names_stay(void **state)
{
	(void)state;
	assert_dies(destroy_named, NULL,
		    "tally: destroy of the metric \"names_kept_total\", which is there for the whole program");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_are_allowed),  cmocka_unit_test(names_that_are_not),
		cmocka_unit_test(help_must_be_utf8),       cmocka_unit_test(one_name_has_one_kind),
		cmocka_unit_test(metrics_with_names_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
