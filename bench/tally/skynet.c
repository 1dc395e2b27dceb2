/* Skynet: each task starts ten, down to 1,000,000 leaves, and sums what they return; 1,111,111 tasks in all.
 *
 *     skynet go|go_n LEAVES WORKERS MS SAMPLES          milliseconds for all; LEAVES is a power of ten
 */
#include "../common/bench.h"
#include <tally/tally.h>

struct node {
	uint64_t first, leaves, sum;
};

static uint64_t leaves;

static void run(void *arg);

static void run_child(void *children, size_t index)
{
	run((struct node *)children + index);
}

static bool with_go_n;

static void run(void *arg)
{
	struct node *node = arg, children[10];
	tally_waitgroup wg = {0};
	uint64_t sum = 0;

	if (node->leaves == 1) {
		node->sum = node->first;
		return;
	}
	for (uint64_t i = 0; i < 10; i++) {
		children[i].leaves = node->leaves / 10;
		children[i].first = node->first + i * children[i].leaves;
		if (!with_go_n)
			tally_waitgroup_go(&wg, run, &children[i]);
	}
	if (with_go_n)
		tally_waitgroup_go_n(&wg, 10, run_child, children);
	tally_waitgroup_wait(&wg);
	for (int i = 0; i < 10; i++)
		sum += children[i].sum;
	node->sum = sum;
}

static struct bench_span body(void *arg, uint64_t times)
{
	struct bench_span start = bench_start(), span;
	(void)arg;

	for (uint64_t t = 0; t < times; t++) {
		tally_waitgroup wg = {0};
		struct node root = {.leaves = leaves};
		tally_waitgroup_go(&wg, run, &root);
		tally_waitgroup_wait(&wg);
		bench_check("sum of the leaves", root.sum, leaves * (leaves - 1) / 2);
	}
	span = bench_stop(start);
	return span;
}

int main(int argc, char **argv)
{
	with_go_n = argc > 1 && !strcmp(argv[1], "go_n");
	leaves = bench_argument(argc, argv, 2, 1000000);
	tally_set_workers((int)bench_argument(argc, argv, 3, 0));
	bench_measure("skynet", "ms", 1e6, body, NULL, bench_argument(argc, argv, 4, 20),
		      bench_argument(argc, argv, 5, 3));
	return 0;
}
