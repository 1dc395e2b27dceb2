/* tasks_test.c - tasks that spawn, block, yield, wait with deadlines and meet plain threads, all at once: every
 * count is exact and every wait ends. Short, and made for the chaos builds, which run it with random delays. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <tally/tally.h>
#include <time.h>

#include <cmocka.h>

static int64_t now(void)
{
	struct timespec moment;

	clock_gettime(CLOCK_MONOTONIC, &moment);
	return (int64_t)moment.tv_sec * 1000000000 + moment.tv_nsec;
}

/* A tree of tasks, a wait group at each node. */
struct node {
	int depth;
	uint64_t leaves;
};

static void grow(void *arg)
{
	struct node *node = arg;
	struct node children[3];
	tally_waitgroup wg = {0};

	if (node->depth == 0) {
		node->leaves = 1;
		if (node->leaves % 2)
			tally_yield();
		return;
	}
	for (int i = 0; i < 3; i++) {
		children[i] = (struct node){.depth = node->depth - 1};
		tally_waitgroup_go(&wg, grow, &children[i]);
	}
	tally_waitgroup_wait(&wg);
	node->leaves = children[0].leaves + children[1].leaves + children[2].leaves;
}

static void *plant_trees(void *arg)
{
	for (int i = 0; i < 10; i++) {
		struct node root = {.depth = 5};
		tally_waitgroup wg = {0};

		tally_waitgroup_go(&wg, grow, &root);
		tally_waitgroup_wait(&wg);
		assert_int_equal(root.leaves, 243);
	}
	return arg;
}

static void trees_from_many_threads(void **state)
{
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, plant_trees, NULL), 0);
	plant_trees(NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/* Many wait for one gate, in tasks and threads, some with a deadline; the gate is freed as soon as all are
 * through. */
struct gate {
	tally_waitgroup closed;
	tally_waitgroup through;
	int opened_by;
};

static void pass(void *arg, size_t index)
{
	struct gate *gate = arg;

	if (index % 3 == 0) {
		while (tally_waitgroup_wait_until(&gate->closed, now() + 20000 * (int64_t)(index % 5)) != 0)
			tally_yield();
	} else {
		tally_waitgroup_wait(&gate->closed);
	}
	assert_int_equal(gate->opened_by, 7);
}

static void *pass_on_a_thread(void *arg)
{
	struct gate *gate = arg;

	pass(gate, 0);
	tally_waitgroup_done(&gate->through);
	return NULL;
}

static void gates_open(void **state)
{
	(void)state;
	for (int round = 0; round < 60; round++) {
		struct gate *gate = calloc(1, sizeof(*gate));
		pthread_t thread;

		assert_non_null(gate);
		tally_waitgroup_add(&gate->closed, 1);
		tally_waitgroup_add(&gate->through, 1);
		tally_waitgroup_go_n(&gate->through, 40, pass, gate);
		assert_int_equal(pthread_create(&thread, NULL, pass_on_a_thread, gate), 0);
		gate->opened_by = 7;
		tally_waitgroup_done(&gate->closed);
		tally_waitgroup_wait(&gate->through);
		pthread_join(thread, NULL);
		free(gate);
	}
}

/* Tasks that nobody waits for in the runtime, while the number of workers goes up and down. */
static tally_atomic_u32 ran;

static void run(void *arg)
{
	(void)arg;
	tally_atomic_u32_add(&ran, 1);
}

static void strangers_are_run(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 2000; i++) {
		tally_go(run, NULL);
		if (i % 50 == 0)
			tally_set_workers(1 + (int)(i / 50 % 4));
		if (i % 500 == 0) {
			struct timespec moment = {.tv_nsec = 15000000};

			while (tally_atomic_u32_load(&ran) != i) {
			}
			nanosleep(&moment, NULL); /* the workers fall asleep */
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_from_many_threads),
		cmocka_unit_test(gates_open),
		cmocka_unit_test(strangers_are_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
