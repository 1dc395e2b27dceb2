/* How many CPUs there are for us, and the asymmetric barrier. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <tally/atomic.h>

#include "platform/cpus.h"
#include "platform/linux/cgroup.h"

#include "child.h"

static void affinity_of_this_thread_is_counted(void **state)
{
	cpu_set_t mask;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(mask), &mask), 0);
	errno = 77;
	assert_int_equal(tally__cpus_in_affinity(1024), CPU_COUNT(&mask));
	assert_int_equal(errno, 77);
}

/* The kernel refuses masks that are no multiple of a word, or shorter than its own; so they grow. On one CPU
 * only, since the count of all would also do where no mask could be had. */
static void ask_with_small_masks(void *arg)
{
	cpu_set_t mask;
	size_t cpu = 0;

	(void)arg;
	CHILD_EXPECT(sched_getaffinity(0, sizeof(mask), &mask) == 0);
	while (!CPU_ISSET(cpu, &mask))
		cpu++;
	CPU_ZERO(&mask);
	CPU_SET(cpu, &mask);
	CHILD_EXPECT(sched_setaffinity(0, sizeof(mask), &mask) == 0);
	for (size_t bytes = 1; bytes <= 1 << 16; bytes *= 2)
		CHILD_EXPECT(tally__cpus_in_affinity(bytes) == 1);
}

static void masks_grow_until_the_kernel_takes_them(void **state)
{
	struct child child = child_run(ask_with_small_masks, NULL);

	(void)state;
	child_expect_well(&child);
}

static void usable_cpus_are_within_affinity_and_quota(void **state)
{
	int affinity = tally__cpus_in_affinity(1024), quota = tally__cgroup_cpus("");
	int usable;

	(void)state;
	errno = 77;
	usable = tally__cpus_usable();
	assert_int_equal(errno, 77);
	assert_int_equal(usable, quota != 0 && quota < affinity ? quota : affinity);
	assert_true(usable >= 1);
}

static void narrow_to_one(void *arg)
{
	cpu_set_t before, mask;

	(void)arg;
	CHILD_EXPECT(sched_getaffinity(0, sizeof(before), &before) == 0);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &before))
			continue;
		CPU_ZERO(&mask);
		CPU_SET(cpu, &mask);
		CHILD_EXPECT(sched_setaffinity(0, sizeof(mask), &mask) == 0);
		CHILD_EXPECT(tally__cpus_usable() == 1);
		CHILD_EXPECT(tally__cpus_in_affinity(1024) == 1);
		CHILD_EXPECT(sched_setaffinity(0, sizeof(before), &before) == 0);
		CHILD_EXPECT(tally__cpus_in_affinity(1024) == CPU_COUNT(&before));
	}
}

static void a_changed_affinity_is_seen(void **state)
{
	struct child child = child_run(narrow_to_one, NULL);

	(void)state;
	child_expect_well(&child);
}

static void forbid_to_ask(void *arg)
{
	(void)arg;
	refuse(SYS_sched_getaffinity, EPERM, -1, 0);
	errno = 77;
	CHILD_EXPECT(tally__cpus_in_affinity(1024) >= 1);
	CHILD_EXPECT(tally__cpus_usable() >= 1);
	CHILD_EXPECT(errno == 77);
}

static void who_may_not_ask_has_a_cpu_too(void **state)
{
	struct child child = child_run(forbid_to_ask, NULL);

	(void)state;
	child_expect_well(&child);
}

static void *start_barrier(void *arg)
{
	(void)arg;
	tally__heavy_barrier_start();
	return (void *)(uintptr_t)(tally__heavy_barrier_ready() ? 1 : 2);
}

static void start_in_threads(void *arg)
{
	pthread_t threads[8];
	void *answer, *first = NULL;

	(void)arg;
	CHILD_EXPECT(!tally__heavy_barrier_ready());
	for (int i = 0; i < 8; i++)
		CHILD_EXPECT(pthread_create(&threads[i], NULL, start_barrier, NULL) == 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &answer);
		CHILD_EXPECT(!first || answer == first);
		first = answer;
	}
	errno = 77;
	tally__heavy_barrier_start();
	CHILD_EXPECT(start_barrier(NULL) == first);
	tally__heavy_barrier();
	CHILD_EXPECT(errno == 77);
}

static void the_barrier_gives_every_thread_one_answer(void **state)
{
	struct child child = child_run(start_in_threads, NULL);

	(void)state;
	child_expect_well(&child);
}

static void ready_as_the_kernel_says(void *arg)
{
	long commands = syscall(SYS_membarrier, 0 /* QUERY */, 0, 0);

	(void)arg;
	tally__heavy_barrier_start();
	CHILD_EXPECT(tally__heavy_barrier_ready() == (commands > 0 && (commands & 1 << 3)));
}

static void the_barrier_is_ready_where_the_kernel_has_it(void **state)
{
	struct child child = child_run(ready_as_the_kernel_says, NULL);

	(void)state;
	child_expect_well(&child);
}

