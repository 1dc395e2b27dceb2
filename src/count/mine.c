/* A thread gets a slot when it counts first, and hands it back when it ends. What it counts after that, in the
 * destructors that come later, goes to the shared slot. */
#include "count/mine.h"

#include "platform/threadexit.h"
#include "region/owner.h"

__thread uint64_t tally__slot;

enum {
	MINE_NONE = 0,
	MINE_CLAIMING, /* a signal handler that counts meanwhile must not claim another */
	MINE_OWNED,
	MINE_GIVEN_BACK, /* the thread ends */
};

/* How often a thread that got no slot counts in the shared one before it asks again. */
enum { PATIENCE = 1000 };

/* Only its own thread, and signal handlers on it, touch these: atomic for the handlers' sake. */
static __thread tally_atomic_u32 mine_state __attribute__((tls_model("initial-exec")));
static __thread tally_atomic_u32 mine_number __attribute__((tls_model("initial-exec")));
static __thread tally_atomic_u32 mine_patience __attribute__((tls_model("initial-exec")));

/* How many forks this process is the child of. Changes in a child only, while that has one thread, which may be
 * one that is interrupted in what it reads this for. */
static tally_atomic_u32 forks;

static uint32_t generation_now(void)
{
	/* Not relaxed: it must not move over plain stores to tally__slot, for the handlers' sake. */
	return tally_atomic_u32_load(&forks);
}

static tally_atomic_bool watched; /* tally__exit_watch has been called */
static tally_atomic_bool heard;   /* and will tell us when threads end */

static void thread_ends(void *value)
{
	uint32_t generation = generation_now();

	(void)value;
	if (tally_atomic_u32_load(&mine_state) != MINE_OWNED)
		return;
	tally_atomic_u32_store(&mine_state, MINE_GIVEN_BACK);
	tally__slot = 0;
	/* Not in the child of a signal handler that has forked meanwhile: the parent hands it back. */
	if (generation_now() == generation)
		tally__slot_release(&tally__region.slots, tally_atomic_u32_load(&mine_number));
}

/* The slots of this process belong to its parent. */
static void forked(void)
{
	tally_atomic_u32_add(&forks, 1);
	tally__slot = 0;
	if (tally_atomic_bool_load(&heard))
		tally__at_thread_exit(NULL);
	if (tally_atomic_u32_load(&mine_state) != MINE_GIVEN_BACK)
		tally_atomic_u32_store(&mine_state, MINE_NONE);
	tally_atomic_u32_store(&mine_patience, 0);
	tally__region_forked();
}

bool tally__mine_start(bool wait)
{
	/* Says who does it; `heard` publishes that it is done. pairs with mine.c:tally__mine_slot */
	if (tally_atomic_bool_compare_and_swap_relaxed(&watched, false, true))
		tally_atomic_bool_store(&heard,
					tally__exit_watch(thread_ends, tally__region_forks, forked) == 0);
	return tally__region_start(wait);
}

/* Claims a slot that will be handed back when this thread ends. */
static uint32_t claim(void)
{
	uint32_t slot = tally__region_claim();

	if (slot != TALLY__SLOT_SHARED && tally__at_thread_exit(&tally__region) != 0) {
		tally__slot_release(&tally__region.slots, slot);
		slot = TALLY__SLOT_SHARED;
	}
	return slot;
}

uint64_t tally__mine_slot(void)
{
	uint32_t patience = tally_atomic_u32_load(&mine_patience);
	uint32_t generation = generation_now();
	uint32_t slot;

	if (tally__slot != 0 || tally_atomic_u32_load(&mine_state) != MINE_NONE ||
	    !tally_atomic_bool_load(&heard))
		return tally__slot;
	if (patience > 0) {
		tally_atomic_u32_store(&mine_patience, patience - 1);
		return 0;
	}
	/* In one step: a signal handler that counts between a look and a store would claim a slot of its own,
	 * which nobody would hand back. */
	if (!tally_atomic_u32_compare_and_swap(&mine_state, MINE_NONE, MINE_CLAIMING))
		return tally__slot;
	slot = claim();
	if (slot == TALLY__SLOT_SHARED) {
		tally_atomic_u32_store(&mine_patience, PATIENCE);
		tally_atomic_u32_store(&mine_state, MINE_NONE);
		return 0;
	}
	tally_atomic_u32_store(&mine_number, slot);
	tally_atomic_u32_store(&mine_state, MINE_OWNED);
	tally__slot = (uint64_t)(uintptr_t)tally__region_slot(slot) - TALLY__CELL_BIAS;
	/* A signal handler may have forked meanwhile. In its child the slot is the parent's, or carries the
	 * parent's name; it is left to those who find the parent dead. */
	if (generation_now() != generation) {
		tally__slot = 0;
		tally_atomic_u32_store(&mine_state, MINE_NONE);
		return 0;
	}
	return tally__slot;
}
