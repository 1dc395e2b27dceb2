/* Skynet with OpenMP tasks: skynet.c of tally, with taskwait where that has a wait group.
 *
 *     skynet_openmp LEAVES MS SAMPLES          milliseconds for all
 */
#include "../common/bench.h"

static uint64_t leaves;

static uint64_t run(uint64_t first, uint64_t size)
{
	uint64_t sums[10], sum = 0;

	if (size == 1)
		return first;
	for (uint64_t i = 0; i < 10; i++) {
#pragma omp task shared(sums) firstprivate(i)
		sums[i] = run(first + i * (size / 10), size / 10);
	}
#pragma omp taskwait
	for (int i = 0; i < 10; i++)
		sum += sums[i];
	return sum;
}

static struct bench_span body(void *arg, uint64_t times)
{
	struct bench_span span = {0, 0};
	(void)arg;

#pragma omp parallel shared(span)
#pragma omp single
	{
		struct bench_span start = bench_start();
		for (uint64_t t = 0; t < times; t++)
			bench_check("sum of the leaves", run(0, leaves), leaves * (leaves - 1) / 2);
		span = bench_stop(start);
	}
	return span;
}

int main(int argc, char **argv)
{
	leaves = bench_argument(argc, argv, 1, 1000000);
	bench_measure("skynet", "ms", 1e6, body, NULL, bench_argument(argc, argv, 2, 20),
		      bench_argument(argc, argv, 3, 3));
	return 0;
}
