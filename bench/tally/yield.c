/* Two tasks on one worker that do nothing but yield to each other.
 *
 *     yield TASKS MS SAMPLES          nanoseconds a yield
 */
#include "../common/bench.h"
#include <tally/tally.h>

static uint64_t each, tasks;
static tally_atomic_u64 yields;

static void yielder(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < each; i++)
		tally_yield();
	tally_atomic_u64_add(&yields, each);
}

static struct bench_span body(void *arg, uint64_t times)
{
	tally_waitgroup wg = {0};
	uint64_t before = tally_atomic_u64_load(&yields);
	struct bench_span start = bench_start(), span;
	(void)arg;

	each = times;
	for (uint64_t i = 0; i < tasks; i++)
		tally_waitgroup_go(&wg, yielder, NULL);
	tally_waitgroup_wait(&wg);
	span = bench_stop(start);
	bench_check("yields", tally_atomic_u64_load(&yields) - before, times * tasks);
	return span;
}

int main(int argc, char **argv)
{
	tasks = bench_argument(argc, argv, 1, 2);
	tally_set_workers(1);
	bench_measure("yield", "ns", (double)tasks, body, NULL, bench_argument(argc, argv, 2, 20),
		      bench_argument(argc, argv, 3, 3));
	return 0;
}
