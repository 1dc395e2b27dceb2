/* The seed's program with a tally_counter in the place of the atomic. */
#include <inttypes.h>
#include <stdio.h>
#include <tally/tally.h>

static void work(void *arg)
{
	tally_counter *ops = arg;

	for (int c = 0; c < 1000; c++)
		tally_counter_inc(ops);
}

int main(void)
{
	tally_counter ops = {0};
	tally_waitgroup wg = {0};

	for (int i = 0; i < 50; i++)
		tally_waitgroup_go(&wg, work, &ops);
	tally_waitgroup_wait(&wg);
	printf("ops: %" PRIu64 "\n", tally_counter_load(&ops));
	return 0;
}
