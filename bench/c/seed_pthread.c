/* The seed's program as C programmers write it without tally: 50 threads, one C11 atomic. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { THREADS = 50, ADDS = 1000 };

static _Atomic uint64_t ops;

static void *work(void *arg)
{
	(void)arg;
	for (int c = 0; c < ADDS; c++)
		atomic_fetch_add(&ops, 1);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("ops: %" PRIu64 "\n", atomic_load(&ops));
	return 0;
}
