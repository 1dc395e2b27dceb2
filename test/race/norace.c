/* Programs without a race, of which nothing must be said. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "cases.h"

static int x;
static int many[1000];
static tally_waitgroup group, gate;
static flag raised;

static void nothing(void *arg)
{
	(void)arg;
}

static void increment(void *arg)
{
	(void)arg;
	x++;
}

static void expect_1(void *arg)
{
	(void)arg;
	EXPECT(x == 1);
}

static void count_atomically(void *arg)
{
	tally_atomic_u64 *ops = arg;
	for (int i = 0; i < 1000; i++)
		tally_atomic_u64_add(ops, 1);
}

CASE(norace_atomic_increments)
{
	tally_atomic_u64 ops = {0};
	tally_waitgroup wg = {0};
	for (int i = 0; i < 50; i++)
		tally_waitgroup_go(&wg, count_atomically, &ops);
	tally_waitgroup_wait(&wg);
	EXPECT(tally_atomic_u64_load(&ops) == 50000);
}

CASE(norace_spawn_comes_before_start)
{
	x = 1;
	tally_waitgroup_go(&group, expect_1, NULL);
	tally_waitgroup_wait(&group);
}

CASE(norace_done_comes_before_wait)
{
	tally_waitgroup_go(&group, increment, NULL);
	tally_waitgroup_wait(&group);
	EXPECT(x == 1);
}

CASE(norace_wait_for_what_is_done_already)
{
	tally_waitgroup_go(&group, increment, NULL);
	while (tally_waitgroup_wait_until(&group, 0) != 0)
		pause_a_little();
	EXPECT(x == 1);
}

CASE(norace_wait_until_in_time)
{
	tally_waitgroup_go(&group, increment, NULL);
	EXPECT(tally_waitgroup_wait_until(&group, now() + INT64_C(60000000000)) == 0);
	EXPECT(x == 1);
}

static void write_mine(void *arg, size_t index)
{
	int *all = arg;
	all[index] += (int)index;
}

CASE(norace_rounds_of_indexed_tasks)
{
	for (int round = 0; round < 5; round++) {
		tally_waitgroup_go_n(&group, 1000, write_mine, many);
		tally_waitgroup_wait(&group);
	}
	for (int i = 0; i < 1000; i++)
		EXPECT(many[i] == 5 * i);
}

/* Rounds of two groups at once: descriptors of tasks that have ended are used again while indexed ones wait. */
static void rounds_of_both_kinds(void *arg)
{
	int *mine = arg;
	tally_waitgroup indexed = {0}, single = {0};
	for (int round = 0; round < 20; round++) {
		mine[0] = round;
		tally_waitgroup_go_n(&indexed, 20, write_mine, mine + 1);
		for (int i = 0; i < 20; i++)
			tally_waitgroup_go(&single, nothing, NULL);
		tally_waitgroup_wait(&single);
		tally_waitgroup_wait(&indexed);
	}
}

CASE(norace_indexed_and_single_tasks_mixed)
{
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(&group, rounds_of_both_kinds, &many[i * 100]);
	tally_waitgroup_wait(&group);
}

static long sum(int depth);

struct half {
	int depth;
	long result;
};

static void sum_half(void *arg)
{
	struct half *half = arg;
	half->result = sum(half->depth);
}

static long sum(int depth)
{
	if (depth == 0)
		return 1;
	tally_waitgroup wg = {0};
	struct half halves[2] = {{depth - 1, 0}, {depth - 1, 0}};
	for (int i = 0; i < 2; i++)
		tally_waitgroup_go(&wg, sum_half, &halves[i]);
	tally_waitgroup_wait(&wg);
	return halves[0].result + halves[1].result;
}

CASE(norace_a_tree_of_groups)
{
	EXPECT(sum(9) == 512);
}

static void hand_on(void *arg)
{
	int left = (int)(intptr_t)arg;
	x++;
	if (left > 0)
		tally_waitgroup_go(&group, hand_on, (void *)(intptr_t)(left - 1));
}

/* Each task comes before the one that it spawns. */
CASE(norace_a_chain_of_spawns)
{
	tally_waitgroup_go(&group, hand_on, (void *)999);
	tally_waitgroup_wait(&group);
	EXPECT(x == 1000);
}

static __attribute__((noinline)) int fill(int *local, int value)
{
	for (int i = 0; i < 16; i++)
		local[i] = value;
	tally_yield();
	for (int i = 0; i < 16; i++)
		EXPECT(local[i] == value);
	return value;
}

static void use_locals(void *arg)
{
	int local[16];
	EXPECT(fill(local, (int)(intptr_t)arg) == local[3]);
}

/* Many tasks whose variables have the same address one after the other. */
CASE(norace_locals)
{
	for (int i = 0; i < 2000; i++)
		tally_waitgroup_go(&group, use_locals, (void *)(intptr_t)i);
	tally_waitgroup_wait(&group);
}

static _Thread_local long per_thread;

