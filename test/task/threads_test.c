/* Ten thousand plain threads spawn at once. All tasks are counted. */
#include "places.h"

#include <pthread.h>
#include <tally/waitgroup.h>

static tally_waitgroup group;
static tally_atomic_u64 total;

static void count_one(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&total, 1);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool may_start; /* under mutex */

/* Every other one waits for its tasks; the others leave them. */
static void *spawn(void *arg)
{
	tally_waitgroup own = {0};
	pthread_mutex_lock(&mutex);
	while (!may_start)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	bool waits = (uintptr_t)arg % 2 == 0;
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(waits ? &own : &group, count_one, NULL);
	tally_waitgroup_wait(&own);
	return NULL;
}

static void threads(void *arg)
{
	size_t count = UNDER_TSAN ? 100 : scaled(10000);
	pthread_t *all = calloc(count, sizeof(*all));
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	CHECK_EQUAL(pthread_attr_setstacksize(&attributes, UNDER_TSAN || UNDER_ASAN ? 131072 : 16384), 0);
	go_to_place(arg);
	tally_waitgroup_add(&group, 1);
	for (size_t i = 0; i < count; i++)
		CHECK_EQUAL(pthread_create(&all[i], &attributes, spawn, (void *)(uintptr_t)i), 0);
	pthread_mutex_lock(&mutex);
	may_start = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	for (size_t i = 0; i < count; i++)
		CHECK_EQUAL(pthread_join(all[i], NULL), 0);
	tally_waitgroup_done(&group);
	tally_waitgroup_wait(&group);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 10 * count);
	free(all);
}

static void ten_thousand_threads_may_spawn_at_once(void **state)
{
	(void)state;
	assert_passes_everywhere(threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_threads_may_spawn_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
