/* A program that stops with tasks in every state, for gdb_test.py: `here` is called when all are in it. */
#include <stdlib.h>
#include <string.h>
#include <tally/tally.h>
#include <unistd.h>

tally_waitgroup gate, other_gate, arrived, all;
static tally_atomic_bool stop;

__attribute__((noinline)) static void deeper(int depth, const char *word)
{
	int local = depth * 10;
	if (depth > 0) {
		deeper(depth - 1, word);
	} else {
		tally_waitgroup_done(&arrived);
		tally_waitgroup_wait(&gate); /* waits here */
	}
	__asm__ volatile("" ::"r"(&local), "r"(word));
}

static void waits_deep(void *arg)
{
	deeper(2, arg); /* calls deeper */
}

static void waits_for_other(void *arg, size_t index)
{
	size_t mine = index + 100;
	(void)arg;
	tally_waitgroup_done(&arrived);
	tally_waitgroup_wait(&other_gate); /* waits for the other */
	__asm__ volatile("" ::"r"(&mine));
}

static void yields(void *arg)
{
	(void)arg;
	tally_waitgroup_done(&arrived);
	while (!tally_atomic_bool_load(&stop))
		tally_yield(); /* yields here */
}

static void never_starts(void *arg)
{
	(void)arg;
}

__attribute__((noinline)) void here(void)
{
	__asm__ volatile("" ::: "memory");
}

static int count(const char *text, const char *word)
{
	int found = 0;
	while ((text = strstr(text, word)) != NULL) {
		text++;
		found++;
	}
	return found;
}

/* Whether main and the others are in their states; threads may take their time to get there. */
static int settled(void)
{
	static char text[8192];
	int ends[2];
	if (pipe(ends) != 0)
		abort();
	tally_dump_tasks(ends[1]);
	ssize_t length = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	close(ends[1]);
	text[length > 0 ? length : 0] = '\0';
	return count(text, "plain thread waits") == 1 && count(text, ") waits for") == 5 &&
	       count(text, "has yielded") == 1 && count(text, " runs") == 1;
}

static void runs(void *arg)
{
	(void)arg;
	while (tally_waitgroup_wait_until(&arrived, 0) != 0 || !settled())
		tally_yield();
	for (int i = 0; i < 5; i++)
		tally_waitgroup_go(&all, never_starts, NULL);
	tally_waitgroup_go_n(&all, 7, waits_for_other, NULL);
	here(); /* all are in their states */
	tally_atomic_bool_store(&stop, true);
	tally_waitgroup_add(&arrived, 7);
	tally_waitgroup_done(&gate);
	tally_waitgroup_done(&other_gate);
}

int main(void)
{
	tally_set_workers(1);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_add(&other_gate, 1);
	tally_waitgroup_add(&arrived, 6);
	tally_waitgroup_go(&all, runs, NULL);
	tally_waitgroup_go(&all, yields, NULL);
	tally_waitgroup_go_n(&all, 3, waits_for_other, NULL);
	tally_waitgroup_go(&all, waits_deep, "one");
	tally_waitgroup_go(&all, waits_deep, "two");
	tally_waitgroup_wait(&all); /* main waits */
	return 0;
}
