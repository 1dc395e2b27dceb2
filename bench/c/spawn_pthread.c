/* Starts N threads that each add 1 to one atomic, and joins them: spawn.c with pthreads.
 *
 *     spawn_pthread N MS SAMPLES          nanoseconds a thread
 */
#include "../common/bench.h"
#include <pthread.h>
#include <stdatomic.h>

enum { MOST = 10000 };

static _Atomic uint64_t ran;
static uint64_t n, want;

static void *one(void *arg)
{
	(void)arg;
	atomic_fetch_add(&ran, 1);
	return NULL;
}

static struct bench_span body(void *arg, uint64_t times)
{
	static pthread_t threads[MOST];
	struct bench_span start = bench_start(), span;
	(void)arg;

	for (uint64_t t = 0; t < times; t++) {
		for (uint64_t i = 0; i < n; i++)
			if (pthread_create(&threads[i], NULL, one, NULL))
				bench_fail("cannot start thread %" PRIu64, i);
		for (uint64_t i = 0; i < n; i++)
			pthread_join(threads[i], NULL);
	}
	span = bench_stop(start);
	want += times * n;
	bench_check("threads that ran", atomic_load(&ran), want);
	return span;
}

int main(int argc, char **argv)
{
	n = bench_argument(argc, argv, 1, 50);
	if (n < 1 || n > MOST)
		bench_fail("1 to %d threads", MOST);
	bench_measure("spawn", "ns", (double)n, body, NULL, bench_argument(argc, argv, 2, 20),
		      bench_argument(argc, argv, 3, 3));
	return 0;
}
