/* What the system may refuse: the counters count on, exactly, and say so once. */
#include "child.h"
#include "refuse.h"
#include "scale.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <tally/counter.h>
#include <tally/region.h>

#include "region/region.h"

/* MFD_EXEC and MFD_NOEXEC_SEAL, of Linux 6.3. */
enum { NOT_FOR_EXECUTION = 8, FOR_EXECUTION = 16 };

/* Each test executes this program anew, since the region is made in constructors: TEST_REFUSE says what is to
 * be refused before. */
static __attribute__((constructor(101))) void refuse_first(void)
{
	const char *what = getenv("TEST_REFUSE");
	struct rlimit limit = {0, 0};

	if (!what)
		return;
	if (strstr(what, "noexec"))
		refuse(SYS_memfd_create, EINVAL, 1, MFD_CLOEXEC | MFD_ALLOW_SEALING | NOT_FOR_EXECUTION);
	if (strstr(what, "memfd"))
		refuse(SYS_memfd_create, ENOSYS, -1, 0);
	if (strstr(what, "populate"))
		refuse(SYS_madvise, EINVAL, 2, 23);
	if (strstr(what, "filesize")) {
		limit.rlim_cur = limit.rlim_max = 1000000;
		setrlimit(RLIMIT_FSIZE, &limit);
	}
	if (strstr(what, "address space")) {
		limit.rlim_cur = limit.rlim_max = 100000000;
		setrlimit(RLIMIT_AS, &limit);
	}
	if (strstr(what, "proc"))
		refuse(SYS_openat, ENOENT, -1, 0);
}

TALLY_COUNTER(counter, "test_refused_total", "A counter.");
TALLY_UPDOWN(updown, "test_refused_open", "An up-down counter.");
TALLY_GAUGE(gauge, "test_refused_level", "A gauge.");

enum { THREADS = 3, MANY = 1200, ROUNDS = 20 };

static struct {
	tally_counter counter;
	char text[48];
} many[MANY];

static tally_counter anonymous;

static void *count(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		tally_counter_inc(&counter);
		tally_counter_inc(&anonymous);
		tally_updown_add(&updown, 2);
		tally_updown_sub(&updown, 1);
		tally_gauge_add(&gauge, 1);
		for (unsigned k = 0; k < MANY; k++)
			tally_counter_add(&many[k].counter, k);
	}
	return NULL;
}

