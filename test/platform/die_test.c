/* Lines of text, and the end of the program. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "platform/die.h"

#include "child.h"

static const int *script; /* what the next calls of write do: >0 bytes, -errno, 0: the rest */

/* The C library's own for all who write in this program, but for the script. */
ssize_t write(int fd, const void *bytes, size_t count)
{
	if (script && *script < 0) {
		errno = -*script++;
		return -1;
	}
	if (script && *script > 0 && (size_t)*script < count)
		count = (size_t)*script++;
	return syscall(SYS_write, fd, bytes, count);
}

static const char *text_of(struct tally__line *line)
{
	static char text[sizeof(line->text) + 1];

	memcpy(text, line->text, line->length);
	text[line->length] = '\0';
	line->length = 0;
	return text;
}

static void formats_are_these(void **state)
{
	struct tally__line line = {0};

	(void)state;
	tally__line_add(&line, "nothing");
	assert_string_equal(text_of(&line), "nothing");
	tally__line_add(&line, "%s", "");
	assert_string_equal(text_of(&line), "");
	tally__line_add(&line, "%s and %s%s", "one", "two", (char *)NULL);
	assert_string_equal(text_of(&line), "one and two(null)");
	tally__line_add(&line, "%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
	assert_string_equal(text_of(&line), "0 -1 2147483647 -2147483648");
	tally__line_add(&line, "%u/%u", (uint64_t)0, UINT64_MAX);
	assert_string_equal(text_of(&line), "0/18446744073709551615");
	tally__line_add(&line, "%p %p", (void *)0, (void *)(uintptr_t)0x9abcdef0);
	assert_string_equal(text_of(&line), "0x0 0x9abcdef0");
	tally__line_add(&line, "100%% of %d%%", 5);
	assert_string_equal(text_of(&line), "100% of 5%");
}

static void what_is_no_format_stands_as_it_is(void **state)
{
	struct tally__line line = {0};

	(void)state;
	tally__line_add(&line, "%d %x %d", 1, 2, 3);
	assert_string_equal(text_of(&line), "1 %x %d");
	tally__line_add(&line, "at the end %");
	assert_string_equal(text_of(&line), "at the end %");
}

static void additions_follow_each_other(void **state)
{
	struct tally__line line = {0};

	(void)state;
	tally__line_add(&line, "a");
	tally__line_add(&line, "%d", 1);
	tally__line_add(&line, "b");
	assert_string_equal(text_of(&line), "a1b");
}

static void too_long_a_text_is_cut(void **state)
{
	char parts[300];
	struct {
		struct tally__line line;
		char after[16];
	} guarded = {.after = "untouched"};

	(void)state;
	memset(parts, 'x', sizeof(parts));
	parts[299] = '\0';
	for (size_t length = 240; length < 270; length++) {
		guarded.line.length = 0;
		tally__line_add(&guarded.line, "%s%d%u%p%s", parts + 299 - length, 12345, (uint64_t)67890,
				(void *)(uintptr_t)0xabcdef, "end");
		tally__line_add(&guarded.line, "never %s", "seen");
		assert_int_equal(guarded.line.length, 255);
		memset(parts, 'x', 299);
		assert_memory_equal(guarded.line.text, parts, length < 255 ? length : 255);
		assert_memory_equal(guarded.line.text + (length < 255 ? length : 255), "1234567890",
				    length < 255 ? (255 - length < 10 ? 255 - length : 10) : 0);
		assert_string_equal(guarded.after, "untouched");
	}
}

static void a_line_is_written_whole_and_emptied(void **state)
{
	struct tally__line line = {0};
	char text[300];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	tally__line_add(&line, "one");
	errno = 77;
	tally__line_write(&line, ends[1]);
	assert_int_equal(read(ends[0], text, sizeof(text)), 4);
	assert_memory_equal(text, "one\n", 4);
	tally__line_write(&line, ends[1]);
	assert_int_equal(read(ends[0], text, sizeof(text)), 1);
	memset(text, 'y', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	tally__line_add(&line, "%s", text);
	tally__line_write(&line, ends[1]);
	assert_int_equal(read(ends[0], text, sizeof(text)), 256);
	assert_int_equal(text[255], '\n');
	assert_int_equal(line.length, 0);
	assert_int_equal(errno, 77);
	close(ends[0]);
	close(ends[1]);
}

static void a_line_is_written_whole_though_in_pieces(void **state)
{
	static const int pieces[] = {3, -EINTR, 1, -EAGAIN, -EINTR, 2, 0};
	struct tally__line line = {0};
	char text[64];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	tally__line_add(&line, "one two three");
	errno = 77;
	script = pieces;
	tally__line_write(&line, ends[1]);
	assert_int_equal(*script, 0);
	script = NULL;
	assert_int_equal(errno, 77);
	assert_int_equal(read(ends[0], text, sizeof(text)), 14);
	assert_memory_equal(text, "one two three\n", 14);
	close(ends[0]);
	close(ends[1]);
}

static void nobody_reading_is_no_harm(void **state)
{
	struct tally__line line = {0};
	sigset_t pending;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	tally__line_add(&line, "to nobody");
	tally__line_write(&line, ends[1]); /* SIGPIPE would kill the test */
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
	close(ends[1]);
	tally__line_write(&line, ends[1]); /* EBADF */
}

static void *drain(void *arg)
{
	int fd = *(int *)arg;
	char *last = malloc(1);
	char text[512];
	ssize_t count;

	usleep(20000);
	while ((count = read(fd, text, sizeof(text))) > 0)
		*last = text[count - 1];
	return last;
}

static void a_full_pipe_is_waited_for(void **state)
{
	struct tally__line line = {0};
	pthread_t reader;
	int ends[2];
	void *last;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	while (write(ends[1], "12345678", 8) == 8)
		;
	assert_int_equal(errno, EAGAIN);
	fcntl(ends[0], F_SETFL, 0);
	pthread_create(&reader, NULL, drain, &ends[0]);
	tally__line_add(&line, "late");
	tally__line_write(&line, ends[1]);
	close(ends[1]);
	pthread_join(reader, &last);
	assert_int_equal(*(char *)last, '\n');
	free(last);
	close(ends[0]);
}

static void warn(void *arg)
{
	(void)arg;
	errno = 77;
	tally__warn("%s %d", "careful", 7);
	CHILD_EXPECT(errno == 77);
}

static void a_warning_is_one_line(void **state)
{
	struct child child = child_run(warn, NULL);

	(void)state;
	assert_string_equal(child.text, "tally: careful 7\n");
	assert_int_equal(child.exit, 0);
}

static void die(void *arg)
{
	tally__die("waitgroup %p: negative count %d in task %u", arg, -1, (uint64_t)12);
}

static void die_says_why_and_aborts(void **state)
{
	struct child child = child_run(die, (void *)(uintptr_t)0x1230);

	(void)state;
	assert_string_equal(child.text, "tally: waitgroup 0x1230: negative count -1 in task 12\n");
	assert_int_equal(child.signal, SIGABRT);
}

static void die_unheard(void *arg)
{
	int ends[2];

	CHILD_EXPECT(pipe(ends) == 0);
	close(ends[0]);
	dup2(ends[1], STDERR_FILENO);
	die(arg);
}

static void die_aborts_though_nobody_reads(void **state)
{
	struct child child = child_run(die_unheard, NULL);

	(void)state;
	assert_int_equal(child.signal, SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_these),
		cmocka_unit_test(what_is_no_format_stands_as_it_is),
		cmocka_unit_test(additions_follow_each_other),
		cmocka_unit_test(too_long_a_text_is_cut),
		cmocka_unit_test(a_line_is_written_whole_and_emptied),
		cmocka_unit_test(a_line_is_written_whole_though_in_pieces),
		cmocka_unit_test(nobody_reading_is_no_harm),
		cmocka_unit_test(a_full_pipe_is_waited_for),
		cmocka_unit_test(a_warning_is_one_line),
		cmocka_unit_test(die_says_why_and_aborts),
		cmocka_unit_test(die_aborts_though_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
