/* Fifty tasks count on one counter, a thousand times each, as in atomic_counters.c; but each thread adds to a
 * cell of its own, so they do not get in each other's way.
 *
 *     tally run counters.c
 *
 * The counter has a name, so it can be watched from outside while the program runs: `tally cat`. One without a
 * name is as easy: tally_counter ops = {0}, and tally_counter_destroy(&ops) when it is not needed any more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <tally/tally.h>

TALLY_COUNTER(ops, "example_ops_total", "Operations.");

static void work(void *arg)
{
	(void)arg;
	for (int c = 0; c < 1000; c++)
		tally_counter_inc(&ops);
}

int main(void)
{
	tally_waitgroup wg = {0};

	for (int i = 0; i < 50; i++)
		tally_waitgroup_go(&wg, work, NULL);
	tally_waitgroup_wait(&wg);
	printf("ops: %" PRIu64 "\n", tally_counter_load(&ops));
}
