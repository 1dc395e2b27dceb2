/* Starts N tasks that each add 1 to one atomic, and waits for them.
 *
 *     spawn go|go_n N WORKERS MS SAMPLES          nanoseconds a task; 0 workers: the default
 */
#include "../common/bench.h"
#include <tally/tally.h>

static tally_atomic_u64 ran;
static uint64_t n, want;
static bool with_go_n;

static void one(void *arg)
{
	tally_atomic_u64_add(arg, 1);
}

static void indexed(void *arg, size_t index)
{
	(void)index;
	tally_atomic_u64_add(arg, 1);
}

static struct bench_span body(void *arg, uint64_t times)
{
	struct bench_span start = bench_start(), span;
	(void)arg;

	for (uint64_t t = 0; t < times; t++) {
		tally_waitgroup wg = {0};
		if (with_go_n) {
			tally_waitgroup_go_n(&wg, n, indexed, &ran);
		} else {
			for (uint64_t i = 0; i < n; i++)
				tally_waitgroup_go(&wg, one, &ran);
		}
		tally_waitgroup_wait(&wg);
	}
	span = bench_stop(start);
	want += times * n;
	bench_check("tasks that ran", tally_atomic_u64_load(&ran), want);
	return span;
}

int main(int argc, char **argv)
{
	with_go_n = argc > 1 && !strcmp(argv[1], "go_n");
	n = bench_argument(argc, argv, 2, 50);
	tally_set_workers((int)bench_argument(argc, argv, 3, 0));
	bench_measure("spawn", "ns", (double)n, body, NULL, bench_argument(argc, argv, 4, 20),
		      bench_argument(argc, argv, 5, 3));
	return 0;
}
