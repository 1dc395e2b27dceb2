/* Two threads on one CPU that do nothing but sched_yield to each other.
 *
 *     yield_pthread THREADS MS SAMPLES          nanoseconds a yield
 */
#include "../common/bench.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { MOST = 100 };

static uint64_t n, each;
static _Atomic uint64_t yields;

static void *yielder(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < each; i++)
		sched_yield();
	atomic_fetch_add(&yields, each);
	return NULL;
}

static struct bench_span body(void *arg, uint64_t times)
{
	pthread_t threads[MOST];
	uint64_t before = atomic_load(&yields);
	struct bench_span start = bench_start(), span;
	(void)arg;

	each = times;
	for (uint64_t i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, yielder, NULL))
			bench_fail("cannot start thread %" PRIu64, i);
	for (uint64_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	span = bench_stop(start);
	bench_check("yields", atomic_load(&yields) - before, times * n);
	return span;
}

int main(int argc, char **argv)
{
	cpu_set_t cpus, one;
	size_t cpu = 0;

	n = bench_argument(argc, argv, 1, 2);
	if (n < 1 || n > MOST)
		bench_fail("1 to %d threads", MOST);
	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		bench_fail("cannot ask for the CPUs");
	while (!CPU_ISSET(cpu, &cpus))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		bench_fail("cannot stay on one CPU");
	bench_measure("yield", "ns", (double)n, body, NULL, bench_argument(argc, argv, 2, 20),
		      bench_argument(argc, argv, 3, 3));
	return 0;
}
