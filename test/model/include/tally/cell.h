/* tally/cell.h as models see it: the form for machines without an add to memory, a load and a store by the one
 * thread that stores there. What the form of x86-64 does is stronger. */
#ifndef TALLY_CELL_H_
#define TALLY_CELL_H_

#include <tally/atomic.h>

static inline void tally__cell_add_relaxed(tally_atomic_u64 *cell, uint64_t n)
{
	tally_atomic_u64_store_relaxed(cell, tally_atomic_u64_load_relaxed(cell) + n);
}

static inline void tally__cell_add_release(tally_atomic_u64 *cell, uint64_t n)
{
	tally_atomic_u64_store_release(cell, tally_atomic_u64_load_relaxed(cell) + n);
}

extern __thread uint64_t tally__slot __attribute__((tls_model("initial-exec")));

#define TALLY__CELL_BIAS (UINT64_C(1) << 63)

#endif
