/* What the cache writes of the files of a compilation is what it reads, and nothing else passes for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail /* the command has one of its own */

#include "../../cmd/tally/files.c"
#include "../../cmd/tally/sha256.c"
#include "../../cmd/tally/text.c"

void fail(const char *format, ...)
{
	(void)format;
	abort();
}

/* Two files in a text, as the cache has it; its sizes up to the end of each. */
static struct text written(size_t ends[2])
{
	struct file each[2] = {{.path = (char *)(uintptr_t) "/usr/include/stdio.h"},
			       {.path = (char *)(uintptr_t) "a\nb"}};
	struct text text;
	int ends_of_pipe[2];

	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < 7; j++)
			each[i].facts.numbers[j] = INT64_MIN + i * 100 + j;
		memset(each[i].hash, i + 1, SHA256_SIZE);
	}
	for (size_t count = 1; count <= 2; count++) {
		struct files files = {.each = each, .count = count};
		assert_int_equal(pipe(ends_of_pipe), 0);
		assert_int_equal(files_write(&files, ends_of_pipe[1]), 0);
		close(ends_of_pipe[1]);
		assert_int_equal(read_all(ends_of_pipe[0], &text), 0);
		close(ends_of_pipe[0]);
		ends[count - 1] = text.size;
		if (count == 1)
			free(text.bytes);
	}
	return text;
}

static void what_is_written_is_read(void **state)
{
	size_t ends[2];
	struct text text = written(ends);
	struct files files;
	(void)state;

	assert_true(files_read(&files, &text));
	assert_int_equal(files.count, 2);
	assert_string_equal(files.each[0].path, "/usr/include/stdio.h");
	assert_string_equal(files.each[1].path, "a\nb");
	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < 7; j++)
			assert_true(files.each[i].facts.numbers[j] == INT64_MIN + i * 100 + j);
		for (int j = 0; j < SHA256_SIZE; j++)
			assert_int_equal(files.each[i].hash[j], i + 1);
	}
	free(files.each);
	free(text.bytes);
}

/* In memory of just that size, so that a sanitizer sees a read too far. */
static void a_part_of_it_is_not(void **state)
{
	size_t ends[2];
	struct text text = written(ends);
	(void)state;

	for (size_t size = 0; size <= text.size; size++) {
		struct text part = {.bytes = malloc(size + 1), .size = size};
		struct files files;
		memcpy(part.bytes, text.bytes, size);
		part.bytes[size] = '\0';
		assert_int_equal(files_read(&files, &part), size == ends[0] || size == ends[1]);
		free(files.each);
		free(part.bytes);
	}
	free(text.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_part_of_it_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
