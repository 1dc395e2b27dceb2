/* The benchmark of a kind of counter, for the file that includes it to fill in:
 *
 *     bench_counter                      the type; a static array of them is ready for use
 *     bench_add(bench_counter *)         adds 1
 *     bench_read(bench_counter *)        the value, as uint64_t
 *
 *     PROGRAM add THREADS COUNTERS MS SAMPLES     each thread adds 1 to one counter, or at random
 *     PROGRAM read SLOTS COUNTERS MS SAMPLES      all counters, in turn, after SLOTS threads, all still
 *                                                 alive, have each added 1 to every counter
 *     PROGRAM memory COUNTERS                     what the counters take once two threads have used them
 */
#include "bench.h"
#include <pthread.h>

enum { BENCH_COUNTERS = 10000, BENCH_THREADS = 1024 };

static bench_counter bench_counters[BENCH_COUNTERS];
static uint64_t bench_n;       /* how many of the counters are used */
static uint64_t bench_total;   /* what all of them together must hold */
static uint64_t bench_threads; /* how many threads add */

static void bench_add_times(uint64_t times, uint64_t seed)
{
	if (bench_n == 1) {
		for (uint64_t i = 0; i < times; i++)
			bench_add(&bench_counters[0]);
		return;
	}
	/* A multiplicative generator: one multiplication, and its upper bits are good. */
	uint64_t x = seed * 2 + 1;
	for (uint64_t i = 0; i < times; i++) {
		x *= UINT64_C(0xd1342543de82ef95);
		bench_add(&bench_counters[(x >> 32) * bench_n >> 32]);
	}
}

static void bench_check_total(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < bench_n; i++)
		sum += bench_read(&bench_counters[i]);
	bench_check("sum of the counters", sum, bench_total);
}

struct bench_thread {
	pthread_t id;
	pthread_barrier_t *start;
	uint64_t times, seed;
};

static void *bench_thread_adds(void *arg)
{
	struct bench_thread *thread = (struct bench_thread *)arg;

	pthread_barrier_wait(thread->start);
	bench_add_times(thread->times, thread->seed);
	return NULL;
}

static struct bench_span bench_add_body(void *arg, uint64_t times)
{
	static struct bench_thread threads[BENCH_THREADS];
	struct bench_span span;
	(void)arg;

	if (bench_threads == 1) {
		struct bench_span start = bench_start();
		bench_add_times(times, 1);
		span = bench_stop(start);
	} else {
		pthread_barrier_t barrier;
		pthread_barrier_init(&barrier, NULL, (unsigned)bench_threads + 1);
		for (uint64_t i = 0; i < bench_threads; i++) {
			threads[i].start = &barrier;
			threads[i].times = times;
			threads[i].seed = i + 1;
			if (pthread_create(&threads[i].id, NULL, bench_thread_adds, &threads[i]))
				bench_fail("cannot start thread %" PRIu64, i);
		}
		struct bench_span start = bench_start();
		pthread_barrier_wait(&barrier);
		for (uint64_t i = 0; i < bench_threads; i++)
			pthread_join(threads[i].id, NULL);
		span = bench_stop(start);
		pthread_barrier_destroy(&barrier);
	}
	bench_total += times * bench_threads;
	bench_check_total();
	return span;
}

static struct bench_span bench_read_body(void *arg, uint64_t times)
{
	uint64_t sum = 0;
	struct bench_span start = bench_start(), span;
	(void)arg;

	for (uint64_t i = 0; i < times; i++)
		for (uint64_t j = 0; j < bench_n; j++)
			sum += bench_read(&bench_counters[j]);
	span = bench_stop(start);
	bench_check("sum of what was read", sum, times * bench_total);
	return span;
}

static void *bench_thread_adds_all(void *arg)
{
	pthread_barrier_t *barrier = (pthread_barrier_t *)arg;

	for (uint64_t i = 0; i < bench_n; i++)
		bench_add(&bench_counters[i]);
	pthread_barrier_wait(barrier); /* all have added */
	pthread_barrier_wait(barrier); /* all has been measured */
	return NULL;
}

/* Has `slots` threads add 1 to every counter, calls `measure` while they are alive, ends them. */
static void bench_with_slots(uint64_t slots, void (*measure)(void *), void *arg)
{
	static pthread_t threads[BENCH_THREADS];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, (unsigned)slots + 1);
	for (uint64_t i = 0; i < slots; i++)
		if (pthread_create(&threads[i], NULL, bench_thread_adds_all, &barrier))
			bench_fail("cannot start thread %" PRIu64, i);
	pthread_barrier_wait(&barrier);
	bench_total += slots * bench_n;
	measure(arg);
	pthread_barrier_wait(&barrier);
	for (uint64_t i = 0; i < slots; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

struct bench_reading {
	uint64_t ms, samples;
};

static void bench_measure_read(void *arg)
{
	struct bench_reading *reading = (struct bench_reading *)arg;

	/* One counter: nanoseconds a read. Many: microseconds for all of them. */
	bench_measure("read", bench_n == 1 ? "ns" : "us", bench_n == 1 ? 1 : 1000, bench_read_body, NULL,
		      reading->ms, reading->samples);
}

static void bench_measure_memory(void *arg)
{
	int64_t *memory = (int64_t *)arg;

	*memory = bench_memory();
}

static uint64_t bench_bounded(uint64_t value, uint64_t most)
{
	if (value < 1 || value > most)
		bench_fail("%" PRIu64 " is not in 1..%" PRIu64, value, most);
	return value;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "add";
	struct bench_reading reading;

	if (!strcmp(mode, "memory")) {
		int64_t before, after;
		uint64_t n = bench_bounded(bench_argument(argc, argv, 2, BENCH_COUNTERS), BENCH_COUNTERS);
		bench_n = 1;
		bench_memory(); /* so that what it reads with is in memory already */
		/* What the process pays once, for its first counter and its first threads, is not counted. */
		bench_with_slots(2, bench_measure_memory, &before);
		bench_total = 0;
		bench_n = n;
		bench_with_slots(2, bench_measure_memory, &after);
		bench_total += 2;
		bench_check_total();
		printf("memory %.1f B\n", (double)(after - before) / (double)bench_n);
		return 0;
	}
	uint64_t threads = bench_bounded(bench_argument(argc, argv, 2, 1), BENCH_THREADS);
	bench_n = bench_bounded(bench_argument(argc, argv, 3, 1), BENCH_COUNTERS);
	reading.ms = bench_argument(argc, argv, 4, 20);
	reading.samples = bench_argument(argc, argv, 5, 3);
	if (!strcmp(mode, "read")) {
		bench_with_slots(threads, bench_measure_read, &reading);
	} else if (!strcmp(mode, "add")) {
		bench_threads = threads;
		bench_measure("add", "ns", (double)threads, bench_add_body, NULL, reading.ms, reading.samples);
	} else {
		bench_fail("%s: no such benchmark", mode);
	}
	return 0;
}
