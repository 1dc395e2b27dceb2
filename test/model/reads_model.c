/* What reads return while others count: the shipped sums and bounds, on cells of slots that are claimed
 * meanwhile. doc/counters.md states the promises. */
#include "count/total.h"
#include "platform/sharedfile.h"
#include "region/region.h"
#include <model.h>

enum { SLOTS = 5, CELL = 1, OWN_CELL = 4 };

struct tally__region tally__region;
__thread uint64_t tally__slot;

static struct tally__header header;
static struct tally__slot table[TALLY__SLOTS_MAX];
static tally_counter counter;
static tally_updown updown;
static tally_atomic_u64 newest; /* value that a read has returned */
/* What has begun is known as it is at this moment, whoever may see it: plain numbers of the models'. What is
 * done must be seen in order. */
static uint32_t begun; /* units of the counter */
static tally_atomic_u32 done;
static uint32_t ups_begun, downs_begun; /* of the up-down counter */
static tally_atomic_u32 ups_done, downs_done;

#define SHARED_BYTES (SLOTS * TALLY__SLOT_STRIDE + 4096)

/* What the files under test need and these models do not. */
uint64_t tally__metric_offset(struct tally__metric *metric, uint32_t cells)
{
	(void)cells;
	return tally__metric_known_offset(metric);
}

uint64_t tally__mine_slot(void)
{
	return tally__slot;
}

void tally__metric_destroy(struct tally__metric *metric, uint32_t cells)
{
	(void)metric;
	(void)cells;
	model_assert(false);
}

static int reserve(uint64_t offset, uint64_t bytes)
{
	(void)offset;
	(void)bytes;
	return 0;
}

static void setup(void)
{
	tally__region.cells = tally__shared_map(-1, SHARED_BYTES, SHARED_BYTES);
	tally__region.own_offset = SHARED_BYTES;
	tally__region.header = &header;
	tally__region.slots = (struct tally__slots){table, &header.slots_used, SLOTS, &header};
	tally__region.directory.reserve = reserve;
	tally_atomic_u32_store(&header.slots_used, TALLY__FIRST_OWNED_SLOT);
	model_assert(tally__region_raise(TALLY__AREA_SHARED, 8) == 0);
	model_assert(tally__region_raise(TALLY__AREA_OWN, 8) == 0);
	/* The counter is an anonymous one, whose cells held something before. */
	tally_atomic_u64_store(&counter.metric_.cell_, TALLY__CELL_BIAS + SHARED_BYTES + OWN_CELL * 8);
	tally_atomic_u64_store((tally_atomic_u64 *)(tally__region.cells + SHARED_BYTES + OWN_CELL * 8), 1000);
	tally_atomic_u64_store(&counter.metric_.link_, 1000);
	updown.metric_.text_ = "u";
	tally_atomic_u64_store(&updown.metric_.cell_, TALLY__CELL_BIAS + CELL * 8);
}

/* A thread's life: a slot, or none. */
static uint32_t begin(void)
{
	uint32_t slot = model_choose(4) == 0 ? TALLY__SLOT_SHARED : tally__region_claim();

	tally__slot = slot == TALLY__SLOT_SHARED
			      ? 0
			      : (uint64_t)(uintptr_t)tally__region_slot(slot) - TALLY__CELL_BIAS;
	return slot;
}

static void end(uint32_t slot)
{
	tally__slot = 0;
	if (slot != TALLY__SLOT_SHARED)
		tally__slot_release(&tally__region.slots, slot);
}

static void count(void)
{
	for (int i = 0; i < 2; i++) {
		uint32_t slot = begin();

		begun++;
		tally_counter_inc(&counter);
		tally_atomic_u32_add(&done, 1);
		end(slot);
	}
}

static void read_counter(void)
{
	uint64_t last = 0;

	for (int i = 0; i < 2; i++) {
		uint64_t floor = tally_atomic_u64_load(&newest);
		uint32_t least = tally_atomic_u32_load(&done);
		uint64_t value = tally_counter_load(&counter);
		uint64_t low, high;

		/* No reader goes behind what another has returned. */
		model_assert(value >= floor);
		tally_atomic_u64_max(&newest, value);
		model_assert(value >= least);
		model_assert(value <= begun);
		model_assert(value >= last);
		least = tally_atomic_u32_load(&done);
		tally_counter_bounds(&counter, &low, &high);
		model_assert(low >= least && low >= value && high >= low);
		model_assert(high <= begun);
		last = high;
	}
}

