/* The text of 10,000 counters of another process, each with a name of its own, as `tally cat` writes it.
 *
 *     scrape_text MS SAMPLES          microseconds to read all and to write the text
 */
#include "../common/bench.h"
#include <signal.h>
#include <sys/wait.h>
#include <tally/tally.h>
#include <unistd.h>

/* Four digits are appended to the last argument of each(). */
#define TEN(each, n)                                                                                           \
	each(n##0) each(n##1) each(n##2) each(n##3) each(n##4) each(n##5) each(n##6) each(n##7) each(n##8)     \
		each(n##9)
#define HUNDRED(each, n)                                                                                       \
	TEN(each, n##0)                                                                                        \
	TEN(each, n##1)                                                                                        \
	TEN(each, n##2)                                                                                        \
	TEN(each, n##3)                                                                                        \
	TEN(each, n##4)                                                                                        \
	TEN(each, n##5)                                                                                        \
	TEN(each, n##6)                                                                                        \
	TEN(each, n##7)                                                                                        \
	TEN(each, n##8)                                                                                        \
	TEN(each, n##9)
#define THOUSAND(each, n)                                                                                      \
	HUNDRED(each, n##0)                                                                                    \
	HUNDRED(each, n##1)                                                                                    \
	HUNDRED(each, n##2)                                                                                    \
	HUNDRED(each, n##3)                                                                                    \
	HUNDRED(each, n##4)                                                                                    \
	HUNDRED(each, n##5)                                                                                    \
	HUNDRED(each, n##6)                                                                                    \
	HUNDRED(each, n##7)                                                                                    \
	HUNDRED(each, n##8)                                                                                    \
	HUNDRED(each, n##9)
#define ALL(each)                                                                                              \
	THOUSAND(each, 0)                                                                                      \
	THOUSAND(each, 1)                                                                                      \
	THOUSAND(each, 2)                                                                                      \
	THOUSAND(each, 3)                                                                                      \
	THOUSAND(each, 4)                                                                                      \
	THOUSAND(each, 5)                                                                                      \
	THOUSAND(each, 6)                                                                                      \
	THOUSAND(each, 7)                                                                                      \
	THOUSAND(each, 8)                                                                                      \
	THOUSAND(each, 9)

#define DEFINE(n) static TALLY_COUNTER(counter_##n, "bench_" #n "_total", "Counted.");
ALL(DEFINE)

#define ADDRESS(n) &counter_##n,
static tally_counter *const counters[] = {ALL(ADDRESS)};
enum { COUNTERS = sizeof(counters) / sizeof(counters[0]) };

static struct bench_span body(void *arg, uint64_t times)
{
	tally_view *view = arg;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct bench_span start = bench_start(), span;

	for (uint64_t t = 0; t < times; t++) {
		int error = tally_view_read(view);
		rewind(out);
		if (error == 0)
			error = tally_view_print(view, TALLY_VIEW_PROMETHEUS, out);
		if (error != 0)
			bench_fail("%s", tally_view_error(error));
		fflush(out);
	}
	span = bench_stop(start);
	for (int i = 0; i < COUNTERS; i++) {
		char line[64];
		snprintf(line, sizeof(line), "\nbench_%04d_total 1\n", i);
		if (i % 1111 == 0 && !strstr(text, line))
			bench_fail("the text lacks %s", line);
	}
	fclose(out);
	free(text);
	return span;
}

int main(int argc, char **argv)
{
	tally_view *view;
	int ready[2];
	char byte;

	if (pipe(ready))
		bench_fail("no pipe");
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < COUNTERS; i++)
			tally_counter_inc(counters[i]);
		close(ready[0]);
		close(ready[1]);
		pause();
	}
	close(ready[1]);
	if (child < 0 || read(ready[0], &byte, 1) != 0)
		bench_fail("cannot start a process that counts");
	int error = tally_view_open_pid(child, &view);
	if (error != 0)
		bench_fail("%s", tally_view_error(error));
	bench_measure("text", "us", 1000, body, view, bench_argument(argc, argv, 1, 20),
		      bench_argument(argc, argv, 2, 3));
	tally_view_close(view);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
