/* A server of the old school: a parent that forks its workers. All count in one region, so each of them, and
 * whoever looks from outside, sees what all have counted.
 *
 *     tally run prefork.c
 *
 * A counter without a name is private memory, and apart in each process.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <tally/tally.h>
#include <unistd.h>

enum { WORKERS = 8, REQUESTS = 10000 };

TALLY_COUNTER(requests, "example_requests_total", "Requests served.");
static TALLY_UPDOWN(busy, "example_requests_in_flight", "Requests that are being served.");

static void serve(tally_counter *mine)
{
	tally_updown_add(&busy, 1);
	tally_counter_inc(&requests);
	tally_counter_inc(mine);
	tally_updown_sub(&busy, 1);
}

int main(void)
{
	tally_counter mine = {0};

	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("fork");
			exit(1);
		}
		if (pid == 0) {
			for (int k = 0; k < REQUESTS; k++)
				serve(&mine);
			/* A worker counts in its own memory what is its own. */
			_exit(tally_counter_load(&mine) == REQUESTS ? 0 : 1);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		int status;

		if (wait(&status) < 0 || status != 0) {
			fputs("a worker failed\n", stderr);
			exit(1);
		}
	}
	printf("requests: %" PRIu64 "\n", tally_counter_load(&requests));
	printf("in flight: %" PRId64 "\n", tally_updown_load(&busy));
	printf("by the parent: %" PRIu64 "\n", tally_counter_load(&mine));
}
