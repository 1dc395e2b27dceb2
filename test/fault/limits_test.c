/* Limits of the system: address space and processes. Refusals are error codes or one line; what was accepted is
 * counted; when the limit is gone, all is well again.
 */
#include "places.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <tally/waitgroup.h>

static tally_waitgroup group, gate;
static tally_atomic_u64 total, arrived;

static void count_one(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&total, 1);
}

static void block(void *arg, size_t index)
{
	(void)index;
	tally_atomic_u64_add(&arrived, 1);
	tally_waitgroup_wait(&gate);
	count_one(arg);
}

/* A workload that needs workers, stacks and tasks. */
static void work(void)
{
	uint64_t before = tally_atomic_u64_load(&total);
	tally_atomic_u64_store(&arrived, 0);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go_n(&group, 200, block, NULL);
	while (tally_atomic_u64_load(&arrived) < 200)
		pause_for(100000);
	tally_waitgroup_done(&gate);
	for (int i = 0; i < 1000; i++)
		tally_waitgroup_go(&group, count_one, NULL);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&total) - before, 1200);
}

/* --- address space --- */

static uint64_t address_space(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	CHECK(file != NULL);
	CHECK_EQUAL(fscanf(file, "%llu", &pages), 1);
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* No more than there is now, and `more` bytes. The hard limit stays, so that it can be lifted again. */
static void limit_address_space(uint64_t more)
{
	struct rlimit limit;
	CHECK_EQUAL(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = address_space() + more;
	CHECK_EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
}

static void lift(int what)
{
	struct rlimit limit;
	CHECK_EQUAL(getrlimit((__rlimit_resource_t)what, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK_EQUAL(setrlimit((__rlimit_resource_t)what, &limit), 0);
}

static void *end_at_once(void *arg)
{
	return arg;
}

/* The C library's own memory for threads, so that only the library's is in question. */
static void warm_up(void)
{
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, end_at_once, NULL), 0);
	pthread_join(thread, NULL);
}

/* From the very first call on: nothing, the memory of a thread, of tasks, of a stack, and of threads. */
static void try_with_little(void *arg)
{
	uint64_t accepted = 0, refused = 0;
	tally_set_workers(4);
	limit_address_space(*(const uint64_t *)arg);
	for (int i = 0; i < 20000; i++) {
		int error = tally_try_go(count_one, NULL);
		CHECK(error == 0 || error == -ENOMEM || error == -EAGAIN);
		accepted += error == 0;
		refused += error != 0;
		if (refused == 100)
			break;
	}
	CHECK(*(const uint64_t *)arg > 4096 || accepted == 0);
	lift(RLIMIT_AS);
	CHECK_EQUAL(tally_try_go(count_one, NULL), 0);
	while (tally_atomic_u64_load(&total) < accepted + 1)
		pause_for(100000);
	work();
	CHECK_EQUAL(tally_atomic_u64_load(&total), accepted + 1 + 1200);
}

static void little_memory_is_an_error_code(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 64 * 1024; more += 4096)
		assert_passes(try_with_little, &more);
	for (uint64_t more = 64 * 1024; more < 64 * 1024 * 1024; more += more / 2)
		assert_passes(try_with_little, &more);
}

/* All workers are there, and no memory is left for more tasks or for longer queues. */
static tally_atomic_bool go_on;

static void hold(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&arrived, 1);
	while (!tally_atomic_bool_load(&go_on))
		pause_for(100000);
}

static void try_with_no_more(void *arg)
{
	uint64_t accepted = 0, refused = 0;
	tally_set_workers(2);
	tally_go(hold, NULL);
	tally_go(hold, NULL);
	while (tally_atomic_u64_load(&arrived) < 2)
		pause_for(100000);
	limit_address_space(*(const uint64_t *)arg);
	while (refused < 100) {
		int error = tally_try_go(count_one, NULL);
		CHECK(error == 0 || error == -ENOMEM);
		accepted += error == 0;
		refused += error != 0;
	}
	tally_atomic_bool_store(&go_on, true);
	while (tally_atomic_u64_load(&total) < accepted)
		pause_for(100000);
	lift(RLIMIT_AS);
	work();
	CHECK_EQUAL(tally_atomic_u64_load(&total), accepted + 1200);
}

static void no_memory_for_more_tasks_is_an_error_code(void **state)
{
	(void)state;
	static const uint64_t more[] = {0, 8192, 300000, 1000000, 10000000};
	for (int i = 0; i < 5; i++)
		assert_passes(try_with_no_more, (void *)(uintptr_t)&more[i]);
}

static void go_with_nothing(void *arg)
{
	(void)arg;
	tally_set_workers(2);
	limit_address_space(0);
	tally_go(count_one, NULL);
}

static void group_go_with_nothing(void *arg)
{
	(void)arg;
	tally_set_workers(2);
	limit_address_space(0);
	tally_waitgroup_go(&group, count_one, NULL);
}

static void go_n_with_nothing(void *arg)
{
	(void)arg;
	tally_set_workers(2);
	limit_address_space(0);
	tally_waitgroup_go_n(&group, 10, block, NULL);
}

