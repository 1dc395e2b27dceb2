/* Claiming slots and handing them back. None of it is frequent, so what orders something is sequentially
 * consistent. */
#include "region/slot.h"

#include "region/owner.h"

/* Whether nobody will write to a slot with this owner word any more. `lasting` remembers the last owner that
 * was found alive, since asking costs system calls. */
static bool is_left(const struct tally__slots *slots, uint64_t owner, uint64_t me, uint64_t *lasting)
{
	if (owner == 0)
		return true;
	if (owner == me || owner == *lasting)
		return false;
	if (tally__owner_dead(slots->header, owner, me))
		return true;
	*lasting = owner;
	return false;
}

/* Two may find the same slot left; the compare-and-swap lets one have it. The word cannot have changed and
 * changed back: a dead process claims nothing. */
static bool take(struct tally__slot *slot, uint64_t owner, uint64_t me)
{
	return tally_atomic_u64_compare_and_swap(&slot->owner, owner, me);
}

uint32_t tally__slot_claim(const struct tally__slots *slots, uint64_t me)
{
	uint32_t used = tally__slots_used(slots);
	uint64_t lasting = 0;

	for (uint32_t i = TALLY__FIRST_OWNED_SLOT; i < used; i++) {
		struct tally__slot *slot = &slots->table[i];

		/* A look, checked by the compare-and-swap. pairs with slot.c:tally__slot_release */
		if (tally_atomic_u64_load_relaxed(&slot->owner) == 0 && take(slot, 0, me))
			return i;
	}
	for (uint32_t i = TALLY__FIRST_OWNED_SLOT; i < slots->max; i++) {
		struct tally__slot *slot = &slots->table[i];
		/* Checked by the compare-and-swap; the system says who is dead. pairs with slot.c:take */
		uint64_t owner = tally_atomic_u64_load_relaxed(&slot->owner);

		if (!is_left(slots, owner, me, &lasting) || !take(slot, owner, me))
			continue;
		/* Readers must look at the slot before anything is counted in it. It may lie above `used`
		 * although it had an owner, who died before this line. */
		tally_atomic_u32_max(slots->used, i + 1);
		return i;
	}
	return TALLY__SLOT_SHARED;
}

void tally__slot_release(const struct tally__slots *slots, uint32_t slot)
{
	tally_atomic_u64_store(&slots->table[slot].owner, 0);
}
