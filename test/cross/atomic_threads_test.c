/* Every call that reads and writes, in every order and type, from four threads at once: nothing is lost, and
 * nothing is counted twice. */
#include <pthread.h>
#include <stdlib.h>

#include "expect.h"
#include "integers.h"

/* An even number, so that their xors cancel out; and more than all their calls. */
enum { THREADS = 4, MANY = 1000000 };

static tally_atomic_u32 arrived;
static uint32_t rounds;

/* Lets nobody go before all are there: the calls are to meet. */
static void meet(uint32_t round)
{
	tally_atomic_u32_add(&arrived, 1);
	while (tally_atomic_u32_load(&arrived) < THREADS * round)
		sched_yield();
}

/* One variable for each call, so that the threads' calls of one kind fall on the same place. */
static struct {
	tally_atomic_u64 added, subtracted, fetched, swapped, compared, anded, ored, xored, least, most;
} shared;

/* What the threads saw of it, to be added up. */
static tally_atomic_u64 fetched_sum, swapped_sum;
static tally_atomic_u32 bits_seen;

static const struct integer_calls *calls;

static void *work(void *arg)
{
	const uint64_t thread = (uint64_t)(uintptr_t)arg;
	const uint64_t bit = UINT64_C(1) << thread;
	uint64_t fetched = 0, swapped = 0, last = 0;
	uint32_t seen = 0;

	meet(1);
	for (uint32_t i = 1; i <= rounds; i++) {
		/* All threads push at the top: the numbers come from one place. */
		uint64_t high = calls->fetch_add(&shared.fetched, 1) + 1;

		calls->add(&shared.added, 3);
		calls->sub(&shared.subtracted, 3);
		fetched += high & 0xff;
		/* Each value put in comes out once. */
		swapped += calls->swap(&shared.swapped, i & 0xff);
		for (;;) {
			uint64_t old = calls->or_(&shared.compared, 0);

			if (calls->compare_and_swap(&shared.compared, old, old + 1))
				break;
		}
		/* Of its own bit each thread knows what the others must not have changed. */
		seen += (calls->or_(&shared.ored, bit) & bit) != 0;
		seen += (calls->and_(&shared.ored, ~bit) & bit) == 0;
		calls->and_(&shared.anded, ~(bit << (i % 4 * 4)));
		calls->xor_(&shared.xored, i);
		/* What a thread has put in is still counted for when it comes again. */
		EXPECT(calls->min(&shared.least, MANY - high) <= MANY - last, "%s min: an old value",
		       calls->name);
		EXPECT(calls->max(&shared.most, high) >= last, "%s max: an old value", calls->name);
		last = high;
	}
	tally_atomic_u64_add(&fetched_sum, fetched);
	tally_atomic_u64_add(&swapped_sum, swapped);
	tally_atomic_u32_add(&bits_seen, seen);
	return NULL;
}

static uint64_t left(const tally_atomic_u64 *variable)
{
	/* A narrow one is its first bytes; its other bytes stay 0. */
	union {
		uint64_t wide;
		uint32_t narrow[2];
	} value = {tally_atomic_u64_load(variable)};

	return calls->bits == 64 ? value.wide : value.narrow[0];
}

static void check_calls(void)
{
	pthread_t threads[THREADS];
	uint64_t all = (uint64_t)rounds * THREADS;
	uint64_t put = 0, fetched = 0;

	for (uint64_t i = 1; i <= all; i++)
		fetched += i & 0xff;
	for (uint32_t i = 1; i <= rounds; i++)
		put += THREADS * (i & 0xff);
	tally_atomic_u32_store(&arrived, 0);
	tally_atomic_u32_store(&bits_seen, 0);
	tally_atomic_u64_store(&fetched_sum, 0);
	tally_atomic_u64_store(&swapped_sum, 0);
	tally_atomic_u64_store(&shared.added, 0);
	tally_atomic_u64_store(&shared.subtracted, 0);
	tally_atomic_u64_store(&shared.fetched, 0);
	tally_atomic_u64_store(&shared.swapped, 0);
	tally_atomic_u64_store(&shared.compared, 0);
	tally_atomic_u64_store(&shared.ored, 0);
	tally_atomic_u64_store(&shared.xored, 0);
	tally_atomic_u64_store(&shared.most, 0);
	tally_atomic_u64_store(&shared.anded, 0);
	tally_atomic_u64_store(&shared.least, 0);
	calls->swap(&shared.anded, 0x7fffffff);
	calls->swap(&shared.least, MANY);

	for (uintptr_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) {
			perror("pthread_create");
			exit(1);
		}
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	EXPECT(left(&shared.added) == 3 * all, "%s add: %llu", calls->name,
	       (unsigned long long)left(&shared.added));
	EXPECT(left(&shared.subtracted) == as_stored(0 - 3 * all, calls->bits, false), "%s sub", calls->name);
	EXPECT(left(&shared.fetched) == all, "%s fetch_add", calls->name);
	EXPECT(tally_atomic_u64_load(&fetched_sum) == fetched, "%s fetch_add: one old value twice",
	       calls->name);
	EXPECT(tally_atomic_u64_load(&swapped_sum) + left(&shared.swapped) == put, "%s swap", calls->name);
	EXPECT(left(&shared.compared) == all, "%s compare_and_swap", calls->name);
	EXPECT(left(&shared.ored) == 0 && tally_atomic_u32_load(&bits_seen) == 0,
	       "%s or, and: a bit of another", calls->name);
	EXPECT(left(&shared.anded) == 0x7fff0000, "%s and: %llx", calls->name,
	       (unsigned long long)left(&shared.anded));
	EXPECT(left(&shared.xored) == 0, "%s xor", calls->name);
	EXPECT(left(&shared.least) == MANY - all, "%s min", calls->name);
	EXPECT(left(&shared.most) == all, "%s max", calls->name);
}

int main(void)
{
	/* The plain forms for longer, on whose account this is; the others come from the same lines. */
	for (size_t i = 0; i < COUNT(integer_calls); i++) {
		calls = &integer_calls[i];
		rounds = i % 5 == 0 ? 20000 : 2000;
		check_calls();
	}
	return finish();
}