static void go_for_ever(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_go(hold, NULL);
	while (tally_atomic_u64_load(&arrived) < 1)
		pause_for(100000);
	limit_address_space(1000000);
	for (;;)
		tally_go(count_one, NULL);
}

static void without_memory_go_says_so(void **state)
{
	(void)state;
	static const char line[] = "tally: cannot start a task: no memory";
	assert_dies(go_with_nothing, NULL, line);
	assert_dies(group_go_with_nothing, NULL, line);
	assert_dies(go_n_with_nothing, NULL, line);
	assert_dies(go_for_ever, NULL, line);
}

static void block_with_no_more_stacks(void *arg)
{
	(void)arg;
	tally_set_workers(1);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go_n(&group, 1000, block, NULL);
	tally_waitgroup_wait_until(&group, now() + 1);
	/* As many as lie in what is mapped already may still block. */
	limit_address_space(2 * 1024 * 1024);
	for (;;)
		pause_for(1000000000);
}

static void without_memory_for_a_stack_a_task_that_blocks_is_named(void **state)
{
	(void)state;
	assert_dies(block_with_no_more_stacks, NULL,
		    "tally: no memory for a stack of 65536 bytes: task # cannot block");
}

static void wait_with_nothing(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&group, 1);
	limit_address_space(0);
	tally_waitgroup_wait(&group);
}

static void without_memory_for_a_thread_that_waits_it_says_so(void **state)
{
	(void)state;
	assert_dies(wait_with_nothing, NULL, "tally: no memory for a thread that waits for 0x#");
}

/* --- processes --- */

/* The limit counts a user's threads, and root's are not limited. So each child is a user of its own; who is not
 * root cannot have one, and has at least one thread, this one. */
static void limit_threads(rlim_t count)
{
	uid_t user = 1000000 + (uid_t)getpid();
	struct rlimit limit;
	if (geteuid() == 0) {
		CHECK_EQUAL(setgid(user), 0);
		CHECK_EQUAL(setuid(user), 0);
	}
	CHECK_EQUAL(getrlimit(RLIMIT_NPROC, &limit), 0);
	limit.rlim_cur = count;
	CHECK_EQUAL(setrlimit(RLIMIT_NPROC, &limit), 0);
}

static void try_without_workers(void *arg)
{
	(void)arg;
	tally_set_workers(4);
	limit_threads(1);
	for (int i = 0; i < 100; i++)
		CHECK_EQUAL(tally_try_go(count_one, NULL), -EAGAIN);
	/* A group that nothing was added to is not waited for. */
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 0);
	lift(RLIMIT_NPROC);
	CHECK_EQUAL(tally_try_go(count_one, NULL), 0);
	while (tally_atomic_u64_load(&total) < 1)
		pause_for(100000);
	work();
}

static void no_thread_for_any_worker_is_an_error_code(void **state)
{
	(void)state;
	assert_passes(try_without_workers, NULL);
}

static void go_without_workers(void *arg)
{
	(void)arg;
	limit_threads(1);
	tally_go(count_one, NULL);
}

static void group_go_without_workers(void *arg)
{
	(void)arg;
	limit_threads(1);
	tally_waitgroup_go(&group, count_one, NULL);
}

static void without_any_worker_go_says_so(void **state)
{
	(void)state;
	static const char line[] =
		"tally: cannot start a task: the system refuses a thread to run it; raise the "
		"limit on processes";
	assert_dies(go_without_workers, NULL, line);
	assert_dies(group_go_without_workers, NULL, line);
}

/* How many threads this process has now. */
static int threads(void)
{
	int count = 0;
	DIR *folder = opendir("/proc/self/task");
	CHECK(folder != NULL);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

static void work_with_some(void *arg)
{
	rlim_t limit = *(const rlim_t *)arg;
	tally_set_workers(8);
	limit_threads(limit);
	for (int i = 0; i < 5; i++)
		work();
	CHECK(threads() >= 2 && threads() <= (int)limit);
	lift(RLIMIT_NPROC);
	/* Workers that were refused come when they can. */
	tally_atomic_u64_store(&arrived, 0);
	for (int i = 0; i < 8; i++)
		tally_waitgroup_go(&group, hold, NULL);
	while (tally_atomic_u64_load(&arrived) < 8)
		pause_for(100000);
	tally_atomic_bool_store(&go_on, true);
	tally_waitgroup_wait(&group);
}

static void with_fewer_threads_than_workers_all_is_counted(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root can be a user with no other threads\n");
		skip();
	}
	for (rlim_t limit = 2; limit < 8; limit++)
		assert_passes(work_with_some, &limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_memory_is_an_error_code),
		cmocka_unit_test(no_memory_for_more_tasks_is_an_error_code),
		cmocka_unit_test(without_memory_go_says_so),
		cmocka_unit_test(without_memory_for_a_stack_a_task_that_blocks_is_named),
		cmocka_unit_test(without_memory_for_a_thread_that_waits_it_says_so),
		cmocka_unit_test(no_thread_for_any_worker_is_an_error_code),
		cmocka_unit_test(without_any_worker_go_says_so),
		cmocka_unit_test(with_fewer_threads_than_workers_all_is_counted),
	};
	warm_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
