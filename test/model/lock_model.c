/* The small lock: one holder at a time, who sees what the last one did; nobody sleeps for ever. */
#include "platform/lock.h"
#include <model.h>

static struct tally__lock lock;
static int guarded, holders;
static struct tally__lock *owned;
static tally_atomic_u32 users;

static void use(void)
{
	model_assert(holders++ == 0);
	model_write(&guarded, model_read(&guarded) + 1);
	model_assert(--holders == 0);
}

static void take_twice(void)
{
	for (int i = 0; i < 2; i++) {
		tally__lock_acquire(&lock);
		use();
		tally__lock_release(&lock);
	}
}

static void take_once(void)
{
	tally__lock_acquire(&lock);
	use();
	tally__lock_release(&lock);
}

static void try(void)
{
	if (tally__lock_try(&lock)) {
		use();
		tally__lock_release(&lock);
	} else {
		tally__lock_acquire(&lock);
		use();
		tally__lock_release(&lock);
	}
}

static void all_were_in(void)
{
	model_assert(guarded == (model_variant() ? 3 : 5));
}

/* The last to hold a lock may free it: a release does not touch it once another can have it. */
static void make(void)
{
	owned = model_alloc(sizeof(*owned));
	tally_atomic_u32_store(&users, 2);
}

static void leave(void)
{
	tally__lock_acquire(owned);
	bool last = tally_atomic_u32_sub_relaxed(&users, 1) == 0;
	tally__lock_release(owned);
	if (last)
		model_free(owned);
}

static const struct model models[] = {
	{.name = "lock", .threads = {take_twice, take_twice, take_once}, .check = all_were_in},
	{.name = "lock, three of one",
	 .threads = {take_once, try, take_once},
	 .check = all_were_in,
	 .variant = 1},
	{.name = "lock, all",
	 .threads = {take_once, try, take_once},
	 .check = all_were_in,
	 .variant = 1,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .schedules = 100000},
	{.name = "lock, freed", .setup = make, .threads = {leave, leave}, .no_leaks = true},
};

MODEL_MAIN(models)
