/* tally/cell.h - the one place where counting depends on the machine: adding to a cell that only this thread
 * writes. For tally/counter.h; programs have no use for it.
 *
 * On x86-64 an add to memory is one instruction, so that a signal handler which counts on the same thread can
 * not come between its load and its store; it is not locked, since nobody else writes. Elsewhere it is a load
 * and a store. Under ThreadSanitizer it is an atomic operation, which the tool can see.
 */
#ifndef TALLY_CELL_H_
#define TALLY_CELL_H_

#include <tally/atomic.h>

TALLY_BEGIN_DECLS

#ifndef TALLY__CELL_WATCHED
#if defined(__SANITIZE_THREAD__)
#define TALLY__CELL_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TALLY__CELL_WATCHED 1
#endif
#endif
#endif

#if defined(TALLY__CELL_WATCHED)

/* Pairs with nothing: the sum of the cells is all that a count promises. */
static inline void tally__cell_add_relaxed(tally_atomic_u64 *cell, uint64_t n)
{
	tally_atomic_u64_add_relaxed(cell, n);
}

/* Pairs with src/count/sum.c:cell_acquire. */
static inline void tally__cell_add_release(tally_atomic_u64 *cell, uint64_t n)
{
	tally_atomic_u64_add_release(cell, n);
}

#elif defined(__x86_64__)

/* Pairs with nothing: the sum of the cells is all that a count promises. */
static inline void tally__cell_add_relaxed(tally_atomic_u64 *cell, uint64_t n)
{
	__asm__ volatile("addq %1, %0" : "+m"(cell->value_) : "er"(n) : "cc");
}

/* Every store of this machine releases; the clobber keeps the compiler to that.
 * Pairs with src/count/sum.c:cell_acquire. */
static inline void tally__cell_add_release(tally_atomic_u64 *cell, uint64_t n)
{
	__asm__ volatile("addq %1, %0" : "+m"(cell->value_) : "er"(n) : "cc", "memory");
}

#else

/* Pairs with nothing: the sum of the cells is all that a count promises, and only this thread stores. */
static inline void tally__cell_add_relaxed(tally_atomic_u64 *cell, uint64_t n)
{
	tally_atomic_u64_store_relaxed(cell, tally_atomic_u64_load_relaxed(cell) + n);
}

/* The load pairs with nothing, since only this thread stores.
 * Pairs with src/count/sum.c:cell_acquire. */
static inline void tally__cell_add_release(tally_atomic_u64 *cell, uint64_t n)
{
	tally_atomic_u64_store_release(cell, tally_atomic_u64_load_relaxed(cell) + n);
}

#endif

/* Where this thread counts: the address of its slot less 2^63, or 0 before it has one. A metric's cell_ is an
 * offset plus 2^63, or not positive. So the sum of the two is the address of the cell, and it is positive as a
 * signed number only when both are there: one test for both. */
extern TALLY_API __thread uint64_t tally__slot __attribute__((tls_model("initial-exec")));

#define TALLY__CELL_BIAS (UINT64_C(1) << 63)

TALLY_END_DECLS

#endif
