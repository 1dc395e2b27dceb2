/* Counts that outlive the process that counted them. This program counts in a file, and is killed while it
 * does.
 *
 *     tally run survivor.c -- /dev/shm/survivor      ends by kill -9
 *     tally cat /dev/shm/survivor                    shows all that it had counted
 *     tally run survivor.c -- /dev/shm/survivor      goes on from there
 *
 * Instead of calling tally_region_open, a program may be started with TALLY_REGION=/dev/shm/survivor.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <tally/tally.h>
#include <unistd.h>

enum { TASKS = 10, EACH = 1000 };

TALLY_COUNTER(starts, "survivor_starts_total", "Times the program was started.");
TALLY_COUNTER(ops, "survivor_ops_total", "Operations.");

static void work(void *arg)
{
	(void)arg;
	for (int c = 0; c < EACH; c++)
		tally_counter_inc(&ops);
}

int main(int argc, char **argv)
{
	tally_waitgroup wg = {0};
	int error;

	if (argc != 2) {
		fputs("usage: survivor FILE\n", stderr);
		return 2;
	}
	/* Before anything is counted. */
	error = tally_region_open(argv[1]);
	if (error != 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-error));
		return 1;
	}
	tally_counter_inc(&starts);
	for (int i = 0; i < TASKS; i++)
		tally_waitgroup_go(&wg, work, NULL);
	tally_waitgroup_wait(&wg);
	printf("start %" PRIu64 ", ops: %" PRIu64 "\n", tally_counter_load(&starts), tally_counter_load(&ops));
	fflush(stdout);
	kill(getpid(), SIGKILL);
}
