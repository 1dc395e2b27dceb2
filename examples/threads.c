/* Threads and tasks together: plain pthreads, which may come from any library, and tasks count on one counter,
 * start tasks, and are waited for by one wait group.
 *
 *     tally run threads.c
 *
 * Every call of tally works from a thread as it does from a task. A thread that waits for a wait group does not
 * just sleep: it runs tasks of that group.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <tally/tally.h>

enum { THREADS = 4, TASKS = 10, ADDITIONS = 1000 };

static tally_waitgroup wg;
static tally_atomic_u64 ops;

static void add(void *arg)
{
	(void)arg;
	for (int c = 0; c < ADDITIONS; c++)
		tally_atomic_u64_add(&ops, 1);
}

/* A thread that was not started by tally: it counts, and starts tasks that do so too. */
static void *thread_main(void *arg)
{
	for (int i = 0; i < TASKS; i++)
		tally_waitgroup_go(&wg, add, NULL);
	add(NULL);
	tally_waitgroup_done(&wg);
	return arg;
}

int main(void)
{
	pthread_t threads[THREADS];

	/* For the threads, before they start: the rule for every add. */
	tally_waitgroup_add(&wg, THREADS);
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, thread_main, NULL) != 0) {
			fputs("there is no thread to be had\n", stderr);
			exit(1);
		}
	}
	tally_waitgroup_wait(&wg);
	printf("ops: %" PRIu64 "\n", tally_atomic_u64_load(&ops));

	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}
