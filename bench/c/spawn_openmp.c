/* Starts N OpenMP tasks that each add 1 to one atomic, and waits for them. OMP_NUM_THREADS is the number of
 * threads. libgomp runs a task at once, in its parent, when there is one thread or 64 tasks a thread wait.
 *
 *     spawn_openmp N MS SAMPLES          nanoseconds a task
 */
#include "../common/bench.h"
#include <stdatomic.h>

static _Atomic uint64_t ran;
static uint64_t n, want;

static struct bench_span body(void *arg, uint64_t times)
{
	struct bench_span span = {0, 0};
	(void)arg;

#pragma omp parallel shared(span)
#pragma omp single
	{
		struct bench_span start = bench_start();
		for (uint64_t t = 0; t < times; t++) {
			for (uint64_t i = 0; i < n; i++) {
#pragma omp task
				atomic_fetch_add(&ran, 1);
			}
#pragma omp taskwait
		}
		span = bench_stop(start);
	}
	want += times * n;
	bench_check("tasks that ran", atomic_load(&ran), want);
	return span;
}

int main(int argc, char **argv)
{
	n = bench_argument(argc, argv, 1, 50);
	bench_measure("spawn", "ns", (double)n, body, NULL, bench_argument(argc, argv, 2, 20),
		      bench_argument(argc, argv, 3, 3));
	return 0;
}