static void use_thread_locals(void *arg)
{
	(void)arg;
	errno = 0;
	per_thread++;
	EXPECT(strtol("17", NULL, 10) == 17 && errno == 0);
	tally_yield();
	errno = ERANGE;
	per_thread++;
}

/* Tasks of one thread share its thread-local variables, never at the same time. */
CASE(norace_thread_locals)
{
	for (int i = 0; i < 300; i++)
		tally_waitgroup_go(&group, use_thread_locals, NULL);
	tally_waitgroup_wait(&group);
}

static void wait_then_read(void *arg)
{
	(void)arg;
	raise_flag(&raised);
	tally_waitgroup_wait(&gate);
	EXPECT(x == 1);
}

static void *wait_then_read_in_thread(void *arg)
{
	wait_then_read(arg);
	return NULL;
}

static void open_gate(void *arg)
{
	(void)arg;
	x = 1;
	tally_waitgroup_done(&gate);
}

CASE(norace_many_waiters_of_one_group)
{
	pthread_t threads[3];
	tally_waitgroup_add(&gate, 1);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, wait_then_read_in_thread, NULL);
	for (int i = 0; i < 100; i++)
		tally_waitgroup_go(&group, wait_then_read, NULL);
	await_flag(&raised, 50);
	tally_go(open_gate, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	tally_waitgroup_wait(&group);
}

static void wait_with_deadline(void *arg)
{
	(void)arg;
	while (tally_waitgroup_wait_until(&gate, now() + 100000) != 0) {
	}
	EXPECT(x == 1);
}

CASE(norace_waiters_that_give_up_and_come_again)
{
	tally_waitgroup_add(&gate, 1);
	for (int i = 0; i < 20; i++)
		tally_waitgroup_go(&group, i % 2 ? wait_with_deadline : wait_then_read, NULL);
	await_flag(&raised, 10);
	pause_a_little();
	tally_waitgroup_go(&group, open_gate, NULL);
	tally_waitgroup_wait(&group);
}

static void part(void *arg)
{
	*(int *)arg = 1;
	tally_waitgroup_add(&gate, -2);
}

CASE(norace_add_of_a_negative_number)
{
	tally_waitgroup_add(&gate, 20);
	for (int i = 0; i < 10; i++)
		tally_go(part, &many[i]);
	tally_waitgroup_wait(&gate);
	for (int i = 0; i < 10; i++)
		EXPECT(many[i] == 1);
}

static void add_more(void *arg)
{
	(void)arg;
	/* Not the first: this task is counted itself. */
	for (int i = 0; i < 3; i++)
		tally_waitgroup_go(&group, nothing, NULL);
}

CASE(norace_adds_while_others_are_outstanding)
{
	for (int i = 0; i < 50; i++)
		tally_waitgroup_go(&group, add_more, NULL);
	tally_waitgroup_wait(&group);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void increment_locked(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++) {
		pthread_mutex_lock(&mutex);
		x++;
		pthread_mutex_unlock(&mutex);
		tally_yield();
	}
}

CASE(norace_a_mutex)
{
	for (int i = 0; i < 30; i++)
		tally_waitgroup_go(&group, increment_locked, NULL);
	tally_waitgroup_wait(&group);
	EXPECT(x == 300);
}

static tally_atomic_bool published;

static void publish(void *arg)
{
	(void)arg;
	x = 1;
	tally_atomic_bool_store_release(&published, true);
}

static void subscribe(void *arg)
{
	(void)arg;
	while (!tally_atomic_bool_load_acquire(&published))
		tally_yield();
	EXPECT(x == 1);
}

CASE(norace_release_and_acquire)
{
	tally_waitgroup_go(&group, subscribe, NULL);
	tally_waitgroup_go(&group, publish, NULL);
	tally_waitgroup_wait(&group);
}

static void *run_tasks(void *arg)
{
	tally_waitgroup wg = {0};
	int *mine = arg;
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(&wg, use_thread_locals, NULL);
	tally_waitgroup_go(&wg, part, mine);
	tally_waitgroup_wait(&wg);
	EXPECT(*mine == 1);
	return NULL;
}

/* Far more threads than fibers are kept: their fibers, and the runtime's memory of them, serve others. */
CASE(norace_many_short_threads)
{
	tally_waitgroup_add(&gate, 800);
	for (int i = 0; i < 400; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, run_tasks, &many[i]);
		if (i % 2)
			pthread_join(thread, NULL);
		else
			pthread_detach(thread);
	}
	tally_waitgroup_wait(&gate);
}

static pthread_t started[10];

static void start_thread(void *arg, size_t index)
{
	(void)arg;
	many[index] = 0;
	pthread_create(&started[index], NULL, run_tasks, &many[index]);
}

CASE(norace_threads_started_in_tasks)
{
	tally_waitgroup_add(&gate, 20);
	tally_waitgroup_go_n(&group, 10, start_thread, NULL);
	tally_waitgroup_wait(&group);
	for (int i = 0; i < 10; i++) {
		pthread_join(started[i], NULL);
		EXPECT(many[i] == 1);
	}
}