/* Counts with threads before and after metrics were added, so that the cells of living slots have to grow. */
static void count_with_threads(void)
{
	pthread_t threads[THREADS];

	tally_counter_inc(&counter);
	for (unsigned k = 0; k < MANY; k++) {
		snprintf(many[k].text, sizeof(many[k].text),
			 "c"
			 "test_refused_%u_total%c%c",
			 k, 0, 0);
		many[k].counter.metric_.text_ = many[k].text;
		tally__metric_define(&many[k].counter.metric_);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, count, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK_EQUAL(tally_counter_load(&counter), THREADS * ROUNDS + 1);
	CHECK_EQUAL(tally_counter_load(&anonymous), THREADS * ROUNDS);
	CHECK_EQUAL(tally_updown_load(&updown), THREADS * ROUNDS);
	CHECK_EQUAL(tally_gauge_load(&gauge), THREADS * ROUNDS);
	for (unsigned k = 0; k < MANY; k++)
		CHECK_EQUAL(tally_counter_load(&many[k].counter), (uint64_t)THREADS * ROUNDS * k);
}

static void in_child_of_fork(void)
{
	uint64_t before = tally_counter_load(&counter);
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		tally_counter_add(&counter, 10);
		CHECK_EQUAL(tally_counter_load(&counter), before + 10);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQUAL(status, 0);
	/* Shared memory is shared, whether it has a name or not; where there is no room, the counter is this
	 * process's. */
	if (tally_atomic_u64_load(&counter.metric_.own_[0]) == 0)
		CHECK_EQUAL(tally_counter_load(&counter), before + 10);
}

static void execute(void *what)
{
	setenv("TEST_REFUSE", what, 1);
	execl("/proc/self/exe", "refused_test", (char *)NULL);
	_exit(1);
}

/* Runs all that with `what` refused, and expects the line. */
static void expect_counting(const char *what, const char *line)
{
	struct child_end end = child_run(execute, (char *)what);
	size_t lines = 0;

	for (const char *at = end.text; *at; at++)
		lines += *at == '\n';
	if (end.status != 0 || lines != (line ? 1 : 0) || (line && !strstr(end.text, line))) {
		print_error("refused: %s; wanted: %s\n", what, line ? line : "silence");
		child_describe(&end);
		fail();
	}
}

#define HIDDEN "; they cannot be seen from outside\n"

static void refused_calls_cost_no_counts(void **state)
{
	(void)state;
	expect_counting("nothing", NULL);
	expect_counting("memfd", "tally: no memfd for the counters: the system refused it (error 38)" HIDDEN);
	expect_counting("filesize", "tally: no memfd for the counters: this process must not make files so "
				    "large (error 27)" HIDDEN);
	/* Older kernels. */
	expect_counting("populate", NULL);
	expect_counting("noexec", NULL);
	expect_counting("memfd populate",
			"tally: no memfd for the counters: the system refused it (error 38)" HIDDEN);
}

/* A system that allows no memfd that could be executed. */
static void execute_where_memfds_are_data(void *what)
{
	int setting, status;
	pid_t pid;

	if (syscall(SYS_unshare, CLONE_NEWPID) != 0)
		_exit(77);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		setting = open("/proc/sys/vm/memfd_noexec", O_WRONLY);
		if (setting < 0 || write(setting, "2", 1) != 1)
			_exit(77);
		CHECK(syscall(SYS_memfd_create, "executable", FOR_EXECUTION) < 0);
		execute(what);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void a_memfd_need_not_be_executable(void **state)
{
	struct child_end end = child_run(execute_where_memfds_are_data, (char *)"nothing");
	long probe = syscall(SYS_memfd_create, "probe", NOT_FOR_EXECUTION);
	struct stat file;

	(void)state;
	if (probe >= 0) {
		assert_int_equal(close((int)probe), 0);
		assert_int_equal(fstat(tally__region.mapping.descriptor, &file), 0);
		assert_int_equal(file.st_mode & 0111, 0);
	}
	if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == 77) {
		print_message("not allowed to forbid memfds that can be executed: skipped\n");
		skip();
	}
	if (end.status != 0 || end.text[0] != 0) {
		child_describe(&end);
		fail();
	}
}

static void without_address_space_they_count(void **state)
{
	(void)state;
	/* Sanitizers need more themselves. */
	if (UNDER_ASAN || UNDER_TSAN)
		skip();
	expect_counting("address space",
			"tally: no shared memory for the counters: there is no memory or address "
			"space for it (error 12)" HIDDEN);
}

static void without_proc_they_count(void **state)
{
	(void)state;
	if (UNDER_ASAN || UNDER_TSAN)
		skip();
	expect_counting("proc", NULL);
}

/* File systems with room for 1, 2, 3, ... pages. */
static void count_in_full(void *arg)
{
	const char *folder = arg;
	char path[128];
	bool enough = false;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		_exit(77);
	snprintf(path, sizeof(path), "%s/region", folder);
	for (int pages = 1; !enough; pages++) {
		char options[32];
		int status;
		pid_t pid;

		snprintf(options, sizeof(options), "size=%dk", pages * 4);
		if (mount("tmpfs", folder, "tmpfs", 0, options) != 0)
			_exit(77);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			setenv("TALLY_REGION", path, 1);
			/* Every second time with the way of older kernels. */
			setenv("TEST_REFUSE", pages % 2 == 0 ? "populate" : "nothing", 1);
			execl("/proc/self/exe", "refused_test", (char *)NULL);
			_exit(1);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		if (status != 0)
			dprintf(STDERR_FILENO, "with %d pages: status %x\n", pages, (unsigned)status);
		CHECK_EQUAL(status, 0);
		CHECK(umount(folder) == 0);
		/* A directory's entries of 48 bytes, an index, five slots of three pages, a page of each of
		 * ours. */
		enough = pages == 48;
	}
}

static void full_file_systems_cost_no_counts(void **state)
{
	char folder[] = "/tmp/tally-test-XXXXXX";
	struct child_end end;

	(void)state;
	assert_non_null(mkdtemp(folder));
	end = child_run(count_in_full, folder);
	rmdir(folder);
	if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == 77) {
		print_message("not allowed to mount a small tmpfs: skipped\n");
		skip();
	}
	if (end.status != 0)
		child_describe(&end);
	assert_int_equal(end.status, 0);
	/* With one page there is no header and index; with a few there are names, but not for all. */
	assert_non_null(strstr(end.text, "/region: its file system is full (error 28); counting in memory\n"));
	assert_non_null(strstr(end.text,
			       "tally: the region is full: some metrics cannot be seen from outside, and "
			       "count slower\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_calls_cost_no_counts),
		cmocka_unit_test(a_memfd_need_not_be_executable),
		cmocka_unit_test(without_address_space_they_count),
		cmocka_unit_test(without_proc_they_count),
		cmocka_unit_test(full_file_systems_cost_no_counts),
	};

	if (getenv("TEST_REFUSE")) {
		count_with_threads();
		in_child_of_fork();
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
