/* litmus_test.c - the explorer's memory against the known answers of C++20 to small questions. */
#include "platform/cpus.h"
#include "self.h"

static tally_atomic_u32 x, y, z;
static unsigned r1, r2, r3, r4;
static int data;

/* Each thread's own last value, hence relaxed and racing with nothing. */
#define LOAD(v, order)         tally_atomic_u32_load##order(&(v))
#define STORE(v, value, order) tally_atomic_u32_store##order(&(v), (value))

/* Store buffering: both loads may be 0, unless all four are seq_cst. */
#define STORE_BUFFERING(test, store_order, load_order)                                                         \
	static void test##_1(void)                                                                             \
	{                                                                                                      \
		STORE(x, 1, store_order);                                                                      \
		r1 = LOAD(y, load_order);                                                                      \
	}                                                                                                      \
	static void test##_2(void)                                                                             \
	{                                                                                                      \
		STORE(y, 1, store_order);                                                                      \
		r2 = LOAD(x, load_order);                                                                      \
	}                                                                                                      \
	static const struct model test = {                                                                     \
		.name = #test, .threads = {test##_1, test##_2}, .check = not_both_zero}

static void not_both_zero(void)
{
	model_assert(r1 == 1 || r2 == 1);
}

STORE_BUFFERING(sb_relaxed, _relaxed, _relaxed);
STORE_BUFFERING(sb_release_acquire, _release, _acquire);
STORE_BUFFERING(sb_seq_cst, , );
STORE_BUFFERING(sb_seq_cst_stores, , _acquire);
STORE_BUFFERING(sb_seq_cst_loads, _release, );

/* A thread may read its own store before others do: reading it orders nothing, seq_cst or not. */
#define OWN_STORE(test, order)                                                                                 \
	static void test##_1(void)                                                                             \
	{                                                                                                      \
		STORE(x, 1, order);                                                                            \
		(void)LOAD(x, );                                                                               \
		r1 = LOAD(y, );                                                                                \
	}                                                                                                      \
	static const struct model test = {                                                                     \
		.name = #test, .threads = {test##_1, sb_seq_cst_2}, .check = not_both_zero}

OWN_STORE(own_relaxed, _relaxed);
OWN_STORE(own_release, _release);
OWN_STORE(own_seq_cst, );

static void store_buffering(void **state)
{
	(void)state;
	fails(&own_relaxed, MODEL_WEAK, MODEL_ASSERTION);
	fails(&own_release, MODEL_WEAK, MODEL_ASSERTION);
	holds(&own_seq_cst, MODEL_WEAK);
	fails(&sb_relaxed, MODEL_WEAK, MODEL_ASSERTION);
	fails(&sb_release_acquire, MODEL_WEAK, MODEL_ASSERTION);
	fails(&sb_seq_cst_stores, MODEL_WEAK, MODEL_ASSERTION);
	fails(&sb_seq_cst_loads, MODEL_WEAK, MODEL_ASSERTION);
	holds(&sb_seq_cst, MODEL_WEAK);
	holds(&sb_relaxed, MODEL_SC);
}

/* Message passing: the flag brings the data, if it is released and acquired. */
#define MESSAGE(test, store_order, load_order)                                                                 \
	static void test##_1(void)                                                                             \
	{                                                                                                      \
		model_write(&data, 42);                                                                        \
		STORE(x, 1, store_order);                                                                      \
	}                                                                                                      \
	static void test##_2(void)                                                                             \
	{                                                                                                      \
		if (LOAD(x, load_order) == 1)                                                                  \
			model_assert(model_read(&data) == 42);                                                 \
	}                                                                                                      \
	static const struct model test = {.name = #test, .threads = {test##_1, test##_2}}

MESSAGE(mp, _release, _acquire);
MESSAGE(mp_seq_cst, , );
MESSAGE(mp_relaxed_store, _relaxed, _acquire);
MESSAGE(mp_relaxed_load, _release, _relaxed);

static void message_passing(void **state)
{
	(void)state;
	holds(&mp, MODEL_WEAK);
	holds(&mp_seq_cst, MODEL_WEAK);
	fails(&mp_relaxed_store, MODEL_WEAK, MODEL_RACE);
	fails(&mp_relaxed_load, MODEL_WEAK, MODEL_RACE);
	holds(&mp_relaxed_store, MODEL_SC);
}

/* The same with atomic data, so that it is stale and not a race. */
static void mp_atomic_1(void)
{
	STORE(y, 42, _relaxed);
	STORE(x, 1, _release);
}
static void mp_atomic_2(void)
{
	if (LOAD(x, _acquire) == 1)
		model_assert(LOAD(y, _relaxed) == 42);
}
static void mp_atomic_late(void)
{
	if (LOAD(x, _relaxed) == 1)
		model_assert(LOAD(y, _relaxed) == 42);
}

static void message_passing_by_atomics(void **state)
{
	static const struct model good = {.name = "mp_atomic", .threads = {mp_atomic_1, mp_atomic_2}};
	static const struct model bad = {.name = "mp_atomic_relaxed", .threads = {mp_atomic_1, mp_atomic_late}};

	(void)state;
	holds(&good, MODEL_WEAK);
	fails(&bad, MODEL_WEAK, MODEL_ASSERTION);
}

/* Independent reads of independent writes: two readers may disagree on the order, unless all is seq_cst. */
#define IRIW(test, store_order, load_order)                                                                    \
	static void test##_1(void)                                                                             \
	{                                                                                                      \
		STORE(x, 1, store_order);                                                                      \
	}                                                                                                      \
	static void test##_2(void)                                                                             \
	{                                                                                                      \
		STORE(y, 1, store_order);                                                                      \
	}                                                                                                      \
	static void test##_3(void)                                                                             \
	{                                                                                                      \
		r1 = LOAD(x, load_order);                                                                      \
		r2 = LOAD(y, load_order);                                                                      \
	}                                                                                                      \
	static void test##_4(void)                                                                             \
	{                                                                                                      \
		r3 = LOAD(y, load_order);                                                                      \
		r4 = LOAD(x, load_order);                                                                      \
	}                                                                                                      \
	static const struct model test = {                                                                     \
		.name = #test, .threads = {test##_1, test##_2, test##_3, test##_4}, .check = one_order}

static void one_order(void)
{
	model_assert(!(r1 == 1 && r2 == 0 && r3 == 1 && r4 == 0));
}

IRIW(iriw_acquire, _release, _acquire);
IRIW(iriw_seq_cst, , );

static void independent_reads(void **state)
{
	(void)state;
	fails(&iriw_acquire, MODEL_WEAK, MODEL_ASSERTION);
	holds(&iriw_seq_cst, MODEL_WEAK);
}

/* The order of seq_cst operations is not the order in which they run: the last reader may come before the first
 * writer in it though it runs last, since how it got there orders nothing. */
#define DETOUR(test, way)                                                                                      \
	static void test##_1(void)                                                                             \
	{                                                                                                      \
		STORE(x, 1, );                                                                                 \
		r1 = LOAD(y, );                                                                                \
	}                                                                                                      \
	static void test##_2(void)                                                                             \
	{                                                                                                      \
		STORE(y, 1, );                                                                                 \
	}                                                                                                      \
	static void test##_3(void)                                                                             \
	{                                                                                                      \
		r2 = LOAD(y, way);                                                                             \
		r3 = LOAD(x, );                                                                                \
	}                                                                                                      \
	static const struct model test = {                                                                     \
		.name = #test, .threads = {test##_1, test##_2, test##_3}, .check = no_detour}

static void no_detour(void)
{
	model_assert(!(r1 == 0 && r2 == 1 && r3 == 0));
}

DETOUR(detour_relaxed, _relaxed);
DETOUR(detour_acquire, _acquire);
DETOUR(detour_seq_cst, );

/* Two readers who each saw one seq_cst store, by seq_cst loads, and nothing of the other's; a circle through
 * four. */
static void circle_3(void)
{
	r1 = LOAD(x, );
	r2 = LOAD(y, );
}
static void circle_4(void)
{
	r3 = LOAD(y, );
	r4 = LOAD(x, _acquire);
}
static void circle_5(void)
{
	r3 = LOAD(y, _acquire);
	r4 = LOAD(x, );
}

static void order_of_seq_cst(void **state)
{
	static const struct model weak_end = {.name = "circle, acquire at the end",
					      .threads = {iriw_seq_cst_1, iriw_seq_cst_2, circle_3, circle_4},
					      .check = one_order};
	static const struct model weak_begin = {.name = "circle, acquire at the begin",
						.threads = {iriw_seq_cst_1, iriw_seq_cst_2, circle_3, circle_5},
						.check = one_order};

	(void)state;
	fails(&detour_relaxed, MODEL_WEAK, MODEL_ASSERTION);
	holds(&detour_acquire, MODEL_WEAK);
	holds(&detour_seq_cst, MODEL_WEAK);
	fails(&weak_end, MODEL_WEAK, MODEL_ASSERTION);
	holds(&weak_begin, MODEL_WEAK);
}

/* Coherence: who has read the new value does not read the old one, nor does one that knows of that read. */
static void coherence_1(void)
{
	STORE(x, 1, _relaxed);
}
static void coherence_2(void)
{
	r1 = LOAD(x, _relaxed);
	r2 = LOAD(x, _relaxed);
	model_assert(r2 >= r1);
	if (r1 == 1)
		STORE(y, 1, _release);
}
static void coherence_3(void)
{
	if (LOAD(y, _acquire) == 1)
		model_assert(LOAD(x, _relaxed) == 1);
}
static void coherence_late(void)
{
	if (LOAD(y, _relaxed) == 1)
		model_assert(LOAD(x, _relaxed) == 1);
}

static void coherence(void **state)
{
	static const struct model good = {.name = "coherence",
					  .threads = {coherence_1, coherence_2, coherence_3}};
	static const struct model bad = {.name = "coherence_unordered",
					 .threads = {coherence_1, coherence_2, coherence_late}};

	(void)state;
	holds(&good, MODEL_WEAK);
	fails(&bad, MODEL_WEAK, MODEL_ASSERTION);
}

/* Release sequences: a read-modify-write continues one, whoever makes it; a plain store of the same thread does
 * not, since C++20. */
static void sequence_head(void)
{
	model_write(&data, 42);
	STORE(x, 1, _release);
}
static void sequence_update(void)
{
	tally_atomic_u32_compare_and_swap_relaxed(&x, 1, 2);
}
static void sequence_head_and_store(void)
{
	model_write(&data, 42);
	STORE(x, 1, _release);
	STORE(x, 2, _relaxed);
}
static void sequence_tail(void)
{
	if (LOAD(x, _acquire) == 2)
		model_assert(model_read(&data) == 42);
}

static void release_sequences(void **state)
{
	static const struct model good = {.name = "sequence_update",
					  .threads = {sequence_head, sequence_update, sequence_tail}};
	static const struct model bad = {.name = "sequence_store",
					 .threads = {sequence_head_and_store, sequence_tail}};

	(void)state;
	holds(&good, MODEL_WEAK);
	fails(&bad, MODEL_WEAK, MODEL_RACE);
}

/* Read-modify-writes lose nothing, whatever their order. A load and a store do. */
static void add_one(void)
{
	tally_atomic_u32_add_relaxed(&x, 1);
}
static void add_by_cas(void)
{
	uint32_t old;

	do
		old = LOAD(x, _relaxed);
	while (!tally_atomic_u32_compare_and_swap_relaxed(&x, old, old + 1));
}
static void load_then_store(void)
{
	STORE(x, LOAD(x, ) + 1, );
}
static void two_plain(void)
{
	model_write(&data, model_read(&data) + 1);
}
static void is_three(void)
{
	model_assert(LOAD(x, _relaxed) == 3);
}

static void updates(void **state)
{
	static const struct model add = {
		.name = "add", .threads = {add_one, add_one, add_one}, .check = is_three};
	static const struct model cas = {
		.name = "add_by_cas", .threads = {add_by_cas, add_one, add_one}, .check = is_three};
	static const struct model lost = {.name = "load_then_store",
					  .threads = {add_one, load_then_store, load_then_store},
					  .check = is_three};
	static const struct model plain = {.name = "plain_increment", .threads = {two_plain, two_plain}};

	(void)state;
	holds(&add, MODEL_WEAK);
	holds(&cas, MODEL_WEAK);
	fails(&lost, MODEL_SC, MODEL_ASSERTION);
	fails(&lost, MODEL_WEAK, MODEL_ASSERTION);
	fails(&plain, MODEL_WEAK, MODEL_RACE);
}

/* A seq_cst read-modify-write on another variable orders nothing by itself between relaxed operations. */
static void rmw_1(void)
{
	STORE(x, 1, _relaxed);
	tally_atomic_u32_add(&z, 1);
	r1 = LOAD(y, _relaxed);
}
static void rmw_2(void)
{
	STORE(y, 1, _relaxed);
	tally_atomic_u32_add(&z, 1);
	r2 = LOAD(x, _relaxed);
}

static void updates_of_one_variable_synchronise(void **state)
{
	static const struct model same = {.name = "rmw", .threads = {rmw_1, rmw_2}, .check = not_both_zero};

	(void)state;
	/* The later of the two adds reads the earlier, and so learns of the store before it. */
	holds(&same, MODEL_WEAK);
}

/* A compare and swap that fails is a load and may be late. */
static void cas_fails_1(void)
{
	STORE(y, 1, _relaxed);
	STORE(x, 1, _relaxed);
}
static void cas_fails_2(void)
{
	if (LOAD(x, _relaxed) == 1)
		model_assert(tally_atomic_u32_compare_and_swap(&y, 1, 2));
}

static void late_compare_and_swap(void **state)
{
	static const struct model late = {.name = "late_cas", .threads = {cas_fails_1, cas_fails_2}};

	(void)state;
	fails(&late, MODEL_WEAK, MODEL_ASSERTION);
	holds(&late, MODEL_SC);
}

/* Store buffering with a heavy barrier on one side. */
static void light_side(void)
{
	STORE(x, 1, _relaxed);
	r1 = LOAD(y, _relaxed);
}
static void heavy_side(void)
{
	STORE(y, 1, _relaxed);
	tally__heavy_barrier();
	r2 = LOAD(x, _relaxed);
}
static void side_without(void)
{
	STORE(y, 1, _relaxed);
	r2 = LOAD(x, _relaxed);
}

static void heavy_barrier(void **state)
{
	static const struct model good = {.name = "heavy",
					  .threads = {light_side, heavy_side},
					  .check = not_both_zero,
					  .heavy_barrier = true};
	static const struct model bad = {
		.name = "heavy_missing", .threads = {light_side, side_without}, .check = not_both_zero};

	(void)state;
	holds(&good, MODEL_WEAK);
	fails(&bad, MODEL_WEAK, MODEL_ASSERTION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_buffering),
		cmocka_unit_test(message_passing),
		cmocka_unit_test(message_passing_by_atomics),
		cmocka_unit_test(independent_reads),
		cmocka_unit_test(order_of_seq_cst),
		cmocka_unit_test(coherence),
		cmocka_unit_test(release_sequences),
		cmocka_unit_test(updates),
		cmocka_unit_test(updates_of_one_variable_synchronise),
		cmocka_unit_test(late_compare_and_swap),
		cmocka_unit_test(heavy_barrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
