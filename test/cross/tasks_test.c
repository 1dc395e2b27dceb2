/* Tasks on every machine: nested waits, gates, yields, deadlines, ranges and plain threads, on 1, 2 and 8
 * workers. Every count is exact, and every wait ends. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include <tally/tally.h>

#include "expect.h"

enum { WAITING = 200, YIELDS = 100, RANGE = 1000, THREADS = 4, ROUNDS = 3 };

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* A binary tree with a wait group at each node; leaves are counted by plain additions. */
struct node {
	int depth;
	int leaves;
};

static void grow(void *arg)
{
	struct node *node = arg;
	struct node left = {node->depth - 1, 0}, right = left;
	tally_waitgroup wg = {0};

	if (node->depth == 0) {
		node->leaves = 1;
		return;
	}
	tally_waitgroup_go(&wg, grow, &left);
	tally_waitgroup_go(&wg, grow, &right);
	tally_waitgroup_wait(&wg);
	node->leaves = left.leaves + right.leaves;
}

static void trees(void)
{
	struct node root = {8, 0};

	grow(&root);
	EXPECT(root.leaves == 256, "%d", root.leaves);
}

/* Many wait for one event, each with values in its registers and in errno. */
struct gate {
	tally_waitgroup closed;
	tally_waitgroup arrived;
	tally_atomic_u32 through;
	int opened; /* plain */
};

static void pass(void *arg, size_t index)
{
	struct gate *gate = arg;
	double number = (double)index;

	errno = (int)index;
	tally_waitgroup_done(&gate->arrived);
	tally_waitgroup_wait(&gate->closed);
	EXPECT(errno == (int)index, "%d, not %d", errno, (int)index);
	EXPECT(number == (double)index, "%f", number);
	EXPECT(gate->opened == 1, "%d", gate->opened);
	tally_atomic_u32_add(&gate->through, 1);
}

static void gates(void)
{
	struct gate gate = {0};
	tally_waitgroup all = {0};

	tally_waitgroup_add(&gate.closed, 1);
	tally_waitgroup_add(&gate.arrived, WAITING);
	tally_waitgroup_go_n(&all, WAITING, pass, &gate);
	tally_waitgroup_wait(&gate.arrived);
	EXPECT(tally_atomic_u32_load(&gate.through) == 0, "%u", (unsigned)tally_atomic_u32_load(&gate.through));
	EXPECT(tally_waitgroup_wait_until(&all, now() + 1000000) == -ETIMEDOUT, "a closed gate");
	gate.opened = 1;
	tally_waitgroup_done(&gate.closed);
	tally_waitgroup_wait(&all);
	EXPECT(tally_atomic_u32_load(&gate.through) == WAITING, "%u",
	       (unsigned)tally_atomic_u32_load(&gate.through));
}

/* Two that yield to each other. */
static void take_turns(void *arg)
{
	uint64_t id = tally_task_id();

	for (int i = 0; i < YIELDS; i++) {
		tally_atomic_u32_add(arg, 1);
		tally_yield();
		EXPECT(tally_task_id() == id, "another task");
	}
}

static void yields(void)
{
	tally_waitgroup all = {0};
	tally_atomic_u32 turns = {0};

	tally_waitgroup_go(&all, take_turns, &turns);
	tally_waitgroup_go(&all, take_turns, &turns);
	tally_waitgroup_wait(&all);
	EXPECT(tally_atomic_u32_load(&turns) == 2 * YIELDS, "%u", (unsigned)tally_atomic_u32_load(&turns));
}

/* Deadlines inside tasks: one that passes, one that does not. */
static void wait_twice(void *arg)
{
	tally_waitgroup never = {0}, soon = {0};
	tally_atomic_u32 turns = {0};

	tally_waitgroup_add(&never, 1);
	EXPECT(tally_waitgroup_wait_until(&never, now() + 1000000) == -ETIMEDOUT, "nobody is to be done");
	tally_waitgroup_go(&soon, take_turns, &turns);
	while (tally_waitgroup_wait_until(&soon, now() + 1000000000) != 0) {
	}
	EXPECT(tally_atomic_u32_load(&turns) == YIELDS, "%u", (unsigned)tally_atomic_u32_load(&turns));
	tally_atomic_u32_add(arg, 1);
}

static void deadlines(void)
{
	tally_waitgroup all = {0};
	tally_atomic_u32 ended = {0};

	for (int i = 0; i < 8; i++)
		tally_waitgroup_go(&all, wait_twice, &ended);
	tally_waitgroup_wait(&all);
	EXPECT(tally_atomic_u32_load(&ended) == 8, "%u", (unsigned)tally_atomic_u32_load(&ended));
}

/* Plain threads that start tasks in one group and wait for groups of their own. */
static tally_waitgroup shared;
static tally_atomic_u64 sum;

static void add_index(void *arg, size_t index)
{
	(void)arg;
	tally_atomic_u64_add(&sum, index);
}

static void *start_and_wait(void *arg)
{
	tally_waitgroup own = {0};

	tally_waitgroup_go_n(&own, RANGE, add_index, NULL);
	tally_waitgroup_go_n(&shared, RANGE, add_index, NULL);
	trees();
	tally_waitgroup_wait(&own);
	return arg;
}

static void threads(void)
{
	pthread_t all[THREADS];

	tally_atomic_u64_store(&sum, 0);
	for (int i = 0; i < THREADS; i++)
		EXPECT(pthread_create(&all[i], NULL, start_and_wait, NULL) == 0, "no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	tally_waitgroup_wait(&shared);
	uint64_t wanted = (uint64_t)2 * THREADS * (RANGE - 1) * RANGE / 2;
	EXPECT(tally_atomic_u64_load(&sum) == wanted, "%llu", (unsigned long long)tally_atomic_u64_load(&sum));
}

int main(void)
{
	static const int workers[] = {1, 2, 8};

	for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		tally_set_workers(workers[i]);
		for (int round = 0; round < ROUNDS; round++) {
			trees();
			gates();
			yields();
			deadlines();
			threads();
		}
	}
	return finish();
}
