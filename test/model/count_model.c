/* Counters over the whole of region and count: registering, claiming, reserving, adding, reading, and threads
 * that come and go. The region's file is the model's own; memory that nobody has reserved is not there. */
#include "platform/sharedfile.h"
#include "region/region.h"
#include <model.h>
#include <string.h>
#include <tally/counter.h>
#include <tally/region.h>

static tally_counter counter, other;
static tally_counter named = {{.text_ = "cnamed\0help"}}, same = {{.text_ = "cnamed\0help"}},
		     second = {{.text_ = "csecond\0help"}};
static tally_updown updown;
static tally_atomic_u64 done;
static uint64_t begun; /* at this moment, whoever may see it: a number of the model's */

/* In the place of src/region/attach.c: a region that nobody else has. */
int tally__attach_memory(struct tally__mapping *mapping, bool nameless)
{
	(void)nameless;
	mapping->descriptor = -1;
	mapping->bytes = TALLY__REGION_SIZE + TALLY__SLOTS_MAX * TALLY__SLOT_STRIDE;
	mapping->shared_bytes = TALLY__REGION_SIZE;
	mapping->base = tally__shared_map(-1, TALLY__REGION_SIZE, TALLY__SLOTS_MAX * TALLY__SLOT_STRIDE);
	if (tally__shared_reserve(mapping->base, 4096) != 0 ||
	    tally__shared_reserve(mapping->base + TALLY__INDEX_OFFSET, 8) != 0)
		return -12;
	struct tally__header *header = (struct tally__header *)mapping->base;
	tally_atomic_u32_store(&header->slots_used, 1);
	return 0;
}

int tally__attach_file(struct tally__mapping *mapping, const char *path)
{
	return path ? tally__attach_memory(mapping, false) : -2;
}

void tally__detach(const struct tally__mapping *mapping)
{
	(void)mapping;
}

static void add_one(tally_counter *to)
{
	begun++;
	tally_counter_add(to, 1);
	tally_atomic_u64_add(&done, 1);
}

/* Anonymous: no more than was begun when the read returns, no less than was done when it began, never
 * decreasing. */
static void add_two(void)
{
	add_one(&counter);
	add_one(&counter);
}

static void read_twice(void)
{
	uint64_t last = 0;

	for (int i = 0; i < 2; i++) {
		uint64_t least = tally_atomic_u64_load(&done);
		uint64_t value = tally_counter_load(&counter);
		uint64_t most = begun;

		model_assert(value >= least && value <= most);
		model_assert(value >= last);
		last = value;
	}
}

static void four_in_counter(void)
{
	model_assert(tally_counter_load(&counter) == 4);
}

/* The bounds hold the true value at some moment of the call. */
static void read_bounds(void)
{
	uint64_t least = tally_atomic_u64_load(&done);
	uint64_t low, high;

	tally_counter_bounds(&counter, &low, &high);
	uint64_t most = begun;
	model_assert(low <= high && high >= least && low <= most);
}

/* The same name twice is one metric; two names are two. */
static void add_named(void)
{
	add_one(&named);
}

static void add_same(void)
{
	add_one(&same);
	add_one(&same);
}

static void add_second(void)
{
	add_one(&second);
}

static void named_have_three(void)
{
	model_assert(tally_counter_load(&named) == 3);
	/* One that met the other's registering may hold some by itself. */
	model_assert(tally_counter_load(&second) == 1);
}

static void define_all(void)
{
	tally__metric_define(&named.metric_);
	tally__metric_define(&same.metric_);
	tally__metric_define(&second.metric_);
}

static void define_named(void)
{
	tally__metric_define(&named.metric_);
}

static void define_same(void)
{
	tally__metric_define(&same.metric_);
}

static void define_second(void)
{
	tally__metric_define(&second.metric_);
}

static void names_are_told_apart(void)
{
	model_assert(tally_atomic_u64_load(&named.metric_.cell_) == tally_atomic_u64_load(&same.metric_.cell_));
	model_assert(tally_atomic_u64_load(&named.metric_.cell_) !=
		     tally_atomic_u64_load(&second.metric_.cell_));
	model_assert((int64_t)tally_atomic_u64_load(&named.metric_.cell_) < 0);
	tally_counter_add(&named, 1);
	tally_counter_add(&same, 1);
	tally_counter_add(&second, 1);
	model_assert(tally_counter_load(&named) == 2 && tally_counter_load(&second) == 1);
}

/* There is no room for names: both count all the same, and that is said once. */
static void fill_the_region(void)
{
	model_assert(tally__region_start(true));
	tally__region.directory.cells_max = 1;
}

static void add_second_and_load(void)
{
	tally_counter_add(&second, 1);
	model_assert(tally_counter_load(&second) == 1);
}

static void add_named_and_load(void)
{
	tally_counter_add(&named, 1);
	model_assert(tally_counter_load(&named) == 1);
}

static void warned_once(void)
{
	model_assert(model_warnings() == 1);
}

