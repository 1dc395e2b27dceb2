/* Claiming slots: no slot has two owners, a new owner goes on from what the old one has counted, a dead owner's
 * slot is taken once, and a reader looks at every slot in which something was counted. */
#include "region/owner.h"
#include "region/slot.h"
#include <model.h>

#define SLOTS 4

#define LIVING UINT64_C(100)
#define DEAD   UINT64_C(900)

static struct tally__slot table[SLOTS];
static tally_atomic_u32 used;
static struct tally__slots slots = {.table = table, .used = &used, .max = SLOTS};
static uint64_t cells[SLOTS]; /* plain: two owners at once are a race */
static tally_atomic_u64 readable[SLOTS];
static tally_atomic_u32 done;

/* In the place of src/region/owner.c. */
bool tally__owner_dead(const struct tally__header *header, uint64_t owner, uint64_t me)
{
	(void)header;
	(void)me;
	return owner >= DEAD;
}

/* Slot 1 is held by a process that has died, and has 5 in it. */
static void one_is_dead(void)
{
	tally_atomic_u64_store(&table[1].owner, DEAD + model_variant());
	tally_atomic_u32_store(&used, 2);
	model_write(&cells[1], 5);
	model_name(&used, "used");
	for (unsigned i = 1; i < SLOTS; i++)
		model_name(&table[i].owner, i == 1 ? "owner 1" : i == 2 ? "owner 2" : "owner 3");
}

static void none_is_used(void)
{
	tally_atomic_u32_store(&used, 1);
}

static uint32_t claim(void)
{
	return tally__slot_claim(&slots, LIVING + model_thread());
}

static void count_in(uint32_t slot)
{
	model_assert(slot < SLOTS);
	if (slot == TALLY__SLOT_SHARED)
		return;
	model_assert(tally_atomic_u64_load_relaxed(&table[slot].owner) == LIVING + model_thread());
	model_write(&cells[slot], model_read(&cells[slot]) + 1);
	tally_atomic_u64_store_release(&readable[slot], cells[slot]);
}

static void claim_and_count(void)
{
	uint32_t slot = claim();

	/* Three threads at most, and three slots that can be owned. */
	model_assert(slot != TALLY__SLOT_SHARED);
	count_in(slot);
	tally__slot_release(&slots, slot);
	tally_atomic_u32_add(&done, 1);
}

static void claim_twice(void)
{
	claim_and_count();
	claim_and_count();
}

static void claim_and_keep(void)
{
	uint32_t slot = claim();

	model_assert(slot != TALLY__SLOT_SHARED);
	count_in(slot);
	count_in(slot);
}

/* Reads as a sum does: what happened before is in it. */
static uint64_t sum(void)
{
	uint32_t below = tally__slots_used(&slots);
	uint64_t sum = 0;

	for (uint32_t i = TALLY__FIRST_OWNED_SLOT; i < below; i++)
		sum += tally_atomic_u64_load_acquire(&readable[i]);
	return sum;
}

static void reader(void)
{
	uint32_t before = tally_atomic_u32_load(&done);

	model_assert(sum() >= before);
}

static uint64_t total(void)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		total += model_read(&cells[i]);
	return total;
}

static void four_were_counted(void)
{
	model_assert(total() == 4);
}

static void nine_are_there(void)
{
	model_assert(total() == 9);
}

static void five_and_four(void)
{
	model_assert(total() == 5 + 4);
	/* Two hold slots of their own. */
	unsigned owners = 0;
	for (unsigned i = 1; i < SLOTS; i++)
		owners += tally_atomic_u64_load(&table[i].owner) != 0 &&
			  tally_atomic_u64_load(&table[i].owner) < DEAD;
	model_assert(owners == 2);
}

/* More threads than slots: the last gets the shared one. */
static void claim_what_there_is(void)
{
	uint32_t slot = claim();

	if (slot == TALLY__SLOT_SHARED)
		return;
	count_in(slot);
	tally__slot_release(&slots, slot);
}

static const struct model models[] = {
	{.name = "slots",
	 .setup = none_is_used,
	 .threads = {claim_twice, claim_and_count, claim_and_count},
	 .check = four_were_counted},
	{.name = "slots, one dead",
	 .setup = one_is_dead,
	 .threads = {claim_twice, claim_and_count, claim_and_count},
	 .check = nine_are_there},
	{.name = "slots, kept",
	 .setup = one_is_dead,
	 .threads = {claim_and_keep, claim_and_keep},
	 .check = five_and_four},
	{.name = "slots, read", .setup = none_is_used, .threads = {claim_twice, claim_and_count, reader}},
	{.name = "slots, too few",
	 .setup = none_is_used,
	 .threads = {claim_what_there_is, claim_what_there_is, claim_what_there_is, claim_what_there_is}},
	{.name = "slots, all",
	 .setup = one_is_dead,
	 .threads = {claim_and_keep, claim_and_keep},
	 .check = five_and_four,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = 6,
	 .schedules = 4000000},
};

MODEL_MAIN(models)
