/* The mistake: the counter of atomic_counters.c as a plain integer. Two tasks read the same value, both add 1,
 * both write the same result, and one addition is lost.
 *
 *     tally run plain_counter.c          prints a wrong number, where two CPUs are free; nothing complains
 *     tally run -race plain_counter.c    names the line where the tasks meet, and exits with 66
 *
 * A task that adds a thousand times is done in a few microseconds, most often before another thread has woken
 * to run the next, and the mistake stays hidden. Here it is helped to show: the first task waits until another
 * has begun, and there are many.
 *
 * In Go such a race gives a wrong number. In C it is worse: the program has no meaning at all, and the compiler
 * may make of it what it likes.
 */
#include <stdio.h>
#include <tally/tally.h>

enum { TASKS = 4000, ADDITIONS = 1000, PATIENCE = 100000000 };

static long ops; /* plain: this is what is wrong here */
static tally_atomic_i32 begun;

/* Not inlined, since the compiler would put a thousand additions together into one. */
__attribute__((noinline)) static void add_one(void)
{
	ops++;
}

static void work(void *arg)
{
	int threads = tally_set_workers(0); /* 0 only asks */

	(void)arg;
	tally_atomic_i32_add(&begun, 1);
	/* A task that does not yield keeps its thread, so another thread has to begin the second task. Where
	 * there is no other thread, it must yield. */
	for (int turns = 0; tally_atomic_i32_load(&begun) < 2; turns++) {
		if (threads < 2 || turns >= PATIENCE)
			tally_yield();
	}
	for (int c = 0; c < ADDITIONS; c++)
		add_one();
}

int main(void)
{
	tally_waitgroup wg = {0};

	for (int i = 0; i < TASKS; i++)
		tally_waitgroup_go(&wg, work, NULL);
	tally_waitgroup_wait(&wg);
	printf("ops: %ld of %ld\n", ops, (long)TASKS * ADDITIONS);
}