/* The group's memory is used for other things as soon as the wait has returned. */
CASE(norace_a_group_on_the_heap)
{
	for (int i = 0; i < 200; i++) {
		tally_waitgroup *wg = calloc(1, sizeof(*wg));
		tally_waitgroup_go(wg, nothing, NULL);
		tally_waitgroup_go(wg, nothing, NULL);
		tally_waitgroup_wait(wg);
		memset(wg, 0xff, sizeof(*wg));
		free(wg);
	}
}

static void allocate(void *arg)
{
	(void)arg;
	char *text = malloc(100);
	snprintf(text, 100, "%p", (void *)text);
	tally_yield();
	text = realloc(text, 1000);
	tally_yield();
	free(text);
}

CASE(norace_the_heap)
{
	for (int i = 0; i < 500; i++)
		tally_waitgroup_go(&group, allocate, NULL);
	tally_waitgroup_wait(&group);
}

CASE(norace_blocked_tasks_at_the_end)
{
	tally_waitgroup_add(&gate, 1);
	for (int i = 0; i < 100; i++)
		tally_waitgroup_go(&group, wait_then_read, NULL);
	await_flag(&raised, 50);
}

CASE(norace_queued_tasks_at_the_end)
{
	for (int i = 0; i < 1000; i++)
		tally_waitgroup_go(&group, increment_locked, NULL);
}

static void leave(void *arg)
{
	(void)arg;
	exit(0);
}

CASE(norace_exit_in_a_task)
{
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go(&group, wait_then_read, NULL);
	tally_waitgroup_go(&group, leave, NULL);
	tally_waitgroup_wait(&group);
}

CASE(norace_a_list_of_tasks)
{
	int ends[2];
	EXPECT(pipe(ends) == 0);
	tally_waitgroup_add(&gate, 1);
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(&group, wait_then_read, NULL);
	await_flag(&raised, 1);
	for (int i = 0; i < 20; i++) {
		char text[8192];
		tally_dump_tasks(ends[1]);
		EXPECT(read(ends[0], text, sizeof(text)) > 0);
	}
	x = 1;
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
}

CASE(norace_more_and_fewer_workers)
{
	for (int i = 0; i < 20; i++) {
		(void)tally_set_workers(i % 4 + 1);
		for (int k = 0; k < 20; k++)
			tally_waitgroup_go(&group, use_thread_locals, NULL);
		tally_waitgroup_wait(&group);
	}
}

CASE(norace_a_forked_child)
{
	tally_waitgroup_go(&group, nothing, NULL);
	tally_waitgroup_wait(&group);
	pid_t child = fork();
	if (child == 0)
		_exit(tally_waitgroup_wait_until(&group, 0) == 0 ? 0 : 1);
	int status;
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

static void count_one(void *arg, size_t index)
{
	(void)index;
	tally_atomic_u64_add(arg, 1);
}

CASE(norace_tasks_in_a_forked_child)
{
	/* Before the first task of the parent: only then does ThreadSanitizer let the child start threads. */
	pid_t child = fork();
	if (child == 0) {
		tally_waitgroup_go(&group, increment, NULL);
		tally_waitgroup_wait(&group);
		_exit(x == 1 ? 0 : 1);
	}
	int status;
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

CASE(norace_a_million_tasks)
{
	tally_atomic_u64 ops = {0};
	tally_waitgroup_go_n(&group, 1000000, count_one, &ops);
	tally_waitgroup_wait(&group);
	EXPECT(tally_atomic_u64_load(&ops) == 1000000);
}

/* What they need must be used again, or memory and what else ThreadSanitizer has for them comes to an end. */
static void expect_memory_below(long megabytes)
{
	struct rusage usage;
	EXPECT(getrusage(RUSAGE_SELF, &usage) == 0);
	EXPECT(usage.ru_maxrss / 1024 < megabytes);
}

static void add_one(void *arg)
{
	tally_atomic_u64_add(arg, 1);
}

CASE(norace_a_million_tasks_queued_at_once)
{
	tally_atomic_u64 ops = {0};
	for (int i = 0; i < 1000000; i++)
		tally_waitgroup_go(&group, add_one, &ops);
	tally_waitgroup_wait(&group);
	EXPECT(tally_atomic_u64_load(&ops) == 1000000);
	expect_memory_below(2000);
}

struct node {
	long size;
	long sum;
};

static void count_below(void *arg)
{
	struct node *node = arg, children[10];
	tally_waitgroup wg = {0};
	if (node->size == 1) {
		node->sum = 1;
		return;
	}
	for (int i = 0; i < 10; i++) {
		children[i].size = node->size / 10;
		tally_waitgroup_go(&wg, count_below, &children[i]);
	}
	tally_waitgroup_wait(&wg);
	node->sum = 1;
	for (int i = 0; i < 10; i++)
		node->sum += children[i].sum;
}

CASE(norace_a_tree_of_a_million_tasks)
{
	struct node root = {.size = 1000000};
	tally_waitgroup_go(&group, count_below, &root);
	tally_waitgroup_wait(&group);
	EXPECT(root.sum == 1111111);
	expect_memory_below(4000);
}
