/* A hundred thousand tasks wait for one event, blocked all at once; then it happens.
 *
 *     tally run many_waiting.c [TASKS]
 *
 * A wait group of 1 is an event: everyone who waits goes on when it is done, as after the close of a channel in
 * Go. A blocked task keeps a stack, of which it pays for the pages that it has touched, most often one.
 * (With -race each has a shadow stack too, and the system's limit on mappings allows some 20,000 of them.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <tally/tally.h>

static tally_waitgroup event;
static tally_atomic_i32 waiting;
static tally_atomic_i32 woken;

static void wait_for_event(void *arg)
{
	(void)arg;
	tally_atomic_i32_add(&waiting, 1);
	tally_waitgroup_wait(&event);
	tally_atomic_i32_add(&woken, 1);
}

int main(int argc, char **argv)
{
	int tasks = argc > 1 ? atoi(argv[1]) : 100000;
	tally_waitgroup all = {0};

	tally_waitgroup_add(&event, 1);
	for (int i = 0; i < tasks; i++)
		tally_waitgroup_go(&all, wait_for_event, NULL);

	/* Until the last one waits. No task can go on before: the event is still to come. */
	while (tally_atomic_i32_load(&waiting) < tasks)
		tally_yield();
	printf("waiting: %d\n", tally_atomic_i32_load(&waiting));
	printf("woken too early: %d\n", tally_atomic_i32_load(&woken));

	tally_waitgroup_done(&event);
	tally_waitgroup_wait(&all);
	printf("woken: %d\n", tally_atomic_i32_load(&woken));
}
