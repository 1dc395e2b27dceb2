/* Regions in small, on every machine and C library: a file that outlives who counted in it, forks, threads that
 * come and go, and a reader of the file. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tally/tally.h>
#include <unistd.h>

#include "expect.h"

TALLY_COUNTER(served, "served_total", "Served.");
TALLY_COUNTER(idle, "idle", "Never counted.");
TALLY_UPDOWN(open_now, "open_now", "Open.");
TALLY_GAUGE(level, "level", "A level.");

enum { THREADS = 40, EACH = 100 };

static char path[64];

static void *count(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		tally_counter_inc(&served);
		tally_updown_add(&open_now, 1);
		tally_updown_sub(&open_now, 1);
	}
	return arg;
}

/* Counts in the file, by one thread after the other, and in a child of its own; then dies. */
static void count_and_die(void)
{
	int status = 1;
	pid_t pid;

	if (tally_region_open(path) != 0)
		_exit(1);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, count, NULL) != 0 || pthread_join(thread, NULL) != 0)
			_exit(2);
	}
	pid = fork();
	if (pid == 0) {
		count(NULL);
		tally_gauge_set(&level, -7);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		_exit(3);
	tally_updown_sub(&open_now, 1);
	kill(getpid(), SIGKILL);
}

static void expect_metric(const tally_view *view, const char *name, uint64_t total, int64_t value)
{
	const tally_view_metric *metric;
	size_t i = 0;

	while ((metric = tally_view_get(view, i)) != NULL && strcmp(metric->name, name) != 0)
		i++;
	EXPECT(metric != NULL, "%s is not there", name);
	if (metric != NULL) {
		EXPECT(metric->total == total, "%s: %llu", name, (unsigned long long)metric->total);
		EXPECT(metric->value == value, "%s: %lld", name, (long long)metric->value);
	}
}

static void look(int deaths)
{
	tally_view *view;
	int error = tally_view_open_path(path, &view);

	EXPECT(error == 0, "%s", tally_view_error(error));
	if (error != 0)
		return;
	expect_metric(view, "served_total", (uint64_t)deaths * (THREADS + 1) * EACH, 0);
	expect_metric(view, "idle_total", 0, 0);
	expect_metric(view, "open_now", 0, -deaths);
	expect_metric(view, "level", 0, -7);
	tally_view_close(view);
}

int main(void)
{
	char folder[] = "/tmp/tally-regions-XXXXXX";

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/region", folder);
	for (int deaths = 1; deaths <= 3; deaths++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			count_and_die();
			_exit(4);
		}
		EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid, "no child");
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", (unsigned)status);
		look(deaths);
	}
	/* This process has counted nothing. */
	EXPECT(tally_counter_load(&served) == 0, "%llu", (unsigned long long)tally_counter_load(&served));
	unlink(path);
	rmdir(folder);
	return finish();
}