static void start_refused(void *arg)
{
	const int *command = arg;

	refuse(SYS_membarrier, EPERM, 1 - 1, (uint32_t)*command);
	errno = 77;
	tally__heavy_barrier_start();
	CHILD_EXPECT(!tally__heavy_barrier_ready());
	tally__heavy_barrier();
	CHILD_EXPECT(!tally__heavy_barrier_ready());
	CHILD_EXPECT(errno == 77);
}

static void a_refused_barrier_is_not_ready(void **state)
{
	const int commands[] = {1 << 3, 1 << 4}; /* use, register */

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct child child = child_run(start_refused, (void *)(uintptr_t)&commands[i]);

		child_expect_well(&child);
	}
}

static void take_back(void *arg)
{
	(void)arg;
	tally__heavy_barrier_start();
	if (!tally__heavy_barrier_ready())
		_exit(77);
	refuse(SYS_membarrier, EPERM, -1, 0);
	tally__heavy_barrier();
}

static void a_barrier_taken_back_ends_the_program(void **state)
{
	struct child child = child_run(take_back, NULL);

	(void)state;
	if (child.exit == 77)
		skip();
	assert_int_equal(child.signal, SIGABRT);
	assert_string_equal(child.text, "tally: the system takes back its memory barrier: error 1\n");
}

/* A child process is not what was registered. */
static void the_barrier_works_after_fork(void **state)
{
	struct child child;

	(void)state;
	tally__heavy_barrier_start();
	child = child_run((void (*)(void *))(uintptr_t)tally__heavy_barrier, NULL);
	child_expect_well(&child);
}

/* Store, then load, on two CPUs at once: one of the two must see the other's store. The light side has no
 * barrier at all. Both wait for each other before a round, and the one starts a little later than the other, by
 * a different time each round. */
enum { ROUNDS = 4000 };
struct side {
	struct {
		tally_atomic_u32 flag __attribute__((aligned(64)));
	} round[ROUNDS];
	tally_atomic_u32 arrived __attribute__((aligned(128)));
	int cpu;
	uint32_t saw[ROUNDS];
};
static struct side light, heavy;

static void play(struct side *mine, struct side *other, bool with_barrier)
{
	cpu_set_t mask;

	/* Left alone, the system may run both on one CPU in turn. */
	CPU_ZERO(&mask);
	CPU_SET((size_t)mine->cpu, &mask);
	CHILD_EXPECT(sched_setaffinity(0, sizeof(mask), &mask) == 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		tally_atomic_u32_store(&mine->arrived, i + 1);
		for (uint32_t spins = 0; tally_atomic_u32_load_relaxed(&other->arrived) <= i; spins++) {
			if (spins > 10000)
				sched_yield();
		}
		for (uint32_t wait = with_barrier ? i % 64 : 32; wait > 0; wait--)
			__asm__("" ::: "memory");
		tally_atomic_u32_store_relaxed(&mine->round[i].flag, 1);
		if (with_barrier)
			tally__heavy_barrier();
		mine->saw[i] = tally_atomic_u32_load_relaxed(&other->round[i].flag);
	}
}

static void *light_side(void *arg)
{
	(void)arg;
	play(&light, &heavy, false);
	return NULL;
}

static void play_both(void *arg)
{
	pthread_t thread;
	uint32_t both_missed = 0;

	(void)arg;
	/* No page fault shall come between. */
	memset(light.round, 0, sizeof(light.round));
	memset(heavy.round, 0, sizeof(heavy.round));
	tally__heavy_barrier_start();
	CHILD_EXPECT(pthread_create(&thread, NULL, light_side, NULL) == 0);
	play(&heavy, &light, true);
	pthread_join(thread, NULL);
	for (uint32_t i = 0; i < ROUNDS; i++)
		both_missed += heavy.saw[i] == 0 && light.saw[i] == 0;
	CHILD_EXPECT(both_missed == 0);
}

static void a_store_and_a_load_need_no_barrier_on_the_light_side(void **state)
{
	cpu_set_t mask;
	struct child child;

	(void)state;
	tally__heavy_barrier_start();
	assert_int_equal(sched_getaffinity(0, sizeof(mask), &mask), 0);
	if (!tally__heavy_barrier_ready() || CPU_COUNT(&mask) < 2)
		skip();
	while (!CPU_ISSET((size_t)light.cpu, &mask))
		light.cpu++;
	heavy.cpu = light.cpu + 1;
	while (!CPU_ISSET((size_t)heavy.cpu, &mask))
		heavy.cpu++;
	child = child_run(play_both, NULL);
	child_expect_well(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(affinity_of_this_thread_is_counted),
		cmocka_unit_test(masks_grow_until_the_kernel_takes_them),
		cmocka_unit_test(usable_cpus_are_within_affinity_and_quota),
		cmocka_unit_test(a_changed_affinity_is_seen),
		cmocka_unit_test(who_may_not_ask_has_a_cpu_too),
		cmocka_unit_test(the_barrier_gives_every_thread_one_answer),
		cmocka_unit_test(the_barrier_is_ready_where_the_kernel_has_it),
		cmocka_unit_test(a_refused_barrier_is_not_ready),
		cmocka_unit_test(a_barrier_taken_back_ends_the_program),
		cmocka_unit_test(the_barrier_works_after_fork),
		cmocka_unit_test(a_store_and_a_load_need_no_barrier_on_the_light_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
