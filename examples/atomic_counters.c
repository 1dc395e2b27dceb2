/* Fifty tasks add to one counter, a thousand times each; a wait group waits for them.
 *
 *     tally run atomic_counters.c
 *
 * tally_waitgroup_go is `wg.Go(...)`, and a tally_atomic_u64 is an `atomic.Uint64`: no addition is lost,
 * however the tasks overlap. Both begin as zero, and need nothing else. plain_counter.c shows the same without
 * the atomic.
 */
#include <inttypes.h>
#include <stdio.h>
#include <tally/tally.h>

static void work(void *arg)
{
	tally_atomic_u64 *ops = arg;
	for (int c = 0; c < 1000; c++)
		tally_atomic_u64_add(ops, 1);
}

int main(void)
{
	tally_atomic_u64 ops = {0};
	tally_waitgroup wg = {0};

	for (int i = 0; i < 50; i++)
		tally_waitgroup_go(&wg, work, &ops);
	tally_waitgroup_wait(&wg);
	printf("ops: %" PRIu64 "\n", tally_atomic_u64_load(&ops));
}
