/* region/slot.h - which process owns which slot: the claim protocol (doc/design/slot-claim.md).
 *
 * It rests on two things: the compare-and-swap of a slot's owner word, and tally__owner_dead, which never calls
 * a living process dead. Nothing else of the region is touched here.
 */
#ifndef TALLY_REGION_SLOT_H_
#define TALLY_REGION_SLOT_H_

#include "region/layout.h"

struct tally__slots {
	struct tally__slot *table;
	tally_atomic_u32 *used; /* slots below this may have been owned */
	uint32_t max;
	const struct tally__header *header; /* for tally__owner_dead */
};

/* Takes a slot for a thread of the process `me`: a free one, else one whose owner is dead, else one never used.
 * The caller sees all that the slot's owners before it have written there. Returns TALLY__SLOT_SHARED if there
 * is none. */
uint32_t tally__slot_claim(const struct tally__slots *slots, uint64_t me);

/* Hands the slot back, with what has been counted in it, to whoever claims it next. */
void tally__slot_release(const struct tally__slots *slots, uint32_t slot);

/* How many slots a reader must look at. */
static inline uint32_t tally__slots_used(const struct tally__slots *slots)
{
	uint32_t used = tally_atomic_u32_load(slots->used);

	return used < slots->max ? used : slots->max;
}

#endif
