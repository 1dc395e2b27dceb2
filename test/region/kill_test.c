/* Processes that count in one file and are killed at random moments: every acknowledged count is there, no read
 * goes backwards, and the slots of the dead are used again.
 *
 * TALLY_SEED repeats the moments of a run; TALLY_SOAK_SECONDS makes it go on.
 */
#include "file.h"
#include "scale.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <tally/counter.h>
#include <tally/region.h>
#include <tally/view.h>

#include "region/region.h"

enum { THREADS = 2, ROUNDS = 500, EXECUTED_EVERY = 10 };

TALLY_COUNTER(counter, "test_kill_total", "Counted by those who are killed.");
TALLY_UPDOWN(updown, "test_kill_open", "Likewise.");

/* What a worker says after it has counted. */
struct acknowledged {
	tally_atomic_u64 adds[THREADS + 1];
	tally_atomic_u32 started;
	tally_atomic_u32 stop;       /* said to the reader in another process */
	tally_atomic_u64 read_there; /* how often it has */
};

static struct acknowledged *acknowledged;

static void *count(void *arg)
{
	tally_atomic_u64 *mine = arg;

	for (;;) {
		tally_counter_inc(&counter);
		tally_atomic_u64_add(mine, 1);
		tally_updown_add(&updown, 1);
		tally_updown_sub(&updown, 1);
	}
	return NULL;
}

static void *count_once(void *arg)
{
	tally_counter_inc(&counter);
	tally_atomic_u64_add(arg, 1);
	return NULL;
}

/* Some threads count on, and one starts others that come and go, so that the end may meet any step of a slot's
 * life. */
static void work(void)
{
	pthread_t thread;

	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&thread, NULL, count, &acknowledged->adds[i]) == 0);
	tally_atomic_u32_store(&acknowledged->started, 1);
	for (;;) {
		CHECK(pthread_create(&thread, NULL, count_once, &acknowledged->adds[THREADS]) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
	}
}

static void *map_acknowledged(const char *path)
{
	int descriptor = open(path, O_RDWR | O_CREAT, 0600);
	void *memory;

	CHECK(descriptor >= 0);
	CHECK(ftruncate(descriptor, sizeof(struct acknowledged)) == 0);
	memory = mmap(NULL, sizeof(struct acknowledged), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	CHECK(memory != MAP_FAILED);
	close(descriptor);
	return memory;
}

static uint64_t sum_acknowledged(void)
{
	uint64_t sum = 0;

	for (int i = 0; i <= THREADS; i++)
		sum += tally_atomic_u64_load(&acknowledged->adds[i]);
	return sum;
}

static tally_atomic_bool stop;

static void *read_on(void *arg)
{
	uint64_t last = 0;

	(void)arg;
	while (!tally_atomic_bool_load(&stop)) {
		uint64_t least = sum_acknowledged();
		uint64_t low, high, value = tally_counter_load(&counter);

		CHECK(value >= least);
		CHECK(value >= last);
		tally_counter_bounds(&counter, &low, &high);
		CHECK(low >= value && high >= low);
		last = high;
		CHECK(tally_updown_load(&updown) >= 0);
		pause_for(20000);
	}
	return NULL;
}

/* What a reader that is no part of all this finds: it attaches to nothing, and copies what is in the file. */
static uint64_t total_in(const tally_view *view)
{
	const tally_view_metric *metric;
	uint64_t total = 0;

	for (size_t i = 0; (metric = tally_view_get(view, i)) != NULL; i++) {
		if (strcmp(metric->name, "test_kill_total") == 0)
			total = metric->total;
		else if (strcmp(metric->name, "test_kill_open") == 0)
			CHECK(metric->value >= 0);
	}
	return total;
}

static void read_from_outside(const char *path)
{
	tally_view *view;
	uint64_t last = 0;

	CHECK_EQUAL(tally_view_open_path(path, &view), 0);
	for (unsigned i = 1; tally_atomic_u32_load(&acknowledged->stop) == 0; i++) {
		uint64_t least = sum_acknowledged();
		uint64_t value;

		if (i % 16 == 0) {
			tally_view_close(view);
			CHECK_EQUAL(tally_view_open_path(path, &view), 0);
		} else {
			CHECK_EQUAL(tally_view_read(view), 0);
		}
		value = total_in(view);
		CHECK(value >= least);
		CHECK(value >= last);
		last = value;
		tally_atomic_u64_add(&acknowledged->read_there, 1);
		pause_for(100000);
	}
	tally_view_close(view);
}

static pid_t start_outside_reader(const char *path)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		read_from_outside(path);
		_exit(0);
	}
	return pid;
}

