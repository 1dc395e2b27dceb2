/* A directory that is full: every metric counts on, exactly, with one warning; those that are in it can be
 * seen, and what is known already is found. In a child, for the region that it fills. */
#include "child.h"

#include <tally/counter.h>
#include <tally/view.h>

#include "region/layout.h"

TALLY_COUNTER(first, "test_full_first_total", "Registered before all others.");

enum { MANY = TALLY__CELLS_MAX + 50 };

static struct {
	tally_counter counter;
	char text[40];
} * many;

static void define(unsigned number)
{
	snprintf(many[number].text, sizeof(many[number].text), "ctest_full_%u_total%c%c", number, 0, 0);
	many[number].counter.metric_.text_ = many[number].text;
	tally__metric_define(&many[number].counter.metric_);
}

static size_t metrics_seen(uint64_t *sum)
{
	tally_view *view;
	size_t size;

	CHECK_EQUAL(tally_view_open_pid(getpid(), &view), 0);
	size = tally_view_size(view);
	*sum = 0;
	for (size_t i = 0; i < size; i++)
		*sum += tally_view_get(view, i)->total;
	tally_view_close(view);
	return size;
}

static void fill(void *arg)
{
	static tally_counter again;
	static tally_updown pair;
	uint64_t sum, expected = 0;
	size_t seen;

	(void)arg;
	many = calloc(MANY, sizeof(*many));
	CHECK(many);
	for (unsigned i = 0; i < MANY; i++)
		define(i);
	for (unsigned i = 0; i < MANY; i++)
		tally_counter_add(&many[i].counter, i + 1);
	for (unsigned i = 0; i < MANY; i++)
		CHECK_EQUAL(tally_counter_load(&many[i].counter), i + 1);
	/* A name that is there is found, and one that takes two cells has no room. */
	again.metric_.text_ = "ctest_full_first\0";
	tally__metric_define(&again.metric_);
	tally_counter_add(&again, 7);
	CHECK_EQUAL(tally_counter_load(&first), 7);
	pair.metric_.text_ = "utest_full_pair\0";
	tally__metric_define(&pair.metric_);
	tally_updown_sub(&pair, 5);
	CHECK_EQUAL(tally_updown_load(&pair), -5);
	seen = metrics_seen(&sum);
	/* Cell 0 is nobody's. */
	CHECK_EQUAL(seen, TALLY__CELLS_MAX - 1);
	for (unsigned i = 0; i < seen - 1; i++)
		expected += i + 1;
	CHECK_EQUAL(sum, expected + 7);
}

static void a_full_directory_costs_no_counts(void **state)
{
	struct child_end end = child_run(fill, NULL);

	(void)state;
	if (end.status != 0)
		child_describe(&end);
	assert_int_equal(end.status, 0);
	assert_string_equal(end.text,
			    "tally: the region is full: some metrics cannot be seen from outside, and count "
			    "slower\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_directory_costs_no_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