/* Each down follows an up of another thread, and no more orders them than must. */
static tally_atomic_u32 baton;

static void go_up(void)
{
	uint32_t slot = begin();

	for (uint32_t i = 1; i <= 2; i++) {
		ups_begun++;
		tally_updown_add(&updown, 1);
		tally_atomic_u32_store_release(&baton, i);
	}
	end(slot);
}

static void go_down(void)
{
	uint32_t slot = begin();

	for (uint32_t seen, used = 0; used < 2; used++) {
		while ((seen = tally_atomic_u32_load_acquire(&baton)) <= used)
			model_yield();
		tally_updown_sub(&updown, 1);
	}
	end(slot);
}

static void read_updown(void)
{
	for (int i = 0; i < 2; i++) {
		int64_t low, high;

		model_assert(tally_updown_load(&updown) >= 0);
		model_assert(tally_updown_load(&updown) <= 2);
		tally_updown_bounds(&updown, &low, &high);
		/* The true value is 0, 1 or 2 at every instant. */
		model_assert(low <= high && low <= 2 && high >= 0);
	}
}

/* Ups and downs without any order between the two: bounds hold the value at one instant. */
static void go_up_alone(void)
{
	uint32_t slot = begin();

	for (int i = 0; i < 2; i++) {
		ups_begun++;
		tally_updown_add(&updown, 1);
		tally_atomic_u32_add(&ups_done, 1);
	}
	end(slot);
}

static void go_down_alone(void)
{
	uint32_t slot = begin();

	for (int i = 0; i < 2; i++) {
		downs_begun++;
		tally_updown_sub(&updown, 1);
		tally_atomic_u32_add(&downs_done, 1);
	}
	end(slot);
}

static void read_bounds(void)
{
	int64_t ups_before = tally_atomic_u32_load(&ups_done);
	int64_t downs_before = tally_atomic_u32_load(&downs_done);
	int64_t low, high, ups_after, downs_after;

	tally_updown_bounds(&updown, &low, &high);
	ups_after = ups_begun;
	downs_after = downs_begun;
	model_assert(low <= high);
	model_assert(low >= ups_before - downs_after);
	model_assert(high <= ups_after - downs_before);
	/* What had been done before is in both ends; what had not been begun after is in neither. */
	model_assert(low <= ups_after - downs_before);
	model_assert(high >= ups_before - downs_after);
}

/* The same in small, so that every interleaving can be gone through: threads have slots from the start, and do
 * one thing. Variant 1: it is known that all slots reach so far, as it is after the first read. */
static void setup_small(void)
{
	setup();
	for (uint32_t slot = 1; slot <= 2; slot++) {
		model_assert(tally__region_claim() == slot);
		/* Another process's, so that the next claim does not wait for it. */
		tally_atomic_u64_store(&table[slot].owner, 1);
	}
	if (model_variant() == 1) {
		for (enum tally__area area = TALLY__AREA_SHARED; area < TALLY__AREAS; area++)
			tally__region_reach_all(area, 3, 8);
	}
}

static void have_slot(uint32_t slot)
{
	tally__slot = (uint64_t)(uintptr_t)tally__region_slot(slot) - TALLY__CELL_BIAS;
}

static void add_once(void)
{
	have_slot(model_thread());
	begun++;
	tally_counter_inc(&counter);
	tally_atomic_u32_add(&done, 1);
}

static void add_twice(void)
{
	add_once();
	add_once();
}

static uint64_t load_between(uint64_t floor)
{
	uint32_t least = tally_atomic_u32_load(&done);
	uint64_t value = tally_counter_load(&counter);

	model_assert(value >= least && value >= floor && value <= begun);
	return value;
}

static void load_once(void)
{
	load_between(0);
}

static void load_twice(void)
{
	load_between(load_between(0));
}

