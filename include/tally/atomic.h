/* tally/atomic.h - typed atomic variables, with the meaning of Go's sync/atomic.
 *
 * Types, each a struct with one private field, aligned to its own size (8 bytes on 32-bit targets too),
 * with one layout in C and C++:
 *
 *     tally_atomic_i32  _i64  _u32  _u64  _uptr     integers: int32_t, int64_t, uint32_t, uint64_t, uintptr_t
 *     tally_atomic_bool                             false or true, in 4 bytes as in Go
 *     tally_atomic_ptr                              void *
 *
 * A variable that is all zero bytes is ready and holds 0, false or NULL. It must not be copied once used.
 *
 * Calls, written for a type X with values of type T. Those of the first group exist for every type; those
 * of the second for the integers. Every call may be made from tasks, threads and signal handlers: none
 * blocks, none allocates, none fails.
 *
 *     T    tally_atomic_X_load(const p)                       the value
 *     void tally_atomic_X_store(p, value)
 *     T    tally_atomic_X_swap(p, value)                      stores value, returns the OLD value
 *     bool tally_atomic_X_compare_and_swap(p, old, value)     stores value if *p is old; true if it did.
 *                                                             It does not fail spuriously
 *
 *     T    tally_atomic_X_add(p, n)   _sub(p, n)              returns the NEW value, as Go's Add
 *     T    tally_atomic_X_fetch_add(p, n)                     returns the OLD value, as C's fetch_add
 *     T    tally_atomic_X_and(p, mask)  _or  _xor             returns the OLD value, as Go's And and Or
 *     T    tally_atomic_X_min(p, value)  _max                 keeps the smaller (larger) of the two,
 *                                                             returns the OLD value
 *
 * Arithmetic wraps around, for signed types too: adding 1 to the largest int32_t gives the smallest.
 *
 * Memory order. A plain name is sequentially consistent: all such operations of a program have one order
 * that every thread agrees on, and an operation that sees the effect of another happens after it. That is
 * the whole of Go's model. A suffix asks for less, at the reader's own risk:
 *
 *     _relaxed    atomic, orders nothing                      every call
 *     _acquire    what follows stays after it                 _load, and all that read and write
 *     _release    what precedes stays before it               _store, and all that read and write
 *     _acq_rel    both                                        all that read and write
 *
 * A compare_and_swap that does not store reads with the acquire half of its order. A min or max that
 * does not store (the variable is already small or large enough) does likewise, in the forms with a suffix;
 * the plain form is sequentially consistent either way.
 *
 * On x86-64 a relaxed, acquire or plain load is one mov, a plain store is one xchg. On 32-bit ARM and x86
 * the 64-bit types are lock-free where the processor has an 8-byte compare-and-swap.
 *
 * Unlike a race in Go, a race in C (a plain access to the same memory) has no defined result at all.
 */
#ifndef TALLY_ATOMIC_H_
#define TALLY_ATOMIC_H_

#include <tally/base.h>

#define TALLY__ATOMIC_TYPE(name, storage)                                                                      \
	typedef struct name {                                                                                  \
		storage value_ __attribute__((aligned(sizeof(storage))));                                      \
	} name;

/* The calls every type has. T is what the caller sees, storage what the struct holds. */
#define TALLY__ATOMIC_LOAD(name, T, suffix, order)                                                             \
	static inline T name##_load##suffix(const name *p)                                                     \
	{                                                                                                      \
		return (T)__atomic_load_n(&p->value_, order);                                                  \
	}
#define TALLY__ATOMIC_STORE(name, T, storage, suffix, order)                                                   \
	static inline void name##_store##suffix(name *p, T value)                                              \
	{                                                                                                      \
		__atomic_store_n(&p->value_, (storage)value, order);                                           \
	}
#define TALLY__ATOMIC_SWAP(name, T, storage, suffix, order, failed)                                            \
	static inline T name##_swap##suffix(name *p, T value)                                                  \
	{                                                                                                      \
		return (T)__atomic_exchange_n(&p->value_, (storage)value, order);                              \
	}                                                                                                      \
	static inline bool name##_compare_and_swap##suffix(name *p, T old, T value)                            \
	{                                                                                                      \
		storage expected_ = (storage)old;                                                              \
		return __atomic_compare_exchange_n(&p->value_, &expected_, (storage)value, false, order,       \
						   failed);                                                    \
	}

