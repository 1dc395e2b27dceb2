/* fork: the child has the thread that called it and goes on; the parent is exact as ever. */
#include "child.h"
#include "scale.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static const int worker_counts[] = {1, 2, 8};

/* Shared by parent and children, so that a parent's task that ran in a child would be seen. */
struct shared {
	tally_atomic_u64 parent_runs;
	tally_atomic_u64 strangers; /* tasks of the parent that ran elsewhere */
};

static struct shared *shared;
static pid_t parent;
static tally_atomic_u64 total;
static tally_atomic_bool stop;

static void begin(int workers)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	parent = getpid();
	tally_set_workers(workers);
}

/* Ends well with status 0, in time. */
static void await(pid_t child)
{
	int status;
	CHECK(child > 0);
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK_EQUAL(status, 0);
}

static void count_one(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	tally_atomic_u64_add(&total, 1);
}

static void block_once(void *arg, size_t index)
{
	tally_waitgroup group = {0};
	tally_waitgroup_go_n(&group, 2, count_one, NULL);
	tally_yield();
	tally_waitgroup_wait(&group);
	count_one(arg, index);
}

static void plain_one(void *arg)
{
	count_one(arg, 0);
}

/* What a child may do: start tasks of all kinds, wait for them, with deadlines too. */
static void work_in_child(void)
{
	tally_waitgroup group = {0};
	tally_atomic_u64_store(&total, 0);
	tally_waitgroup_go_n(&group, 1000, count_one, NULL);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 1000);
	for (int i = 0; i < 100; i++)
		tally_go(plain_one, NULL);
	tally_waitgroup_go_n(&group, 100, block_once, NULL);
	while (tally_waitgroup_wait_until(&group, now() + 1000000000) != 0) {
	}
	while (tally_atomic_u64_load(&total) < 1000 + 100 + 300)
		tally_waitgroup_wait_until(&(tally_waitgroup){{UINT64_C(1) << 32}}, now() + 100000);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 1000 + 100 + 300);
}

/* --- from main --- */

static void run_in_parent(void *arg)
{
	(void)arg;
	if (getpid() != parent)
		tally_atomic_u64_add(&shared->strangers, 1);
	tally_atomic_u64_add(&shared->parent_runs, 1);
}

static void yield_in_parent(void *arg)
{
	while (!tally_atomic_bool_load(&stop)) {
		run_in_parent(arg);
		tally_yield();
	}
}

static void wait_in_parent(void *arg)
{
	tally_waitgroup_wait(arg);
	run_in_parent(NULL);
}

/* The workers have tasks of all states: running, yielded, blocked and queued. */
static void fork_from_main(void *arg)
{
	tally_waitgroup group = {0}, gate = {0};
	begin(*(const int *)arg);
	tally_waitgroup_add(&gate, 1);
	for (int i = 0; i < 16; i++) {
		tally_waitgroup_go(&group, yield_in_parent, NULL);
		tally_waitgroup_go(&group, wait_in_parent, &gate);
	}
	while (tally_atomic_u64_load(&shared->parent_runs) == 0)
		pause_for(100000);
	for (int i = 0; i < 20; i++) {
		tally_waitgroup_go(&group, run_in_parent, NULL);
		pid_t child = fork();
		if (child == 0) {
			work_in_child();
			_exit(0);
		}
		await(child);
	}
	tally_atomic_bool_store(&stop, true);
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&shared->strangers), 0);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 0);
}

static void main_forks_while_workers_are_busy(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(fork_from_main, (void *)(uintptr_t)&worker_counts[i]);
}

/* Before the runtime was used, after it came to rest, and in a child of a child. */
static void fork_at_rest(void *arg)
{
	begin(*(const int *)arg);
	pid_t child = fork();
	if (child == 0) {
		work_in_child();
		pid_t grandchild = fork();
		if (grandchild == 0) {
			work_in_child();
			_exit(0);
		}
		await(grandchild);
		work_in_child();
		_exit(0);
	}
	await(child);
	work_in_child();
	pause_for(30000000);
	child = fork();
	if (child == 0) {
		work_in_child();
		exit(0);
	}
	await(child);
	work_in_child();
}

static void main_forks_at_rest(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(fork_at_rest, (void *)(uintptr_t)&worker_counts[i]);
}

/* --- from a task --- */

static void fork_and(void (*child_does)(void))
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		child_does();
		_exit(99);
	}
	await(child);
}

static void just_exit(void)
{
	_exit(0);
}

static void execute(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void work_and_exit(void)
{
	work_in_child();
	CHECK_EQUAL(tally_atomic_u64_load(&shared->strangers), 0);
	_exit(0);
}

static void fork_in_task(void *arg, size_t index)
{
	void (*const ways[])(void) = {just_exit, execute, work_and_exit};
	(void)arg;
	uint64_t id = tally_task_id();
	for (size_t i = 0; i < 3; i++) {
		fork_and(ways[(index + i) % 3]);
		CHECK_EQUAL(tally_task_id(), id);
		tally_yield();
	}
	tally_atomic_u64_add(&shared->parent_runs, 1);
}

/* Tasks that have yielded or wait lie on the thread that forks: they are the parent's. */
static void fork_from_tasks(void *arg)
{
	tally_waitgroup group = {0}, gate = {0}, forkers = {0};
	begin(*(const int *)arg);
	tally_waitgroup_add(&gate, 1);
	for (int i = 0; i < 16; i++) {
		tally_waitgroup_go(&group, yield_in_parent, NULL);
		tally_waitgroup_go(&group, wait_in_parent, &gate);
	}
	tally_waitgroup_go_n(&forkers, 4, fork_in_task, NULL);
	tally_waitgroup_wait(&forkers);
	tally_atomic_bool_store(&stop, true);
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&shared->strangers), 0);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 0);
}

