/* test/include/places.h - where a workload is run: with 1, 2 and 8 workers, and on a single CPU. */
#ifndef TALLY_TEST_PLACES_H_
#define TALLY_TEST_PLACES_H_

#include "child.h"

#include <sched.h>
#include <tally/task.h>

struct place {
	int workers; /* 0: the default */
	bool one_cpu;
};

static const struct place places[] = {{1, false}, {2, false}, {8, false}, {0, true}, {8, true}};

#define PLACES (sizeof(places) / sizeof(places[0]))

/* The calling thread, and those that it starts, stay on the CPU that it is on. */
static inline void stay_on_one_cpu(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	CHECK_EQUAL(sched_setaffinity(0, sizeof(one), &one), 0);
}

static inline void go_to_place(const void *given)
{
	const struct place *place = given;
	if (place->one_cpu)
		stay_on_one_cpu();
	if (place->workers != 0)
		tally_set_workers(place->workers);
	else if (place->one_cpu && getenv("TALLY_WORKERS") == NULL)
		CHECK_EQUAL(tally_set_workers(0), 1);
}

/* body calls go_to_place with its argument first of all. */
static inline void assert_passes_everywhere(void (*body)(void *))
{
	for (size_t i = 0; i < PLACES; i++)
		assert_passes(body, (void *)(uintptr_t)&places[i]);
}

#endif
