/* region/region.h - this process's region: where it is mapped, and how far its memory reaches.
 *
 * Behind the shared memory lies as much room again for the cells of this process alone, at the same stride, so
 * that both are at an offset from the start of a thread's slot:
 *
 *     header, directory | slot 0 | slot 1 | ... | own cells of slot 0 | of slot 1 | ...
 *                       ^ cells                 ^ cells + own_offset
 *
 * Address space is there for all of it, memory for what is used. `reach` says how far.
 */
#ifndef TALLY_REGION_REGION_H_
#define TALLY_REGION_REGION_H_

#include "platform/plain.h"
#include "region/attach.h"
#include "region/directory.h"
#include "region/slot.h"

enum tally__area {
	TALLY__AREA_SHARED, /* cells of named metrics */
	TALLY__AREA_OWN,    /* cells of anonymous ones */
	TALLY__AREAS
};

enum tally__region_state {
	TALLY__REGION_NONE,     /* nobody has asked for one */
	TALLY__REGION_STARTING, /* somebody is at it */
	TALLY__REGION_READY,
	TALLY__REGION_REFUSED, /* the system gave us none: all metrics count in their own objects */
};

struct tally__region {
	tally_atomic_u32 state;    /* enum tally__region_state */
	tally_atomic_bool counted; /* something has been counted: the region can no longer be changed */
	struct tally__mapping mapping;
	char *cells; /* cell 0 of slot 0 */
	uint64_t own_offset;
	struct tally__header *header;
	struct tally__slots slots;
	struct tally__directory directory;
	/* This process counts in cells below this number, so its slots must reach so far. */
	tally_atomic_u32 level[TALLY__AREAS];
	/* Cells of each slot that this process can reach. */
	tally_atomic_u32 reach[TALLY__AREAS][TALLY__SLOTS_MAX];
	/* A short form of it: bits 63..32 a number of slots, bits 31..0 a number of cells that it can reach in
	 * each of the slots below. */
	tally_atomic_u64 all[TALLY__AREAS];
};

extern struct tally__region tally__region;

/* Makes the region if there is none: that of TALLY_REGION, else a memfd. `wait`: not while another thread is
 * at it. Returns true if there is one. */
bool tally__region_start(bool wait);

/* Goes on in the file at path, if nothing has been counted. `moved` is called when it has come to that, before
 * the region that was is unmapped. Returns 0 or -errno. */
int tally__region_change(const char *path, void (*moved)(void));

/* Before a fork, and in its child. */
void tally__region_forks(void);
void tally__region_forked(void);

/* Claims a slot for the calling thread and makes it reach what this process counts in. Returns
 * TALLY__SLOT_SHARED if there is none. */
uint32_t tally__region_claim(void);

/* Makes the slots of this process reach all cells below `cells`. Returns 0 or -errno. */
int tally__region_raise(enum tally__area area, uint32_t cells);

/* Whether the cell of that slot can be read. If not, nothing was ever counted in it (by this process, where it
 * is an own cell). */
bool tally__region_reaches(enum tally__area area, uint32_t slot, uint32_t cell);

/* Notes that slots below `slots` all reach `cells`, for the readers' short way. */
void tally__region_reach_all(enum tally__area area, uint32_t slots, uint32_t cells);

static inline char *tally__region_slot(uint32_t slot)
{
	tally__plain_read(&tally__region.cells, sizeof(tally__region.cells));
	return tally__region.cells + slot * TALLY__SLOT_STRIDE;
}

static inline enum tally__area tally__area_of(uint64_t offset)
{
	return offset < tally__region.own_offset ? TALLY__AREA_SHARED : TALLY__AREA_OWN;
}

#endif