/* One who registers raises how far slots must reach; one who claims meanwhile must reach as far. */
static void claim_by_counting(void)
{
	add_one(&counter);
}

static void start_region(void)
{
	model_assert(tally__region_start(true));
}

static void register_far(void)
{
	tally_counter_add(&other, 1);
	/* The cells of this one lie on another page of each slot. */
	tally__region_raise(TALLY__AREA_OWN, 2000);
	tally_atomic_u64_store(&done, 2000);
}

static void count_far(void)
{
	add_one(&counter);
	if (tally_atomic_u64_load(&done) == 2000) {
		uint64_t cell = TALLY__CELL_BIAS + tally__region.own_offset + 1999 * sizeof(uint64_t);

		if (tally__slot != 0)
			tally__cell_add_relaxed((tally_atomic_u64 *)(uintptr_t)(tally__slot + cell), 1);
	}
}

/* Ups and downs: who undoes an up has seen it, so a reader never finds less than nothing. */
static void goes_up_and_down(void)
{
	tally_updown_add(&updown, 1);
	tally_updown_sub(&updown, 1);
}

static tally_atomic_u32 passed_on;

static void goes_up(void)
{
	tally_updown_add(&updown, 1);
	tally_atomic_u32_store_release(&passed_on, 1);
}

static void goes_down(void)
{
	/* The second time it has a slot and goes the short way. */
	if (model_choose(2) != 0) {
		tally_updown_add(&updown, 1);
		tally_updown_sub(&updown, 1);
	}
	if (tally_atomic_u32_load_acquire(&passed_on) == 1)
		tally_updown_sub(&updown, 1);
}

static void is_never_negative(void)
{
	model_assert(tally_updown_load(&updown) >= 0);
	model_assert(tally_updown_load(&updown) <= 2);
}

/* A metric that is destroyed gives its cell to the next, which begins at 0. */
static void use_and_destroy(void)
{
	tally_counter mine = {{.text_ = NULL}};

	tally_counter_add(&mine, 3);
	model_assert(tally_counter_load(&mine) == 3);
	tally_counter_destroy(&mine);
	tally_counter_add(&mine, 2);
	model_assert(tally_counter_load(&mine) == 2);
}

/* A counter whose cell was another's, read while it gets it. */
static void leave_a_used_cell(void)
{
	tally_counter gone = {{.text_ = NULL}};

	tally_counter_add(&gone, 7);
	tally_counter_destroy(&gone);
}

/* The region becomes another: all metrics that have been defined move to it, none is forgotten. */
static void move_all(void)
{
	model_assert(tally_region_open("another") == 0);
	model_assert(tally_atomic_u64_load(&tally__region.directory.index[0]) != 0);
	model_assert(tally_atomic_u64_load(&tally__region.directory.index[1]) != 0);
}

/* A fork looks whether there is a region, which another thread may just make. */
static void make_region(void)
{
	model_assert(tally__region_start(true));
}

static void is_about_to_fork(void)
{
	tally__region_forks();
}

static const struct model models[] = {
	{.name = "counter",
	 .threads = {add_two, add_two, read_twice},
	 .check = four_in_counter,
	 .schedules = 8000},
	{.name = "counter, bounds", .threads = {add_two, add_two, read_bounds}, .schedules = 8000},
	{.name = "counter, no memory",
	 .threads = {add_two, add_two, read_twice},
	 .check = four_in_counter,
	 .faults = MODEL_FAULT_ALLOC,
	 .schedules = 8000},
	{.name = "names, registered",
	 .threads = {define_named, define_same, define_second},
	 .check = names_are_told_apart,
	 .schedules = 8000},
	{.name = "names, counted in",
	 .setup = define_all,
	 .threads = {add_named, add_same, add_second},
	 .check = named_have_three,
	 .schedules = 8000},
	{.name = "names, full",
	 .setup = fill_the_region,
	 .threads = {add_named_and_load, add_second_and_load},
	 .check = warned_once,
	 .schedules = 4000},
	{.name = "reach",
	 .setup = start_region,
	 .threads = {claim_by_counting, register_far, count_far},
	 .schedules = 8000},
	{.name = "updown", .threads = {goes_up, goes_down, is_never_negative}, .schedules = 8000},
	{.name = "updown, by each",
	 .threads = {goes_up_and_down, goes_up_and_down, is_never_negative},
	 .schedules = 8000},
	{.name = "used cell",
	 .setup = leave_a_used_cell,
	 .threads = {add_two, add_two, read_twice},
	 .check = four_in_counter,
	 .schedules = 8000},
	{.name = "names, moved",
	 .threads = {define_named, define_second},
	 .check = move_all,
	 .schedules = 3000},
	{.name = "fork", .threads = {make_region, is_about_to_fork}, .schedules = 2000},
	{.name = "destroyed", .threads = {use_and_destroy, use_and_destroy}, .schedules = 8000},
};

MODEL_MAIN(models)
