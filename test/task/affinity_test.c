/* CPUs that come and go under a workload, one CPU, and the lowest priorities: all is counted, nobody hangs. */
#include "places.h"

#include <errno.h>
#include <pthread.h>
#include <tally/waitgroup.h>

static tally_atomic_u64 total;
static tally_atomic_bool stop;

static void leaf(void *arg, size_t index)
{
	(void)arg;
	if (index % 4 == 0)
		tally_yield();
	tally_atomic_u64_add(&total, 1);
}

static void branch(void *arg, size_t index)
{
	(void)arg;
	tally_waitgroup own = {0}, never = {0};
	tally_waitgroup_go_n(&own, 20, leaf, NULL);
	if (index % 16 == 0) {
		tally_waitgroup_add(&never, 1);
		CHECK_EQUAL(tally_waitgroup_wait_until(&never, now() + 50000), -ETIMEDOUT);
	}
	tally_waitgroup_wait(&own);
	tally_atomic_u64_add(&total, 1);
}

static void work(size_t rounds)
{
	tally_waitgroup group = {0};
	uint64_t wanted = 0;
	int64_t end = soak_end();
	for (size_t round = 0; round < rounds || now() < end; round++) {
		tally_waitgroup_go_n(&group, 100, branch, NULL);
		tally_waitgroup_wait(&group);
		wanted += 100 * 21;
		CHECK_EQUAL(tally_atomic_u64_load(&total), wanted);
	}
}

/* --- masks that change --- */

/* Threads of the process, to be moved about. The library's are among them. */
static void *change_masks(void *arg)
{
	cpu_set_t all;
	unsigned seed = 1;
	(void)arg;
	CHECK_EQUAL(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!tally_atomic_bool_load(&stop)) {
		cpu_set_t some;
		CPU_ZERO(&some);
		seed = seed * 1664525 + 1013904223;
		/* One of the CPUs, or all. */
		size_t skip = (seed >> 16) % (unsigned)CPU_COUNT(&all);
		for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &all) && skip-- == 0)
				CPU_SET(cpu, &some);
		/* Thread numbers near ours: those that are not of this process are of nobody we may touch. */
		for (pid_t thread = getpid(); thread < getpid() + 16; thread++) {
			char name[64];
			snprintf(name, sizeof(name), "/proc/self/task/%d", thread);
			if (access(name, F_OK) == 0)
				(void)sched_setaffinity(thread, sizeof(some),
							(seed >> 24) % 4 == 0 ? &all : &some);
		}
		pause_for(50000);
	}
	return NULL;
}

static void under_changing_masks(void *arg)
{
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, change_masks, NULL), 0);
	go_to_place(arg);
	work(20);
	tally_atomic_bool_store(&stop, true);
	pthread_join(thread, NULL);
}

static void masks_may_change_at_any_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_passes(under_changing_masks, (void *)(uintptr_t)&places[i]);
}

/* --- one CPU, and nothing left for us on it --- */

static void on_one_cpu(void *arg)
{
	go_to_place(arg);
	work(50);
}

static void one_cpu_is_enough(void **state)
{
	(void)state;
	assert_passes_everywhere(on_one_cpu);
}

static void with_the_lowest_priority(void *arg)
{
	struct sched_param none = {0};
	stay_on_one_cpu();
	CHECK_EQUAL(sched_setscheduler(0, SCHED_IDLE, &none), 0);
	go_to_place(arg);
	work(1);
}

static void the_lowest_priority_is_enough(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_passes(with_the_lowest_priority, (void *)(uintptr_t)&places[i]);
}

/* Workers of the lowest priority beside a main that never sleeps: they hold locks, and must not be waited for
 * by spinning for ever. */
static void make_idle(void *arg)
{
	struct sched_param none = {0};
	(void)arg;
	/* The calling thread alone: a worker. */
	CHECK_EQUAL(sched_setscheduler(0, SCHED_IDLE, &none), 0);
	tally_atomic_u64_add(&total, 1);
	while (!tally_atomic_bool_load(&stop))
		sched_yield();
}

static void beside_workers_of_lowest_priority(void *arg)
{
	tally_waitgroup group = {0};
	(void)arg;
	stay_on_one_cpu();
	tally_set_workers(3);
	for (int i = 0; i < 2; i++)
		tally_waitgroup_go(&group, make_idle, NULL);
	while (tally_atomic_u64_load(&total) < 2)
		pause_for(100000);
	tally_atomic_bool_store(&stop, true);
	while (tally_waitgroup_wait_until(&group, now() + 1000000000) != 0) {
	}
	tally_atomic_u64_store(&total, 0);
	work(2);
}

static void workers_may_have_the_lowest_priority(void **state)
{
	(void)state;
	assert_passes(beside_workers_of_lowest_priority, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_may_change_at_any_time),
		cmocka_unit_test(one_cpu_is_enough),
		cmocka_unit_test(the_lowest_priority_is_enough),
		cmocka_unit_test(workers_may_have_the_lowest_priority),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
