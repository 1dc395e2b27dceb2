/* tally_dump_tasks: what it lists, and that it may be called at any time, from a handler of SIGQUIT too. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_waitgroup gate, arrived, other_gate;
static tally_atomic_bool stop;
static tally_atomic_u64 ids[4];
static int dump_file;

/* All of it, as text. */
static char *dump(void)
{
	static char text[65536];
	CHECK_EQUAL(ftruncate(dump_file, 0), 0);
	CHECK_EQUAL(lseek(dump_file, 0, SEEK_SET), 0);
	tally_dump_tasks(dump_file);
	ssize_t length = pread(dump_file, text, sizeof(text) - 1, 0);
	CHECK(length > 0);
	text[length] = '\0';
	return text;
}

static void open_dump_file(void)
{
	char name[] = "/tmp/tally-dump-XXXXXX";
	dump_file = mkstemp(name);
	CHECK(dump_file >= 0);
	unlink(name);
}

/* How many lines of the text are this one. */
static int lines(const char *text, const char *format, ...)
{
	char wanted[256];
	va_list list;
	va_start(list, format);
	vsnprintf(wanted, sizeof(wanted), format, list);
	va_end(list);
	int count = 0;
	size_t length = strlen(wanted);
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
		count += strncmp(line, wanted, length) == 0 && line[length] == '\n';
	return count;
}

static void blocked(void *arg)
{
	(void)arg;
	tally_atomic_u64_store(&ids[0], tally_task_id());
	tally_waitgroup_done(&arrived);
	tally_waitgroup_wait(&gate);
}

static void yielding(void *arg)
{
	(void)arg;
	tally_atomic_u64_store(&ids[1], tally_task_id());
	tally_waitgroup_done(&arrived);
	while (!tally_atomic_bool_load(&stop))
		tally_yield();
}

static void running(void *arg)
{
	(void)arg;
	tally_atomic_u64_store(&ids[2], tally_task_id());
	tally_waitgroup_done(&arrived);
	while (!tally_atomic_bool_load(&stop)) {
	}
}

static void queued(void *arg)
{
	(void)arg;
}

static void *wait_in_a_thread(void *arg)
{
	(void)arg;
	tally_waitgroup_done(&arrived);
	tally_waitgroup_wait(&other_gate);
	return NULL;
}

/* One worker: a task that waits, one that has yielded, one that runs, three that have not started, and a plain
 * thread that waits. */
static void one_of_each(void *arg)
{
	(void)arg;
	pthread_t thread;
	tally_waitgroup all = {0};
	open_dump_file();
	CHECK_EQUAL(lines(dump(), "0 queued, not started"), 1);
	tally_set_workers(1);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_add(&other_gate, 1);
	tally_waitgroup_add(&arrived, 4);
	CHECK_EQUAL(pthread_create(&thread, NULL, wait_in_a_thread, NULL), 0);
	tally_waitgroup_go(&all, blocked, NULL);
	tally_waitgroup_go(&all, yielding, NULL);
	while (tally_atomic_u64_load(&ids[0]) == 0 || tally_atomic_u64_load(&ids[1]) == 0)
		pause_for(100000);
	tally_waitgroup_go(&all, running, NULL);
	while (tally_waitgroup_wait_until(&arrived, now() + 1000000000) != 0) {
	}
	for (int i = 0; i < 3; i++)
		tally_waitgroup_go(&all, queued, NULL);
	/* The plain thread is about to wait. */
	const char *text;
	do {
		text = dump();
	} while (lines(text, "a plain thread waits for wait group %p", (void *)&other_gate) == 0);
	CHECK_EQUAL(lines(text, "a plain thread waits for wait group %p", (void *)&other_gate), 1);
	CHECK_EQUAL(lines(text, "task %" PRIu64 " (function %p) waits for wait group %p",
			  tally_atomic_u64_load(&ids[0]), (void *)(uintptr_t)blocked, (void *)&gate),
		    1);
	CHECK_EQUAL(lines(text, "task %" PRIu64 " (function %p) has yielded", tally_atomic_u64_load(&ids[1]),
			  (void *)(uintptr_t)yielding),
		    1);
	CHECK_EQUAL(lines(text, "task %" PRIu64 " (function %p) runs", tally_atomic_u64_load(&ids[2]),
			  (void *)(uintptr_t)running),
		    1);
	CHECK_EQUAL(lines(text, "3 queued, not started"), 1);
	int count = 0;
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
		count++;
	CHECK_EQUAL(count, 5);
	tally_atomic_bool_store(&stop, true);
	tally_waitgroup_done(&gate);
	tally_waitgroup_done(&other_gate);
	tally_waitgroup_wait(&all);
	pthread_join(thread, NULL);
	text = dump();
	CHECK_EQUAL(lines(text, "0 queued, not started"), 1);
	CHECK(strchr(text, '\n')[1] == '\0');
}

