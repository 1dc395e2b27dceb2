/* What a blocked thread takes in the memory of its process. The kernel's own share is not in it.
 *
 *     memory_pthread THREADS          bytes a thread
 */
#include "../common/bench.h"
#include <pthread.h>

enum { MOST = 100000 };

static pthread_barrier_t started, gate;

static void *block(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&started);
	pthread_barrier_wait(&gate);
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t threads[MOST];
	uint64_t n = bench_argument(argc, argv, 1, 1000);
	int64_t before, after;

	if (n < 1 || n > MOST)
		bench_fail("1 to %d threads", MOST);
	pthread_barrier_init(&started, NULL, (unsigned)n + 1);
	pthread_barrier_init(&gate, NULL, (unsigned)n + 1);
	bench_memory(); /* so that what it reads with is in memory already */
	before = bench_memory();
	for (uint64_t i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, block, NULL))
			bench_fail("cannot start thread %" PRIu64, i);
	pthread_barrier_wait(&started);
	after = bench_memory();
	pthread_barrier_wait(&gate);
	for (uint64_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("blocked %.1f B\n", (double)(after - before) / (double)n);
	return 0;
}
