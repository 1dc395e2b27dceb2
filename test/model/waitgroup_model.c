/* Wait groups among plain threads: who waits sees what was done before, nobody waits for ever, and the group
 * may go as soon as the waits have returned. */
#include <errno.h>
#include <model.h>
#include <tally/waitgroup.h>

#define DOERS 3

static tally_waitgroup *group;
static int work[DOERS];
static tally_atomic_u32 users, returned, round_two;

static void make(unsigned count, unsigned waiters)
{
	group = model_alloc(sizeof(*group));
	model_name(group, "group");
	tally_waitgroup_add(group, (int)count);
	tally_atomic_u32_store(&users, waiters);
}

static void make_for_two(void)
{
	make(DOERS, 2);
}

static void make_for_one(void)
{
	make(2, 1);
}

static void do_one(void)
{
	model_write(&work[model_thread() - 1], 7);
	tally_waitgroup_done(group);
}

static void see_work(unsigned doers)
{
	for (unsigned i = 0; i < doers; i++)
		model_assert(model_read(&work[i]) == 7);
}

/* The last of those that have waited frees the group. */
static void leave(void)
{
	if (tally_atomic_u32_sub(&users, 1) == 0)
		model_free(group);
}

static void wait_and_leave(void)
{
	tally_waitgroup_wait(group);
	see_work(DOERS);
	leave();
}

/* One waiter, who frees it at once, though the doers may not have returned from done yet. */
static void wait_and_free(void)
{
	tally_waitgroup_wait(group);
	see_work(2);
	model_free(group);
}

/* Adds while the count is above 0. */
static void add_and_do_two(void)
{
	tally_waitgroup_add(group, 1);
	model_write(&work[model_thread() - 1], 7);
	tally_waitgroup_done(group);
	tally_waitgroup_done(group);
}

/* Two rounds, two waiters in each; the second begins when both have returned. */
static void do_in_both_rounds(void)
{
	model_write(&work[model_thread() - 1], 7);
	tally_waitgroup_done(group);
	model_wait_until(tally_atomic_u32_load_acquire(&round_two) == 1);
	model_write(&work[model_thread() - 1], 8);
	tally_waitgroup_done(group);
}

static void wait_for_both_rounds(void)
{
	tally_waitgroup_wait(group);
	model_assert(model_read(&work[0]) == 7);
	if (tally_atomic_u32_add(&returned, 1) == 2) {
		tally_waitgroup_add(group, 1);
		tally_atomic_u32_store_release(&round_two, 1);
	} else {
		model_wait_until(tally_atomic_u32_load_acquire(&round_two) == 1);
	}
	tally_waitgroup_wait(group);
	model_assert(model_read(&work[0]) == 8);
	leave();
}

static void make_one_for_two(void)
{
	make(1, 2);
}

/* A deadline against the wake. */
static void wait_until(void)
{
	int64_t deadline = model_now() + 1500;
	int result = tally_waitgroup_wait_until(group, deadline);

	if (result == 0) {
		see_work(2);
	} else {
		model_assert(result == -ETIMEDOUT && model_now() >= deadline);
		/* It is out of the group for good: the next wait is a new one. */
		tally_waitgroup_wait(group);
		see_work(2);
	}
	leave();
}

static void make_two_for_two(void)
{
	make(2, 2);
}

static void wait_for_two_and_leave(void)
{
	tally_waitgroup_wait(group);
	see_work(2);
	leave();
}

/* One waits for the other, who waits for one that ends: while it is on its way this looks like a deadlock. */
static tally_waitgroup links[3];

static void make_links(void)
{
	for (unsigned i = 0; i < 3; i++)
		tally_waitgroup_add(&links[i], 1);
}

static void begins(void)
{
	tally_waitgroup_done(&links[0]);
}

static void passes_on(void)
{
	tally_waitgroup_wait(&links[0]);
	tally_waitgroup_done(&links[1]);
}

static void passes_on_again(void)
{
	tally_waitgroup_wait(&links[1]);
	tally_waitgroup_done(&links[2]);
}

static void ends(void)
{
	tally_waitgroup_wait(&links[2]);
}

static void ends_early(void)
{
	tally_waitgroup_wait(&links[1]);
}

/* A real deadlock is always reported, by whoever is the last to sleep or looks again. */
static void waits_for_ever(void)
{
	model_expect_death("nothing is left that could wake them");
	tally_waitgroup_wait(&links[0]);
	tally_waitgroup_wait(&links[1]);
}

/* Misuse ends the program, always. */
static void one_too_many(void)
{
	model_expect_death("negative wait group counter");
	tally_waitgroup_done(group);
	model_wait_until(false);
}

static void make_one(void)
{
	make(1, 1);
}

static const struct model models[] = {
	{.name = "group",
	 .setup = make_for_two,
	 .threads = {do_one, do_one, do_one, wait_and_leave, wait_and_leave}},
	{.name = "group, freed", .setup = make_for_one, .threads = {do_one, do_one, wait_and_free}},
	{.name = "group, added to", .setup = make_for_one, .threads = {do_one, add_and_do_two, wait_and_free}},
	{.name = "group, two rounds",
	 .setup = make_one_for_two,
	 .threads = {do_in_both_rounds, wait_for_both_rounds, wait_for_both_rounds}},
	{.name = "group, deadline",
	 .setup = make_two_for_two,
	 .threads = {do_one, do_one, wait_until, wait_for_two_and_leave}},
	{.name = "group, two deadlines",
	 .setup = make_two_for_two,
	 .threads = {do_one, do_one, wait_until, wait_until}},
	{.name = "chain of three",
	 .setup = make_links,
	 .threads = {begins, passes_on, ends_early},
	 .strategies = MODEL_RANDOM | MODEL_PCT | MODEL_DFS},
	{.name = "chain of four", .setup = make_links, .threads = {begins, passes_on, passes_on_again, ends}},
	{.name = "real deadlock",
	 .setup = make_links,
	 .threads = {begins, waits_for_ever, waits_for_ever},
	 .schedules = 6000},
	{.name = "real deadlock of three",
	 .setup = make_links,
	 .threads = {begins, waits_for_ever, waits_for_ever, waits_for_ever},
	 .schedules = 4000},
	{.name = "group, misuse",
	 .setup = make_one,
	 .threads = {one_too_many, one_too_many},
	 .schedules = 1000},
	{.name = "group, all",
	 .setup = make_for_one,
	 .threads = {do_one, do_one, wait_and_free},
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .schedules = 200000},
};

MODEL_MAIN(models)
