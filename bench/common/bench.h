/* What the benchmark programs share: clocks, memory, and the protocol in which they answer.
 *
 * A program prints one line a sample, `NAME VALUE UNIT [cpu_over_wall=X]`, and exits with 0. What it has
 * counted it checks; a wrong total ends it with 1 and the reason on standard error. Its last two arguments
 * are how long a sample should last, in milliseconds, and how many samples to take. */
#ifndef BENCH_H_
#define BENCH_H_

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Wall-clock time and the CPU time of all threads, both in nanoseconds. */
struct bench_span {
	int64_t wall, cpu;
};

static inline int64_t bench_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline struct bench_span bench_start(void)
{
	struct bench_span start;

	start.cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
	start.wall = bench_clock(CLOCK_MONOTONIC);
	return start;
}

static inline struct bench_span bench_stop(struct bench_span start)
{
	struct bench_span span;

	span.wall = bench_clock(CLOCK_MONOTONIC) - start.wall;
	span.cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID) - start.cpu;
	return span;
}

__attribute__((format(printf, 1, 2), noreturn)) static inline void bench_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static inline void bench_check(const char *what, uint64_t have, uint64_t want)
{
	if (have != want)
		bench_fail("%s: %" PRIu64 " instead of %" PRIu64, what, have, want);
}

/* The value of argument i, a number, or `otherwise` if there are not that many arguments. */
static inline uint64_t bench_argument(int argc, char **argv, int i, uint64_t otherwise)
{
	char *end = NULL;
	uint64_t value;

	if (i >= argc)
		return otherwise;
	value = strtoull(argv[i], &end, 10);
	if (end == argv[i] || *end)
		bench_fail("argument %d is not a number: %s", i, argv[i]);
	return value;
}

/* The sum of what the lines of a file of /proc say that begin with `key`, in bytes. */
static inline int64_t bench_proc(const char *path, const char *key)
{
	char line[256];
	int64_t kib, total = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		bench_fail("cannot read %s", path);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)) && sscanf(line + strlen(key), "%" SCNd64, &kib) == 1)
			total += kib * 1024;
	fclose(file);
	return total;
}

/* The memory of this process in bytes: resident pages and the page tables that map them. VmRSS of status is
 * not used, since the kernel rounds it by what each CPU has not reported yet. */
static inline int64_t bench_memory(void)
{
	return bench_proc("/proc/self/smaps_rollup", "Rss:") + bench_proc("/proc/self/status", "VmPTE:");
}

/* Does the thing to be measured `times` times and says how long that took, without what prepares it. */
typedef struct bench_span bench_body(void *arg, uint64_t times);

/* Finds how many times fill a sample of `ms` milliseconds, which also warms up, then prints `samples`
 * samples of `unit`: nanoseconds of wall-clock time divided by `per` and by the number of times. */
static inline void bench_measure(const char *name, const char *unit, double per, bench_body *body, void *arg,
				 uint64_t ms, uint64_t samples)
{
	double goal = (double)ms * 1e6;
	uint64_t times = 1;

	for (;;) {
		struct bench_span span = body(arg, times);
		double factor = goal / (double)(span.wall > 0 ? span.wall : 1);

		if (factor < 1.5) {
			times = (uint64_t)((double)times * factor) + 1;
			break;
		}
		times = (uint64_t)((double)times * (factor < 10 ? factor : 10)) + 1;
	}
	for (uint64_t i = 0; i < samples; i++) {
		struct bench_span span = body(arg, times);

		printf("%s %.4f %s cpu_over_wall=%.3f\n", name, (double)span.wall / (double)times / per, unit,
		       (double)span.cpu / (double)(span.wall > 0 ? span.wall : 1));
		fflush(stdout);
	}
}

#endif
