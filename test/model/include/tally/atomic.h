/* tally/atomic.h as models see it: the types and calls of the library's own header, each operation handed to
 * the explorer with its place in the source.
 *
 * The calls take the place as their first argument. <places.h> gives each call a macro of the same name that
 * adds it; the build writes that file from the list of calls that the library's own header has, so a call that
 * is missing here does not compile. */
#ifndef TALLY_ATOMIC_H_
#define TALLY_ATOMIC_H_

#include <tally/base.h>

struct model_place;

enum model_order { MODEL_RELAXED, MODEL_ACQUIRE, MODEL_RELEASE, MODEL_ACQ_REL, MODEL_SEQ_CST };

enum model_update {
	MODEL_SWAP,
	MODEL_ADD,
	MODEL_SUB,
	MODEL_AND,
	MODEL_OR,
	MODEL_XOR,
	MODEL_MIN,
	MODEL_MAX,
	MODEL_MIN_SIGNED,
	MODEL_MAX_SIGNED
};

/* Values travel as uint64_t, cut to `bytes`, 4 or 8. An update returns the old value. */
uint64_t model__load(const struct model_place *at, const void *p, unsigned bytes, enum model_order order);
void model__store(const struct model_place *at, void *p, unsigned bytes, uint64_t value,
		  enum model_order order);
uint64_t model__update(const struct model_place *at, void *p, unsigned bytes, enum model_update update,
		       uint64_t value, enum model_order order);
bool model__compare_and_swap(const struct model_place *at, void *p, unsigned bytes, uint64_t old,
			     uint64_t value, enum model_order order);

#define MODEL_TYPE(name, T, storage)                                                                           \
	typedef struct name {                                                                                  \
		storage value_ __attribute__((aligned(sizeof(storage))));                                      \
	} name;

#define MODEL_LOAD(name, T, storage, suffix, order)                                                            \
	static inline T name##_load##suffix(const struct model_place *at, const name *p)                       \
	{                                                                                                      \
		return (T)(storage)model__load(at, p, sizeof(storage), order);                                 \
	}
#define MODEL_STORE(name, T, storage, suffix, order)                                                           \
	static inline void name##_store##suffix(const struct model_place *at, name *p, T value)                \
	{                                                                                                      \
		model__store(at, p, sizeof(storage), (uint64_t)(uintptr_t)value, order);                       \
	}
#define MODEL_REPLACE(name, T, storage, suffix, order)                                                         \
	static inline T name##_swap##suffix(const struct model_place *at, name *p, T value)                    \
	{                                                                                                      \
		return (T)(storage)model__update(at, p, sizeof(storage), MODEL_SWAP,                           \
						 (uint64_t)(uintptr_t)value, order);                           \
	}                                                                                                      \
	static inline bool name##_compare_and_swap##suffix(const struct model_place *at, name *p, T old,       \
							   T value)                                            \
	{                                                                                                      \
		return model__compare_and_swap(at, p, sizeof(storage), (uint64_t)(uintptr_t)old,               \
					       (uint64_t)(uintptr_t)value, order);                             \
	}

#define MODEL_COMMON(name, T, storage)                                                                         \
	MODEL_TYPE(name, T, storage)                                                                           \
	MODEL_LOAD(name, T, storage, , MODEL_SEQ_CST)                                                          \
	MODEL_LOAD(name, T, storage, _acquire, MODEL_ACQUIRE)                                                  \
	MODEL_LOAD(name, T, storage, _relaxed, MODEL_RELAXED)                                                  \
	MODEL_STORE(name, T, storage, , MODEL_SEQ_CST)                                                         \
	MODEL_STORE(name, T, storage, _release, MODEL_RELEASE)                                                 \
	MODEL_STORE(name, T, storage, _relaxed, MODEL_RELAXED)                                                 \
	MODEL_REPLACE(name, T, storage, , MODEL_SEQ_CST)                                                       \
	MODEL_REPLACE(name, T, storage, _acq_rel, MODEL_ACQ_REL)                                               \
	MODEL_REPLACE(name, T, storage, _acquire, MODEL_ACQUIRE)                                               \
	MODEL_REPLACE(name, T, storage, _release, MODEL_RELEASE)                                               \
	MODEL_REPLACE(name, T, storage, _relaxed, MODEL_RELAXED)

#define MODEL_UPDATE(name, T, verb, suffix, update, order)                                                     \
	static inline T name##_##verb##suffix(const struct model_place *at, name *p, T value)                  \
	{                                                                                                      \
		return (T)model__update(at, p, sizeof(T), update, (uint64_t)value, order);                     \
	}

#define MODEL_ARITHMETIC(name, T, U, sign, suffix, order)                                                      \
	MODEL_UPDATE(name, T, fetch_add, suffix, MODEL_ADD, order)                                             \
	MODEL_UPDATE(name, T, and, suffix, MODEL_AND, order)                                                   \
	MODEL_UPDATE(name, T, or, suffix, MODEL_OR, order)                                                     \
	MODEL_UPDATE(name, T, xor, suffix, MODEL_XOR, order)                                                   \
	MODEL_UPDATE(name, T, min, suffix, MODEL_MIN##sign, order)                                             \
	MODEL_UPDATE(name, T, max, suffix, MODEL_MAX##sign, order)                                             \
	static inline T name##_add##suffix(const struct model_place *at, name *p, T n)                         \
	{                                                                                                      \
		return (T)((U)model__update(at, p, sizeof(T), MODEL_ADD, (uint64_t)n, order) + (U)n);          \
	}                                                                                                      \
	static inline T name##_sub##suffix(const struct model_place *at, name *p, T n)                         \
	{                                                                                                      \
		return (T)((U)model__update(at, p, sizeof(T), MODEL_SUB, (uint64_t)n, order) - (U)n);          \
	}

#define MODEL_INTEGER(name, T, U, sign)                                                                        \
	MODEL_COMMON(name, T, T)                                                                               \
	MODEL_ARITHMETIC(name, T, U, sign, , MODEL_SEQ_CST)                                                    \
	MODEL_ARITHMETIC(name, T, U, sign, _acq_rel, MODEL_ACQ_REL)                                            \
	MODEL_ARITHMETIC(name, T, U, sign, _acquire, MODEL_ACQUIRE)                                            \
	MODEL_ARITHMETIC(name, T, U, sign, _release, MODEL_RELEASE)                                            \
	MODEL_ARITHMETIC(name, T, U, sign, _relaxed, MODEL_RELAXED)

MODEL_INTEGER(tally_atomic_i32, int32_t, uint32_t, _SIGNED)
MODEL_INTEGER(tally_atomic_i64, int64_t, uint64_t, _SIGNED)
MODEL_INTEGER(tally_atomic_u32, uint32_t, uint32_t, )
MODEL_INTEGER(tally_atomic_u64, uint64_t, uint64_t, )
MODEL_INTEGER(tally_atomic_uptr, uintptr_t, uintptr_t, )
MODEL_COMMON(tally_atomic_bool, bool, uint32_t)
MODEL_COMMON(tally_atomic_ptr, void *, uintptr_t)

#include <model.h>
#include <places.h>

#endif