static void tasks_fork(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(fork_from_tasks, (void *)(uintptr_t)&worker_counts[i]);
}

/* On main's own stack nothing waits in the child: main is not there. */
static void fork_on_main(void *arg)
{
	tally_waitgroup group = {0};
	begin(*(const int *)arg);
	for (int i = 0; i < 5; i++) {
		tally_waitgroup_go_n(&group, 4, fork_in_task, NULL);
		tally_waitgroup_wait(&group);
	}
	CHECK_EQUAL(tally_atomic_u64_load(&shared->parent_runs), 20);
}

static void tasks_on_main_fork(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(fork_on_main, (void *)(uintptr_t)&worker_counts[i]);
}

/* --- while other threads are in the middle of it --- */

static void *keep_at_it(void *arg)
{
	(void)arg;
	tally_waitgroup never = {0};
	tally_waitgroup_add(&never, 1);
	while (!tally_atomic_bool_load(&stop)) {
		tally_waitgroup group = {0};
		tally_waitgroup_go_n(&group, 50, block_once, NULL);
		/* Locks of all kinds: of buckets, of the queue, of permits, of memory. */
		tally_waitgroup_wait_until(&never, now() + 1000);
		tally_set_workers((int)(now() % 7) + 1);
		for (int i = 0; i < 300; i++)
			tally_waitgroup_go(&group, plain_one, NULL);
		tally_waitgroup_wait(&group);
	}
	return NULL;
}

static void *start_and_end(void *arg)
{
	tally_waitgroup group = {0};
	(void)arg;
	for (int i = 0; i < 300; i++)
		tally_waitgroup_go(&group, plain_one, NULL);
	tally_waitgroup_wait(&group);
	return NULL;
}

static void *keep_starting_threads(void *arg)
{
	(void)arg;
	while (!tally_atomic_bool_load(&stop)) {
		pthread_t thread;
		CHECK_EQUAL(pthread_create(&thread, NULL, start_and_end, NULL), 0);
		pthread_join(thread, NULL);
	}
	return NULL;
}

static void fork_in_the_middle(void *arg)
{
	pthread_t threads[3];
	int64_t end = soak_end();
	begin(*(const int *)arg);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(
			pthread_create(&threads[i], NULL, i == 0 ? keep_starting_threads : keep_at_it, NULL),
			0);
	for (size_t i = 0; i < scaled(100) || now() < end; i++) {
		pid_t child = fork();
		if (child == 0) {
			work_in_child();
			_exit(0);
		}
		await(child);
	}
	tally_atomic_bool_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void a_fork_may_come_at_any_moment(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_passes(fork_in_the_middle, (void *)(uintptr_t)&worker_counts[i]);
}

/* --- without any task --- */

static tally_waitgroup pair[2];

/* Two threads that wait for each other in turn. */
static void *take_turns(void *arg)
{
	size_t side = (size_t)(uintptr_t)arg;
	for (;;) {
		tally_waitgroup_wait(&pair[side]);
		tally_waitgroup_add(&pair[side], 1);
		tally_waitgroup_done(&pair[1 - side]);
	}
	return NULL;
}

/* Gives up at once, and so takes and gives back the lock of every bucket. */
static void *give_up_often(void *arg)
{
	static tally_waitgroup many[1024];
	(void)arg;
	for (size_t i = 0; i < 1024; i++)
		tally_waitgroup_add(&many[i], 1);
	for (size_t i = 0;; i = (i + 1) % 1024)
		tally_waitgroup_wait_until(&many[i], now() + 1000);
	return NULL;
}

static void *done_soon(void *arg)
{
	tally_waitgroup_done(arg);
	return NULL;
}

static void wait_in_child(void)
{
	for (int i = 0; i < 300; i++) {
		tally_waitgroup group = {0}, never = {0};
		pthread_t thread;
		tally_waitgroup_add(&never, 1);
		CHECK_EQUAL(tally_waitgroup_wait_until(&never, now() + 1), -ETIMEDOUT);
		if (i % 100 != 0)
			continue;
		tally_waitgroup_add(&group, 1);
		CHECK_EQUAL(pthread_create(&thread, NULL, done_soon, &group), 0);
		tally_waitgroup_wait(&group);
		pthread_join(thread, NULL);
	}
}

static void fork_among_threads(void *arg)
{
	pthread_t thread;
	int64_t end = soak_end();
	(void)arg;
	tally_waitgroup_add(&pair[1], 1);
	for (size_t i = 0; i < 2; i++)
		CHECK_EQUAL(pthread_create(&thread, NULL, take_turns, (void *)(uintptr_t)i), 0);
	CHECK_EQUAL(pthread_create(&thread, NULL, give_up_often, NULL), 0);
	for (size_t i = 0; i < 200 || now() < end; i++) {
		pid_t child = fork();
		if (child == 0) {
			wait_in_child();
			_exit(0);
		}
		await(child);
	}
}

static void threads_that_only_wait_may_fork(void **state)
{
	(void)state;
	assert_passes(fork_among_threads, NULL);
}

int main(void)
{
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message(
			"skipped: under these sanitizers the child of several threads may neither allocate nor "
			"start threads\n");
		return 77;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(main_forks_while_workers_are_busy),
		cmocka_unit_test(main_forks_at_rest),
		cmocka_unit_test(tasks_fork),
		cmocka_unit_test(tasks_on_main_fork),
		cmocka_unit_test(a_fork_may_come_at_any_moment),
		cmocka_unit_test(threads_that_only_wait_may_fork),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
