/* count/mine.h - the calling thread's slot. */
#ifndef TALLY_COUNT_MINE_H_
#define TALLY_COUNT_MINE_H_

#include <tally/cell.h>

#include "region/region.h"

/* Makes the region if there is none yet; waits for another thread that is at it if `wait`. Returns true if
 * there is one. */
bool tally__mine_start(bool wait);

/* The calling thread's slot: tally__slot, claimed if need be. 0 if it has none, and must count in the shared
 * slot. */
uint64_t tally__mine_slot(void);

/* A cell of the slot that all share. */
static inline tally_atomic_u64 *tally__mine_shared_cell(uint64_t offset)
{
	return (tally_atomic_u64 *)(tally__region_slot(TALLY__SLOT_SHARED) + offset);
}

/* To be called before anything is counted or set. */
static inline void tally__mine_counted(void)
{
	if (!tally_atomic_bool_load(&tally__region.counted))
		tally_atomic_bool_store(&tally__region.counted, true);
}

#endif
