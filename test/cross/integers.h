/* A table of all calls of the five integer types in all their orders, behind one signature, so that a test can
 * hold each against the same model. Values travel as uint64_t, signed ones extended. */
#ifndef TEST_CROSS_INTEGERS_H_
#define TEST_CROSS_INTEGERS_H_

#include <tally/atomic.h>

/* What reads and writes: one row for each type and order. */
struct integer_calls {
	const char *name;
	unsigned bits;
	bool is_signed;
	uint64_t (*swap)(void *p, uint64_t value);
	bool (*compare_and_swap)(void *p, uint64_t old, uint64_t value);
	uint64_t (*add)(void *p, uint64_t n);
	uint64_t (*sub)(void *p, uint64_t n);
	uint64_t (*fetch_add)(void *p, uint64_t n);
	uint64_t (*and_)(void *p, uint64_t mask);
	uint64_t (*or_)(void *p, uint64_t mask);
	uint64_t (*xor_)(void *p, uint64_t mask);
	uint64_t (*min)(void *p, uint64_t value);
	uint64_t (*max)(void *p, uint64_t value);
};

/* Loads and stores: one row for each type. */
struct integer_type {
	const char *name;
	unsigned bits;
	bool is_signed;
	uint64_t (*load[3])(const void *p);
	void (*store[3])(void *p, uint64_t value);
};

#define CALL(X, T, call, suffix)                                                                               \
	static inline uint64_t call_##X##_##call##suffix(void *p, uint64_t n)                                  \
	{                                                                                                      \
		return (uint64_t)tally_atomic_##X##_##call##suffix((tally_atomic_##X *)p, (T)n);               \
	}
#define CALLS(X, T, suffix)                                                                                    \
	CALL(X, T, swap, suffix)                                                                               \
	CALL(X, T, add, suffix)                                                                                \
	CALL(X, T, sub, suffix)                                                                                \
	CALL(X, T, fetch_add, suffix)                                                                          \
	CALL(X, T, and, suffix)                                                                                \
	CALL(X, T, or, suffix)                                                                                 \
	CALL(X, T, xor, suffix)                                                                                \
	CALL(X, T, min, suffix)                                                                                \
	CALL(X, T, max, suffix)                                                                                \
	static inline bool call_##X##_compare_and_swap##suffix(void *p, uint64_t old, uint64_t value)          \
	{                                                                                                      \
		return tally_atomic_##X##_compare_and_swap##suffix((tally_atomic_##X *)p, (T)old, (T)value);   \
	}
#define LOAD(X, suffix)                                                                                        \
	static inline uint64_t call_##X##_load##suffix(const void *p)                                          \
	{                                                                                                      \
		return (uint64_t)tally_atomic_##X##_load##suffix((const tally_atomic_##X *)p);                 \
	}
#define STORE(X, T, suffix)                                                                                    \
	static inline void call_##X##_store##suffix(void *p, uint64_t value)                                   \
	{                                                                                                      \
		tally_atomic_##X##_store##suffix((tally_atomic_##X *)p, (T)value);                             \
	}
#define TYPE(X, T)                                                                                             \
	CALLS(X, T, )                                                                                          \
	CALLS(X, T, _acq_rel)                                                                                  \
	CALLS(X, T, _acquire)                                                                                  \
	CALLS(X, T, _release)                                                                                  \
	CALLS(X, T, _relaxed)                                                                                  \
	LOAD(X, )                                                                                              \
	LOAD(X, _acquire)                                                                                      \
	LOAD(X, _relaxed)                                                                                      \
	STORE(X, T, )                                                                                          \
	STORE(X, T, _release)                                                                                  \
	STORE(X, T, _relaxed)

TYPE(i32, int32_t)
TYPE(i64, int64_t)
TYPE(u32, uint32_t)
TYPE(u64, uint64_t)
TYPE(uptr, uintptr_t)

#define ROW(X, T, is_signed, suffix)                                                                           \
	{                                                                                                      \
#X #suffix, 8 * sizeof(T), is_signed, call_##X##_swap##suffix,                                 \
			call_##X##_compare_and_swap##suffix, call_##X##_add##suffix, call_##X##_sub##suffix,   \
			call_##X##_fetch_add##suffix, call_##X##_and##suffix, call_##X##_or##suffix,           \
			call_##X##_xor##suffix, call_##X##_min##suffix, call_##X##_max##suffix                 \
	}
#define ROWS(X, T, is_signed)                                                                                  \
	ROW(X, T, is_signed, ), ROW(X, T, is_signed, _acq_rel), ROW(X, T, is_signed, _acquire),                \
		ROW(X, T, is_signed, _release), ROW(X, T, is_signed, _relaxed)

static const struct integer_calls integer_calls[] = {
	ROWS(i32, int32_t, true),   ROWS(i64, int64_t, true),     ROWS(u32, uint32_t, false),
	ROWS(u64, uint64_t, false), ROWS(uptr, uintptr_t, false),
};

#define TYPE_ROW(X, T, is_signed)                                                                              \
	{                                                                                                      \
#X, 8 * sizeof(T), is_signed,                                                                  \
			{call_##X##_load, call_##X##_load_acquire, call_##X##_load_relaxed },                  \
		{                                                                                              \
			call_##X##_store, call_##X##_store_release, call_##X##_store_relaxed                   \
		}                                                                                              \
	}

static const struct integer_type integer_types[] = {
	TYPE_ROW(i32, int32_t, true),   TYPE_ROW(i64, int64_t, true),     TYPE_ROW(u32, uint32_t, false),
	TYPE_ROW(u64, uint64_t, false), TYPE_ROW(uptr, uintptr_t, false),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A number as a variable of that width and sign would give it back. */
static inline uint64_t as_stored(uint64_t value, unsigned bits, bool is_signed)
{
	if (bits == 64)
		return value;
	value &= (UINT64_C(1) << bits) - 1;
	if (is_signed && value >> (bits - 1))
		value |= ~UINT64_C(0) << bits;
	return value;
}

static inline bool is_less(uint64_t a, uint64_t b, bool is_signed)
{
	return is_signed ? (int64_t)a < (int64_t)b : a < b;
}

#undef CALL
#undef CALLS
#undef LOAD
#undef STORE
#undef TYPE
#undef ROW
#undef ROWS
#undef TYPE_ROW
#endif