static void bounds_once(void)
{
	uint32_t least = tally_atomic_u32_load(&done);
	uint64_t low, high;

	tally_counter_bounds(&counter, &low, &high);
	model_assert(low <= high && high >= least && low >= least && high <= begun);
}

static void up_once(void)
{
	have_slot(1);
	tally_updown_add(&updown, 1);
	tally_atomic_u32_store_release(&baton, 1);
}

static void down_once(void)
{
	have_slot(2);
	if (tally_atomic_u32_load_acquire(&baton) == 1)
		tally_updown_sub(&updown, 1);
}

static void load_updown_once(void)
{
	int64_t value = tally_updown_load(&updown);

	model_assert(value >= 0 && value <= 1);
}

static void up_alone_once(void)
{
	have_slot(1);
	ups_begun++;
	tally_updown_add(&updown, 1);
	tally_atomic_u32_add(&ups_done, 1);
}

static void down_alone_once(void)
{
	have_slot(2);
	downs_begun++;
	tally_updown_sub(&updown, 1);
	tally_atomic_u32_add(&downs_done, 1);
}

/* A slot that is claimed meanwhile. */
static void claim_and_add(void)
{
	uint32_t slot = tally__region_claim();

	have_slot(slot);
	begun++;
	tally_counter_inc(&counter);
	tally_atomic_u32_add(&done, 1);
	end(slot);
}

static void all_counted(void)
{
	model_assert(tally_counter_load(&counter) == begun);
}

static void check(void)
{
	uint64_t low, high;
	int64_t from, to;

	tally_counter_bounds(&counter, &low, &high);
	model_assert(low == high && low == tally_atomic_u32_load(&done));
	model_assert(tally_counter_load(&counter) == low);
	tally_updown_bounds(&updown, &from, &to);
	model_assert(from == to);
	model_assert(tally_updown_load(&updown) == from);
	/* In the models with a baton all is undone; in those without, two of each are. */
	model_assert(from == 0);
}

static const struct model models[] = {
	{.name = "reads", .setup = setup, .threads = {count, count, read_counter}, .check = check},
	{.name = "reads, two readers",
	 .setup = setup,
	 .threads = {count, count, read_counter, read_counter},
	 .check = check},
	{.name = "reads, up and down",
	 .setup = setup,
	 .threads = {go_up, go_down, read_updown},
	 .check = check},
	{.name = "reads, bounds",
	 .setup = setup,
	 .threads = {go_up_alone, go_down_alone, read_bounds, read_bounds},
	 .check = check},
	{.name = "reads, all",
	 .setup = setup_small,
	 .threads = {add_once, add_once, load_once},
	 .check = all_counted,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 3,
	 .schedules = 4000000},
	{.name = "reads, all, known",
	 .setup = setup_small,
	 .threads = {add_once, add_once, load_once},
	 .check = all_counted,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 3,
	 .schedules = 4000000,
	 .variant = 1},
	{.name = "reads, twice, all",
	 .setup = setup_small,
	 .threads = {add_twice, load_twice},
	 .check = all_counted,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 3,
	 .schedules = 4000000},
	{.name = "reads, twice, all, known",
	 .setup = setup_small,
	 .threads = {add_twice, load_twice},
	 .check = all_counted,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 3,
	 .schedules = 4000000,
	 .variant = 1},
	{.name = "reads, bounds, all",
	 .setup = setup_small,
	 .threads = {add_twice, bounds_once},
	 .check = all_counted,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 3,
	 .schedules = 4000000,
	 .variant = 1},
	{.name = "reads, claimed, all",
	 .setup = setup,
	 .threads = {claim_and_add, load_twice},
	 .check = all_counted,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 4,
	 .schedules = 4000000},
	{.name = "up and down, all",
	 .setup = setup_small,
	 .threads = {up_once, down_once, load_updown_once},
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 3,
	 .schedules = 4000000,
	 .variant = 1},
	{.name = "up and down, bounds, all",
	 .setup = setup_small,
	 .threads = {up_alone_once, down_alone_once, read_bounds},
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 3,
	 .schedules = 4000000,
	 .variant = 1},
};

MODEL_MAIN(models)