static void each_state_is_listed(void **state)
{
	(void)state;
	assert_passes(one_of_each, NULL);
}

/* --- at any time --- */

static tally_atomic_u64 dumps, total;

static void on_quit(int signal)
{
	(void)signal;
	int error = errno;
	errno = 99;
	tally_dump_tasks(dump_file);
	CHECK_EQUAL(errno, 99);
	tally_atomic_u64_add(&dumps, 1);
	errno = error;
}

static void leaf(void *arg, size_t index)
{
	(void)arg;
	if (index % 8 == 0)
		tally_yield();
	tally_atomic_u64_add(&total, 1);
}

static void branch(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	tally_waitgroup group = {0};
	tally_waitgroup_go_n(&group, 20, leaf, NULL);
	tally_waitgroup_wait(&group);
}

static void *work(void *arg)
{
	(void)arg;
	uint64_t rounds = 0;
	while (!tally_atomic_bool_load(&stop)) {
		tally_waitgroup group = {0};
		tally_waitgroup_go_n(&group, 50, branch, NULL);
		tally_waitgroup_wait(&group);
		rounds++;
		/* ThreadSanitizer delivers signals in calls of the C library alone. */
		if (UNDER_TSAN)
			pause_for(1);
	}
	return (void *)(uintptr_t)rounds;
}

/* SIGQUIT goes to threads that wait, run tasks, spawn or sleep; workers do not take signals. */
static void quits(void *arg)
{
	pthread_t threads[3];
	uint64_t wanted = UNDER_TSAN ? 20 : 300;
	struct sigaction action = {.sa_handler = on_quit, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	CHECK_EQUAL(sigaction(SIGQUIT, &action, NULL), 0);
	dump_file = open("/dev/null", O_WRONLY);
	tally_set_workers(*(const int *)arg);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, work, NULL), 0);
	/* Some more than wanted: ThreadSanitizer may keep one for as long as its task is not run again. */
	for (uint64_t sent = 1; tally_atomic_u64_load(&dumps) < wanted; sent++) {
		CHECK_EQUAL(pthread_kill(threads[sent % 3], SIGQUIT), 0);
		pause_for(20000);
	}
	tally_atomic_bool_store(&stop, true);
	uint64_t rounds = 0;
	for (int i = 0; i < 3; i++) {
		void *result;
		pthread_join(threads[i], &result);
		rounds += (uintptr_t)result;
	}
	CHECK_EQUAL(tally_atomic_u64_load(&total), rounds * 50 * 20);
}

static void it_may_be_called_in_a_signal_handler(void **state)
{
	(void)state;
	static const int counts[] = {1, 2, 8};
	for (int i = 0; i < 3; i++)
		assert_passes(quits, (void *)(uintptr_t)&counts[i]);
}

/* A reader that has gone, a file that is closed: no error of the program. */
static void to_nowhere(void *arg)
{
	int ends[2];
	(void)arg;
	CHECK_EQUAL(pipe(ends), 0);
	close(ends[0]);
	errno = 55;
	tally_dump_tasks(ends[1]);
	close(ends[1]);
	tally_dump_tasks(ends[1]);
	tally_dump_tasks(-1);
	CHECK_EQUAL(errno, 55);
}

static void a_dump_that_nobody_reads_is_no_error(void **state)
{
	(void)state;
	assert_passes(to_nowhere, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_is_listed),
		cmocka_unit_test(it_may_be_called_in_a_signal_handler),
		cmocka_unit_test(a_dump_that_nobody_reads_is_no_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
