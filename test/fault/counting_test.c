/* Each call of the system with which counters get their memory, their file and their slots fails, the k-th for
 * every k, once and from then on: what is counted is exact all the same, and what was refused is said in one
 * line or two.
 *
 * This program executes itself, since the region is made before main: TEST_FIRST and TEST_LAST say which calls
 * fail. Its own functions stand in front of the C library's, for libtally too, which is linked statically. */
#include "child.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <tally/counter.h>
#include <tally/region.h>

#include "region/region.h"

enum { NOT_REACHED = 3, THREADS = 3, ROUNDS = 200, NAMES = 700 };

static tally_atomic_u64 first_call, last_call, calls, refused;

static bool fails(void)
{
	uint64_t first = tally_atomic_u64_load(&first_call);
	uint64_t call;

	if (first == 0)
		return false;
	call = tally_atomic_u64_add(&calls, 1);
	if (call < first || call > tally_atomic_u64_load(&last_call))
		return false;
	tally_atomic_u64_add(&refused, 1);
	return true;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

/* The call with an error, or as it is. */
#define FAILING(name, error, failed, ...)                                                                      \
	do {                                                                                                   \
		REAL(name);                                                                                    \
		if (!fails())                                                                                  \
			return real(__VA_ARGS__);                                                              \
		errno = (error);                                                                               \
		return (failed);                                                                               \
	} while (0)

void *mmap(void *start, size_t bytes, int protection, int flags, int file, off_t offset)
{
	FAILING(mmap, ENOMEM, MAP_FAILED, start, bytes, protection, flags, file, offset);
}

int mprotect(void *start, size_t bytes, int protection)
{
	FAILING(mprotect, ENOMEM, -1, start, bytes, protection);
}

int madvise(void *start, size_t bytes, int advice)
{
	/* As a full file system answers MADV_POPULATE_WRITE. */
	FAILING(madvise, EFAULT, -1, start, bytes, advice);
}

int memfd_create(const char *name, unsigned flags)
{
	FAILING(memfd_create, EMFILE, -1, name, flags);
}

int ftruncate(int file, off_t length)
{
	FAILING(ftruncate, ENOSPC, -1, file, length);
}

int flock(int file, int operation);
int flock(int file, int operation)
{
	FAILING(flock, ENOLCK, -1, file, operation);
}

int fstat(int file, struct stat *status)
{
	FAILING(fstat, EIO, -1, file, status);
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
	REAL(pthread_setspecific);
	return fails() ? ENOMEM : real(key, value);
}

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *))
{
	REAL(pthread_key_create);
	return fails() ? EAGAIN : real(key, destroy);
}

long syscall(long number, ...)
{
	long arguments[6];
	va_list list;
	REAL(syscall);

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number != SYS_close && fails()) {
		errno = EIO;
		return -1;
	}
	return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

static __attribute__((constructor(101))) void arm(void)
{
	const char *first = getenv("TEST_FIRST");

	if (first) {
		tally_atomic_u64_store(&last_call, strtoull(getenv("TEST_LAST"), NULL, 10));
		tally_atomic_u64_store(&first_call, strtoull(first, NULL, 10));
	}
}

TALLY_COUNTER(counter, "test_fault_total", "A counter.");
TALLY_UPDOWN(updown, "test_fault_open", "An up-down counter.");
TALLY_GAUGE(gauge, "test_fault_level", "A gauge.");
static tally_counter anonymous;

static struct {
	tally_counter counter;
	char text[48];
} names[NAMES];

/* Of the threads that count, so that all have slots at once. */
static pthread_barrier_t together;

static void *count(void *arg)
{
	tally_counter_inc(&counter);
	if (arg)
		pthread_barrier_wait(arg);
	for (int i = 0; i < ROUNDS; i++) {
		if (i > 0)
			tally_counter_inc(&counter);
		tally_counter_inc(&anonymous);
		tally_updown_add(&updown, 2);
		tally_updown_sub(&updown, 1);
		tally_gauge_add(&gauge, 1);
		tally_counter_add(&names[i % NAMES].counter, 3);
	}
	return arg;
}

