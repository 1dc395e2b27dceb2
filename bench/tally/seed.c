/* The seed's program, again and again in one process: 50 tasks that each add 1 to one counter 1,000 times.
 *
 *     seed atomic|counter WORKERS MS SAMPLES          microseconds for all 50; 0 workers: the default
 */
#include "../common/bench.h"
#include <tally/tally.h>

enum { TASKS = 50, ADDS = 1000 };

static tally_atomic_u64 atomic_ops;
static tally_counter counter_ops;

static void add_to_atomic(void *arg)
{
	tally_atomic_u64 *ops = arg;

	for (int c = 0; c < ADDS; c++)
		tally_atomic_u64_add(ops, 1);
}

static void add_to_counter(void *arg)
{
	tally_counter *ops = arg;

	for (int c = 0; c < ADDS; c++)
		tally_counter_inc(ops);
}

static uint64_t want;

static struct bench_span body(void *arg, uint64_t times)
{
	bool with_counter = *(bool *)arg;
	struct bench_span start = bench_start(), span;

	for (uint64_t t = 0; t < times; t++) {
		tally_waitgroup wg = {0};
		for (int i = 0; i < TASKS; i++) {
			if (with_counter)
				tally_waitgroup_go(&wg, add_to_counter, &counter_ops);
			else
				tally_waitgroup_go(&wg, add_to_atomic, &atomic_ops);
		}
		tally_waitgroup_wait(&wg);
		want += TASKS * ADDS;
		bench_check("ops",
			    with_counter ? tally_counter_load(&counter_ops)
					 : tally_atomic_u64_load(&atomic_ops),
			    want);
	}
	span = bench_stop(start);
	return span;
}

int main(int argc, char **argv)
{
	bool with_counter = argc > 1 && !strcmp(argv[1], "counter");

	tally_set_workers((int)bench_argument(argc, argv, 2, 0));
	bench_measure("seed", "us", 1e3, body, &with_counter, bench_argument(argc, argv, 3, 20),
		      bench_argument(argc, argv, 4, 3));
	return 0;
}