/* Forks a worker, or lets a fork execute this program anew as one, which attaches to the file by itself. */
static pid_t start_worker(bool execute)
{
	pid_t pid;

	tally_atomic_u32_store(&acknowledged->started, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (!execute)
			work();
		setenv("TALLY_REGION", file_path("region"), 1);
		setenv("TEST_KILL_WORKER", file_path("acknowledged"), 1);
		execl("/proc/self/exe", "kill_test", (char *)NULL);
		_exit(1);
	}
	return pid;
}

static void all_rounds(void *arg)
{
	const char *given = getenv("TALLY_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)now();
	int64_t end = soak_end();
	pthread_t reader;
	pid_t outside, unburied = 0;
	int status;
	uint32_t unacknowledged = 0;

	(void)arg;
	print_message("TALLY_SEED=%u\n", seed);
	acknowledged = map_acknowledged(file_path("acknowledged"));
	CHECK_EQUAL(tally_region_open(file_path("region")), 0);
	outside = start_outside_reader(file_path("region"));
	CHECK(pthread_create(&reader, NULL, read_on, NULL) == 0);
	for (size_t i = 0; i < scaled(ROUNDS) || now() < end; i++) {
		pid_t pid = start_worker(i % EXECUTED_EVERY == 0);
		uint64_t value;
		siginfo_t info;

		/* Mostly once it counts, but also before. */
		while (rand_r(&seed) % 8 != 0 && tally_atomic_u32_load(&acknowledged->started) == 0)
			sched_yield();
		pause_for(rand_r(&seed) % 1000000);
		CHECK(kill(pid, SIGKILL) == 0);
		CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
		CHECK_EQUAL(info.si_status, SIGKILL);
		/* Each thread may have died between its add and its word. */
		unacknowledged += THREADS + 1;
		value = tally_counter_load(&counter);
		CHECK(value >= sum_acknowledged());
		CHECK(value <= sum_acknowledged() + unacknowledged);
		CHECK(tally_updown_load(&updown) >= 0);
		CHECK(tally_updown_load(&updown) <= (int64_t)unacknowledged);
		/* Every other stays a zombie while the next one runs: dead enough. */
		if (unburied != 0)
			CHECK(waitpid(unburied, NULL, 0) == unburied);
		unburied = pid;
		if (i % 2 == 0) {
			CHECK(waitpid(pid, NULL, 0) == pid);
			unburied = 0;
		}
	}
	tally_atomic_bool_store(&stop, true);
	CHECK(pthread_join(reader, NULL) == 0);
	tally_atomic_u32_store(&acknowledged->stop, 1);
	CHECK(waitpid(outside, &status, 0) == outside);
	CHECK_EQUAL(status, 0);
	CHECK(tally_atomic_u64_load(&acknowledged->read_there) > 0);
	CHECK(sum_acknowledged() > 0);
	/* At most one worker lived at a time: its threads, the one that came and went, and the shared slot. */
	CHECK(tally__slots_used(&tally__region.slots) <= THREADS + 1 + 1);
}

/* Another process finds all there is, when the first has gone too. */
static void expect_all(void *arg)
{
	(void)arg;
	acknowledged = map_acknowledged(file_path("acknowledged"));
	CHECK_EQUAL(tally_region_open(file_path("region")), 0);
	CHECK(tally_counter_load(&counter) >= sum_acknowledged());
}

static void what_the_killed_have_counted_stays(void **state)
{
	(void)state;
	assert_passes(all_rounds, NULL);
	assert_passes(expect_all, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_killed_have_counted_stays),
	};

	if (getenv("TEST_KILL_WORKER")) {
		acknowledged = map_acknowledged(getenv("TEST_KILL_WORKER"));
		work();
	}
	return cmocka_run_group_tests(tests, file_set_up, file_tear_down);
}
