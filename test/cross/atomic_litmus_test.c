/* Store buffering, the shape that tells sequentially consistent operations from all weaker ones: two threads
 * each write their own variable, then read the other's. Plain names forbid that both read the old value. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "expect.h"

enum { CELLS = 2048, ROUNDS = 800 };

/* The two variables of one trial, on lines of their own: store buffers matter when the other's line is far. */
struct cell {
	union {
		tally_atomic_i32 i32;
		tally_atomic_i64 i64;
		tally_atomic_u32 u32;
		tally_atomic_u64 u64;
		tally_atomic_uptr uptr;
		tally_atomic_bool flag;
		tally_atomic_ptr ptr;
	} a __attribute__((aligned(64)));
};
static struct cell cells[2][CELLS];
static bool missed[2][CELLS];
static tally_atomic_u32 turns[2];
static int dummy;

/* One thread's half: write mine, read the other's. True where the other's write was not seen. */
#define SHAPE(name, X, write, one)                                                                             \
	static bool name(int me, size_t i)                                                                     \
	{                                                                                                      \
		tally_atomic_##X##_##write(&cells[me][i].a.X, one);                                            \
		return !tally_atomic_##X##_load(&cells[!me][i].a.X);                                           \
	}
#define tally_atomic_flag_load  tally_atomic_bool_load
#define tally_atomic_flag_store tally_atomic_bool_store
#define tally_atomic_flag_swap  tally_atomic_bool_swap

SHAPE(store_i32, i32, store, 1)
SHAPE(store_i64, i64, store, 1)
SHAPE(store_u32, u32, store, 1)
SHAPE(store_u64, u64, store, 1)
SHAPE(store_uptr, uptr, store, 1)
SHAPE(store_bool, flag, store, true)
SHAPE(store_ptr, ptr, store, &dummy)
SHAPE(swap_u32, u32, swap, 1)
SHAPE(add_u64, u64, add, 1)
SHAPE(fetch_add_i64, i64, fetch_add, 1)
SHAPE(sub_i32, i32, sub, 1)
SHAPE(or_u64, u64, or, 1)
SHAPE(xor_uptr, uptr, xor, 1)
SHAPE(max_u32, u32, max, 1)
SHAPE(min_i64, i64, min, -1)

/* A control, whose weaker writes may both be missed. */
static bool control(int me, size_t i)
{
	tally_atomic_u64_store_release(&cells[me][i].a.u64, 1);
	return !tally_atomic_u64_load_acquire(&cells[!me][i].a.u64);
}

static const struct {
	const char *name;
	bool (*half)(int me, size_t i);
} shapes[] = {
	{"store i32", store_i32},         {"store i64", store_i64},   {"store u32", store_u32},
	{"store u64", store_u64},         {"store uptr", store_uptr}, {"store bool", store_bool},
	{"store ptr", store_ptr},         {"swap u32", swap_u32},     {"add u64", add_u64},
	{"fetch_add i64", fetch_add_i64}, {"sub i32", sub_i32},       {"or u64", or_u64},
	{"xor uptr", xor_uptr},           {"max u32", max_u32},       {"min i64", min_i64},
	{"release and acquire", control},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static int both[SHAPES];

/* Waits until the other has come as far. */
static void meet(int me, uint32_t turn)
{
	tally_atomic_u32_store(&turns[me], turn);
	for (int i = 0; tally_atomic_u32_load(&turns[!me]) < turn; i++) {
		if (i % 1024 == 1023)
			sched_yield();
	}
}

/* One CPU for each of the two, where there are two: a kernel with much to do likes to put them on one. */
static void spread(int me)
{
	cpu_set_t usable, mine;
	int wanted = me;

	if (sched_getaffinity(0, sizeof(usable), &usable) != 0 || CPU_COUNT(&usable) < 2)
		return;
	CPU_ZERO(&mine);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &usable) && wanted-- == 0)
			CPU_SET(cpu, &mine);
	}
	sched_setaffinity(0, sizeof(mine), &mine);
}

static int both_missed(void)
{
	int count = 0;

	for (size_t i = 0; i < CELLS; i++)
		count += missed[0][i] && missed[1][i];
	return count;
}

static void *run(void *arg)
{
	const int me = arg != NULL;
	uint32_t turn = 0;

	spread(me);
	for (int round = 0; round < ROUNDS; round++) {
		/* Every shape in turn, so that each gets its share of the moments when both threads really run.
		 */
		const int shape = round % SHAPES;

		for (size_t i = 0; i < CELLS; i++)
			tally_atomic_u64_store_relaxed(&cells[me][i].a.u64, 0);
		meet(me, ++turn);
		/* A step of a few dozen nanoseconds, another in each round, in case one of them is behind. */
		for (int i = me == round % 2 ? round * 7 % 64 : 0; i > 0; i--)
			tally_atomic_u32_load(&turns[me]);
		for (size_t i = 0; i < CELLS; i++)
			missed[me][i] = shapes[shape].half(me, i);
		meet(me, ++turn);
		if (me == 0)
			both[shape] += both_missed();
	}
	return NULL;
}

int main(void)
{
	pthread_t other;

	if (pthread_create(&other, NULL, run, &dummy) != 0) {
		perror("pthread_create");
		return 1;
	}
	run(NULL);
	pthread_join(other, NULL);
	for (int i = 0; i < SHAPES; i++) {
		if (shapes[i].half == control)
			printf("%s, which may miss: %d times\n", shapes[i].name, both[i]);
		else
			EXPECT(both[i] == 0, "%s: both missed the other's write, %d times", shapes[i].name,
			       both[i]);
	}
	return finish();
}
