/* Counters in small: what must hold on every machine, C library and compiler, and under valgrind. */
#include <pthread.h>
#include <stdlib.h>
#include <tally/tally.h>

#include "expect.h"

TALLY_COUNTER(requests, "requests_total", "Requests served.");
TALLY_UPDOWN(open_now, "connections", "Connections that are open.");
TALLY_GAUGE(loaded, "loaded_seconds", "When it was loaded.");

static tally_counter unnamed;

enum { THREADS = 6, ADDS = 5000 };

static void count(void *arg)
{
	(void)arg;
	for (int i = 0; i < ADDS; i++) {
		tally_counter_inc(&requests);
		tally_counter_add(&unnamed, 3);
		tally_updown_add(&open_now, 2);
		tally_updown_sub(&open_now, 1);
	}
}

static void *count_in_thread(void *arg)
{
	count(arg);
	return NULL;
}

static void check(uint64_t counts)
{
	uint64_t low = 1, high = 0;

	EXPECT(tally_counter_load(&requests) == counts, "named: %llu, not %llu",
	       (unsigned long long)tally_counter_load(&requests), (unsigned long long)counts);
	EXPECT(tally_counter_load(&unnamed) == 3 * counts, "unnamed: %llu",
	       (unsigned long long)tally_counter_load(&unnamed));
	EXPECT(tally_updown_load(&open_now) == (int64_t)counts, "updown: %lld",
	       (long long)tally_updown_load(&open_now));
	tally_counter_bounds(&requests, &low, &high);
	EXPECT(low == counts && high == counts, "bounds: %llu, %llu", (unsigned long long)low,
	       (unsigned long long)high);
}

int main(void)
{
	pthread_t threads[THREADS];
	tally_waitgroup group = {0};

	check(0);
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, count_in_thread, NULL) != 0) {
			perror("pthread_create");
			return 1;
		}
	}
	for (int i = 0; i < THREADS; i++)
		tally_waitgroup_go(&group, count, NULL);
	tally_waitgroup_wait(&group);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check(2 * THREADS * ADDS);

	tally_gauge_set(&loaded, -5);
	tally_gauge_add(&loaded, 7);
	EXPECT(tally_gauge_load(&loaded) == 2, "gauge");

	/* What is given up is counted no more; what comes after starts from 0. */
	tally_counter_destroy(&unnamed);
	for (int round = 0; round < 3; round++) {
		tally_counter fresh = {0};

		EXPECT(tally_counter_load(&fresh) == 0, "a new counter is not at 0");
		tally_counter_add(&fresh, UINT64_MAX);
		tally_counter_add(&fresh, 2);
		EXPECT(tally_counter_load(&fresh) == 1, "does not wrap around");
		tally_counter_destroy(&fresh);
	}
	return finish();
}