static void count_with_threads(void)
{
	pthread_t threads[THREADS];

	CHECK(pthread_barrier_init(&together, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, count, &together) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

/* Names are added when slots are there, which must grow. */
static void add_names(void)
{
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(names[i].text, sizeof(names[i].text), "ctest_fault_%u_total%c%c", i, 0, 0);
		names[i].counter.metric_.text_ = names[i].text;
		tally__metric_define(&names[i].counter.metric_);
	}
}

static void expect(uint64_t threads)
{
	uint64_t sum = 0;

	CHECK_EQUAL(tally_counter_load(&counter), threads * ROUNDS);
	CHECK_EQUAL(tally_counter_load(&anonymous), threads * ROUNDS);
	CHECK_EQUAL(tally_updown_load(&updown), threads * ROUNDS);
	CHECK_EQUAL(tally_gauge_load(&gauge), threads * ROUNDS);
	for (unsigned i = 0; i < NAMES; i++)
		sum += tally_counter_load(&names[i].counter);
	CHECK_EQUAL(sum, 3 * threads * ROUNDS);
}

static int count_under_faults(void)
{
	int status, error = tally_region_open(getenv("TEST_PATH"));
	pid_t pid;

	CHECK(error <= 0);
	tally_gauge_set(&gauge, 0);
	count_with_threads();
	add_names();
	count_with_threads();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		tally_counter_inc(&anonymous);
		count(NULL);
		_exit(tally_counter_load(&anonymous) == 2 * THREADS * ROUNDS + ROUNDS + 1 ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQUAL(status, 0);
	CHECK_EQUAL(tally_counter_load(&anonymous), 2 * THREADS * ROUNDS);
	/* No slot is lost: the shared one, this thread's, and those of THREADS at a time. */
	if (tally_atomic_u32_load(&tally__region.state) == TALLY__REGION_READY)
		CHECK(tally__slots_used(&tally__region.slots) <= 2 + THREADS);
	/* Whether this process sees what its child has counted depends on whether there is a region. */
	if (tally_counter_load(&counter) == 2 * THREADS * ROUNDS)
		expect(2 * THREADS);
	else
		CHECK_EQUAL(tally_counter_load(&counter), (2 * THREADS + 1) * ROUNDS);
	return tally_atomic_u64_load(&refused) == 0 ? NOT_REACHED : 0;
}

struct plan {
	uint64_t first, last;
	const char *path;
};

static void execute(void *arg)
{
	const struct plan *plan = arg;
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)plan->first);
	setenv("TEST_FIRST", number, 1);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)plan->last);
	setenv("TEST_LAST", number, 1);
	setenv("TEST_PATH", plan->path, 1);
	execl("/proc/self/exe", "counting_test", (char *)NULL);
	_exit(1);
}

/* Lines of tally's, at most two: of the region, and of metrics that find no room. */
static bool says_so(const char *text)
{
	int lines = 0;

	for (; *text; text = strchr(text, '\n') + 1, lines++) {
		if (strncmp(text, "tally: ", 7) != 0 || strchr(text, '\n') == NULL)
			return false;
	}
	return lines <= 2;
}

static void for_every_k(bool once, uint64_t least)
{
	char folder[] = "/tmp/tally-test-XXXXXX";
	char path[64];
	uint64_t k = 1;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/region", folder);
	for (;; k++) {
		struct plan plan = {k, once ? k : UINT64_MAX, path};
		struct child_end end = child_run(execute, &plan);

		unlink(path);
		if (end.status != 0 && !(WIFEXITED(end.status) && WEXITSTATUS(end.status) == NOT_REACHED)) {
			print_error("call %d%s:\n", (int)k, once ? "" : " and all later");
			child_describe(&end);
			fail();
		}
		if (!says_so(end.text)) {
			child_describe(&end);
			fail();
		}
		if (end.status != 0)
			break;
		assert_true(k < 2000);
	}
	print_message("%d calls\n", (int)k - 1);
	assert_true(k > least);
	assert_int_equal(rmdir(folder), 0);
}

static void one_call_is_refused(void **state)
{
	(void)state;
	for_every_k(true, 50);
}

static void all_calls_are_refused(void **state)
{
	(void)state;
	for_every_k(false, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_call_is_refused),
		cmocka_unit_test(all_calls_are_refused),
	};

	if (getenv("TEST_FIRST"))
		return count_under_faults();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
