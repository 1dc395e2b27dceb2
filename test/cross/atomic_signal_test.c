/* A signal handler and the code it interrupts change the same variables: every change counts. */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "expect.h"

enum { WANTED = 200 };

static tally_atomic_u64 wide, relaxed;
static tally_atomic_i32 narrow;
static tally_atomic_u32 runs;

static void handler(int signal_number)
{
	(void)signal_number;
	tally_atomic_u64_add(&wide, 1000);
	tally_atomic_u64_add_relaxed(&relaxed, 1000);
	for (;;) {
		int32_t old = tally_atomic_i32_load(&narrow);

		if (tally_atomic_i32_compare_and_swap(&narrow, old, old - 1))
			break;
	}
	tally_atomic_u32_add(&runs, 1);
}

int main(void)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
	uint64_t mine = 0;

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &often, NULL) != 0) {
		perror("setitimer");
		return 1;
	}
	while (tally_atomic_u32_load(&runs) < WANTED) {
		for (int i = 0; i < 1000; i++) {
			tally_atomic_u64_add(&wide, 1);
			tally_atomic_u64_add_relaxed(&relaxed, 1);
			tally_atomic_i32_add(&narrow, 1);
		}
		mine += 1000;
	}
	setitimer(ITIMER_REAL, &never, NULL);

	uint64_t theirs = tally_atomic_u32_load(&runs);

	EXPECT(tally_atomic_u64_load(&wide) == mine + 1000 * theirs, "lost some of %llu",
	       (unsigned long long)mine);
	EXPECT(tally_atomic_u64_load(&relaxed) == mine + 1000 * theirs, "lost some, relaxed");
	EXPECT(tally_atomic_i32_load(&narrow) == (int32_t)(uint32_t)(mine - theirs), "lost some, narrow");
	return finish();
}
