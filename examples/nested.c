/* A tree of tasks: each starts ten, waits for them, and adds up what they found. The leaves are the numbers
 * from 0 to 99,999, so the root has their sum.
 *
 *     tally run nested.c
 *
 * Wait groups nest as function calls do. A wait group on the stack of the task that waits is safe: it is free
 * for other use as soon as tally_waitgroup_wait returns.
 */
#include <inttypes.h>
#include <stdio.h>
#include <tally/tally.h>

enum { CHILDREN = 10, LEAVES = 100000 };

/* The numbers from first, as many as there are; when the task is done, their sum. */
struct range {
	uint64_t first;
	uint64_t count;
	uint64_t sum;
};

static void add_up(void *arg)
{
	struct range *range = arg;
	if (range->count == 1) {
		range->sum = range->first;
		return;
	}

	tally_waitgroup wg = {0};
	struct range children[CHILDREN];
	for (uint64_t i = 0; i < CHILDREN; i++) {
		uint64_t count = range->count / CHILDREN;
		children[i] = (struct range){.first = range->first + i * count, .count = count};
		tally_waitgroup_go(&wg, add_up, &children[i]);
	}
	tally_waitgroup_wait(&wg);

	/* The children have written their sums before the wait has returned: plain reads are right. */
	for (int i = 0; i < CHILDREN; i++)
		range->sum += children[i].sum;
}

int main(void)
{
	struct range all = {.first = 0, .count = LEAVES};

	add_up(&all);
	printf("sum: %" PRIu64 "\n", all.sum);
}
