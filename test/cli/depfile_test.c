/* Reading what a compiler says it has read. What compilers really write for odd names is in run_test.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#undef fail /* the command has one of its own */

#include "../../cmd/tally/depfile.c"
#include "../../cmd/tally/text.c"

void fail(const char *format, ...)
{
	(void)format;
	abort();
}

/* The rule's files must be those that follow, up to NULL. */
static void reads(const char *rule, ...)
{
	struct list files = {0};
	size_t count = 0;
	va_list expected;

	assert_true(depfile_parse(rule, &files));
	va_start(expected, rule);
	for (const char *file; (file = va_arg(expected, const char *)) != NULL; count++) {
		assert_true(count < files.count);
		assert_string_equal(files.words[count], file);
	}
	va_end(expected);
	assert_int_equal(files.count, count);
	for (size_t i = 0; i < count; i++)
		free(files.words[i]);
	free(files.words);
}

static void plain_rules(void **state)
{
	(void)state;
	reads("program: a.c", "a.c", NULL);
	reads("program: a.c\n", "a.c", NULL);
	reads("program: a.c /usr/include/stdio.h \\\n /x/y.h\n", "a.c", "/usr/include/stdio.h", "/x/y.h", NULL);
	reads("program: \\\n  a.c \\\n  b.h\n", "a.c", "b.h", NULL);
	reads("program: \\\r\n  a.c \\\r\n  b.h\r\n", "a.c", "b.h", NULL);
	reads("program:\\\n a.c\\\n b.h\n", "a.c", "b.h", NULL);
	reads("program:\n", NULL);
	reads("program:", NULL);
	/* Another rule is not this one's. */
	reads("program: a.c\n\nb.h:\n", "a.c", NULL);
	reads("c:/x: a.c\n", "a.c", NULL);
	reads("program: a.c b.h a.c b.h c.h\n", "a.c", "b.h", "c.h", NULL);
}

static void quoted_names(void **state)
{
	(void)state;
	reads("program: with\\ blank.c b.h\n", "with blank.c", "b.h", NULL);
	reads("program: with\\\ttab.c\n", "with\ttab.c", NULL);
	reads("program: a$$b.c $$\n", "a$b.c", "$", NULL);
	reads("program: a\\#b.c\n", "a#b.c", NULL);
	reads("program: a\\b.c a\\\\b.c\n", "a\\b.c", "a\\\\b.c", NULL);
	/* One backslash and a blank in the name; and a backslash as its end. */
	reads("program: a\\\\\\ b.c\n", "a\\ b.c", NULL);
	reads("program: a\\\\ b.c\n", "a\\", "b.c", NULL);
	reads("program: \\ \n", " ", NULL);
	reads("program: a\\", "a\\", NULL);
	reads("program: a$", "a$", NULL);
}

static void what_is_no_file(void **state)
{
	(void)state;
	reads("program: - a.h\n", "a.h", NULL);
	reads("program: <stdin> a.h <built-in>\n", "a.h", NULL);
	reads("program: -a.c\n", "-a.c", NULL);
}

static void what_is_no_rule(void **state)
{
	struct list files = {0};
	(void)state;

	assert_false(depfile_parse("", &files));
	assert_false(depfile_parse("program a.c\n", &files));
	assert_false(depfile_parse("c:/a:b", &files));
	assert_int_equal(files.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_rules),
		cmocka_unit_test(quoted_names),
		cmocka_unit_test(what_is_no_file),
		cmocka_unit_test(what_is_no_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
