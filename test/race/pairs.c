/* Many races at once: of 2,000 tasks, each writes a variable of its own and the one of the task that started
 * `distance` before it. One worker, so that order of starts is order of ends. For told_test.py. */
#include <stdio.h>
#include <stdlib.h>
#include <tally/tally.h>

#define TASKS 2000

static struct {
	long value;
	char rest[56]; /* a report speaks of 8 bytes: no two variables in one */
} variables[TASKS];
static tally_atomic_u64 started;
static uint64_t distance;

static void write_two(void *arg)
{
	(void)arg;
	uint64_t me = tally_atomic_u64_fetch_add_relaxed(&started, 1);
	variables[me].value = 1;
	if (me >= distance)
		variables[me - distance].value = 2;
}

int main(int argc, char **argv)
{
	static tally_waitgroup group;
	distance = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	tally_set_workers(1);
	for (int i = 0; i < TASKS; i++)
		tally_waitgroup_go(&group, write_two, NULL);
	tally_waitgroup_wait(&group);
	for (size_t i = 0; i < TASKS; i++)
		if (variables[i].value != (i < TASKS - distance ? 2 : 1))
			return 1;
	return 0;
}