#define TALLY__ATOMIC_COMMON(name, T, storage)                                                                 \
	TALLY__ATOMIC_TYPE(name, storage)                                                                      \
	TALLY__ATOMIC_LOAD(name, T, , __ATOMIC_SEQ_CST)                                                        \
	TALLY__ATOMIC_LOAD(name, T, _acquire, __ATOMIC_ACQUIRE)                                                \
	TALLY__ATOMIC_LOAD(name, T, _relaxed, __ATOMIC_RELAXED)                                                \
	TALLY__ATOMIC_STORE(name, T, storage, , __ATOMIC_SEQ_CST)                                              \
	TALLY__ATOMIC_STORE(name, T, storage, _release, __ATOMIC_RELEASE)                                      \
	TALLY__ATOMIC_STORE(name, T, storage, _relaxed, __ATOMIC_RELAXED)                                      \
	TALLY__ATOMIC_SWAP(name, T, storage, , __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)                             \
	TALLY__ATOMIC_SWAP(name, T, storage, _acq_rel, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)                     \
	TALLY__ATOMIC_SWAP(name, T, storage, _acquire, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)                     \
	TALLY__ATOMIC_SWAP(name, T, storage, _release, __ATOMIC_RELEASE, __ATOMIC_RELAXED)                     \
	TALLY__ATOMIC_SWAP(name, T, storage, _relaxed, __ATOMIC_RELAXED, __ATOMIC_RELAXED)

/* The integers' calls. U is T without its sign: unsigned arithmetic wraps by definition. */
#define TALLY__ATOMIC_ARITHMETIC(name, T, U, suffix, order, failed)                                            \
	static inline T name##_fetch_add##suffix(name *p, T n)                                                 \
	{                                                                                                      \
		return __atomic_fetch_add(&p->value_, n, order);                                               \
	}                                                                                                      \
	static inline T name##_add##suffix(name *p, T n)                                                       \
	{                                                                                                      \
		return (T)((U)__atomic_fetch_add(&p->value_, n, order) + (U)n);                                \
	}                                                                                                      \
	static inline T name##_sub##suffix(name *p, T n)                                                       \
	{                                                                                                      \
		return (T)((U)__atomic_fetch_sub(&p->value_, n, order) - (U)n);                                \
	}                                                                                                      \
	static inline T name##_and##suffix(name *p, T mask)                                                    \
	{                                                                                                      \
		return __atomic_fetch_and(&p->value_, mask, order);                                            \
	}                                                                                                      \
	static inline T name##_or##suffix(name *p, T mask)                                                     \
	{                                                                                                      \
		return __atomic_fetch_or(&p->value_, mask, order);                                             \
	}                                                                                                      \
	static inline T name##_xor##suffix(name *p, T mask)                                                    \
	{                                                                                                      \
		return __atomic_fetch_xor(&p->value_, mask, order);                                            \
	}                                                                                                      \
	static inline T name##_min##suffix(name *p, T value)                                                   \
	{                                                                                                      \
		T old_ = __atomic_load_n(&p->value_, failed);                                                  \
		while (value < old_ &&                                                                         \
		       !__atomic_compare_exchange_n(&p->value_, &old_, value, true, order, failed)) {          \
		}                                                                                              \
		return old_;                                                                                   \
	}                                                                                                      \
	static inline T name##_max##suffix(name *p, T value)                                                   \
	{                                                                                                      \
		T old_ = __atomic_load_n(&p->value_, failed);                                                  \
		while (value > old_ &&                                                                         \
		       !__atomic_compare_exchange_n(&p->value_, &old_, value, true, order, failed)) {          \
		}                                                                                              \
		return old_;                                                                                   \
	}

#define TALLY__ATOMIC_INTEGER(name, T, U)                                                                      \
	TALLY__ATOMIC_COMMON(name, T, T)                                                                       \
	TALLY__ATOMIC_ARITHMETIC(name, T, U, , __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)                             \
	TALLY__ATOMIC_ARITHMETIC(name, T, U, _acq_rel, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)                     \
	TALLY__ATOMIC_ARITHMETIC(name, T, U, _acquire, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)                     \
	TALLY__ATOMIC_ARITHMETIC(name, T, U, _release, __ATOMIC_RELEASE, __ATOMIC_RELAXED)                     \
	TALLY__ATOMIC_ARITHMETIC(name, T, U, _relaxed, __ATOMIC_RELAXED, __ATOMIC_RELAXED)

TALLY_BEGIN_DECLS

TALLY__ATOMIC_INTEGER(tally_atomic_i32, int32_t, uint32_t)
TALLY__ATOMIC_INTEGER(tally_atomic_i64, int64_t, uint64_t)
TALLY__ATOMIC_INTEGER(tally_atomic_u32, uint32_t, uint32_t)
TALLY__ATOMIC_INTEGER(tally_atomic_u64, uint64_t, uint64_t)
TALLY__ATOMIC_INTEGER(tally_atomic_uptr, uintptr_t, uintptr_t)
TALLY__ATOMIC_COMMON(tally_atomic_bool, bool, uint32_t)
TALLY__ATOMIC_COMMON(tally_atomic_ptr, void *, void *)

TALLY_END_DECLS

#undef TALLY__ATOMIC_TYPE
#undef TALLY__ATOMIC_LOAD
#undef TALLY__ATOMIC_STORE
#undef TALLY__ATOMIC_SWAP
#undef TALLY__ATOMIC_COMMON
#undef TALLY__ATOMIC_ARITHMETIC
#undef TALLY__ATOMIC_INTEGER

#endif
