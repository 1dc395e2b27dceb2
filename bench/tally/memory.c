/* What a task takes in memory, resident pages and page tables, before it has started and while it blocks.
 *
 *     memory pending|blocked TASKS          bytes a task
 */
#include "../common/bench.h"
#include <tally/tally.h>

static tally_waitgroup gate, arrived, all;
static tally_atomic_u64 started;
static uint64_t tasks;
static int64_t before, after;

static void run(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&started, 1);
}

static void block(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&started, 1);
	tally_waitgroup_done(&arrived);
	tally_waitgroup_wait(&gate);
}

/* This task has the only worker, so nothing that it starts runs until it waits. */
static void pending(void *arg)
{
	(void)arg;
	before = bench_memory();
	for (uint64_t i = 0; i < tasks; i++)
		tally_waitgroup_go(&all, run, NULL);
	after = bench_memory();
	bench_check("tasks that ran too early", tally_atomic_u64_load(&started), 0);
	tally_waitgroup_wait(&all);
}

static void blocked(void *arg)
{
	(void)arg;
	before = bench_memory();
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_add(&arrived, (int)tasks);
	for (uint64_t i = 0; i < tasks; i++)
		tally_waitgroup_go(&all, block, NULL);
	tally_waitgroup_wait(&arrived);
	after = bench_memory();
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&all);
}

int main(int argc, char **argv)
{
	bool blocking = argc > 1 && !strcmp(argv[1], "blocked");
	tally_waitgroup wg = {0};

	tasks = bench_argument(argc, argv, 2, 1000);
	bench_memory(); /* so that what it reads with is in memory already */
	tally_set_workers(1);
	tally_waitgroup_go(&wg, blocking ? blocked : pending, NULL);
	tally_waitgroup_wait(&wg);
	bench_check("tasks that ran", tally_atomic_u64_load(&started), tasks);
	printf("%s %.1f B\n", argc > 1 ? argv[1] : "pending", (double)(after - before) / (double)tasks);
	return 0;
}
