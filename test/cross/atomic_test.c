/* What each call of tally/atomic.h returns and leaves behind, for every type and order, against plain
 * arithmetic. Values at both ends of each type show that everything wraps around. */
#include "expect.h"
#include "integers.h"

/* The variable between two others, which no call may touch. */
union cell {
	tally_atomic_u32 narrow[2];
	tally_atomic_u64 wide;
	uint64_t bits;
};
static union cell cells[3];

#define GUARD UINT64_C(0x5bd1e995deadbeef)

static uint64_t values[32];

static void make_values(void)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		UINT64_MAX,
		UINT64_MAX - 1,
		INT32_MAX,
		(uint64_t)INT32_MIN,
		INT64_MAX,
		(uint64_t)INT64_MIN,
		UINT32_MAX,
		UINT64_C(1) << 32,
		UINT64_C(0x5555555555555555),
		UINT64_C(0xaaaaaaaaaaaaaaaa),
	};
	uint64_t x = 88172645463325252;

	for (size_t i = 0; i < COUNT(values); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		values[i] = i < COUNT(edges) ? edges[i] : x;
	}
}

/* The bytes of the variable, and those after it that a narrow one does not own. */
static uint64_t bits_left(unsigned bits)
{
	EXPECT(cells[0].bits == GUARD && cells[2].bits == GUARD, "a neighbour was written");
	if (bits == 64)
		return tally_atomic_u64_load(&cells[1].wide);
	EXPECT(tally_atomic_u32_load(&cells[1].narrow[1]) == (uint32_t)GUARD,
	       "the next four bytes were written");
	return tally_atomic_u32_load(&cells[1].narrow[0]);
}

static void *variable(uint64_t value, unsigned bits)
{
	cells[0].bits = cells[1].bits = cells[2].bits = GUARD;
	if (bits == 64) {
		tally_atomic_u64_store(&cells[1].wide, value);
	} else {
		tally_atomic_u32_store(&cells[1].narrow[0], (uint32_t)value);
		tally_atomic_u32_store(&cells[1].narrow[1], (uint32_t)GUARD);
	}
	return &cells[1];
}

/* One call on a variable that holds a: what it returns, and what is in the variable then. */
static void check(const struct integer_calls *calls, const char *call, uint64_t (*function)(void *, uint64_t),
		  uint64_t a, uint64_t b, uint64_t expected_return, uint64_t expected_value)
{
	uint64_t returned = function(variable(a, calls->bits), b);
	uint64_t left = as_stored(bits_left(calls->bits), calls->bits, calls->is_signed);

	expected_return = as_stored(expected_return, calls->bits, calls->is_signed);
	expected_value = as_stored(expected_value, calls->bits, calls->is_signed);
	EXPECT(returned == expected_return && left == expected_value,
	       "tally_atomic_%s %s of %llx and %llx: returned %llx, left %llx, not %llx and %llx", calls->name,
	       call, (unsigned long long)a, (unsigned long long)b, (unsigned long long)returned,
	       (unsigned long long)left, (unsigned long long)expected_return,
	       (unsigned long long)expected_value);
}

static void check_compare_and_swap(const struct integer_calls *calls, uint64_t a, uint64_t b)
{
	uint64_t left;

	EXPECT(calls->compare_and_swap(variable(a, calls->bits), a, b), "%s refused an equal value",
	       calls->name);
	left = as_stored(bits_left(calls->bits), calls->bits, calls->is_signed);
	EXPECT(left == as_stored(b, calls->bits, calls->is_signed), "%s did not store", calls->name);

	EXPECT(!calls->compare_and_swap(variable(a, calls->bits), a ^ 1, b), "%s took another value",
	       calls->name);
	left = as_stored(bits_left(calls->bits), calls->bits, calls->is_signed);
	EXPECT(left == a, "%s stored where it should not", calls->name);
}

static void check_calls(const struct integer_calls *calls)
{
	for (size_t i = 0; i < COUNT(values); i++) {
		for (size_t j = 0; j < COUNT(values); j++) {
			uint64_t a = as_stored(values[i], calls->bits, calls->is_signed);
			uint64_t b = as_stored(values[j], calls->bits, calls->is_signed);
			bool less = is_less(b, a, calls->is_signed);

			check(calls, "swap", calls->swap, a, b, a, b);
			check(calls, "add", calls->add, a, b, a + b, a + b);
			check(calls, "sub", calls->sub, a, b, a - b, a - b);
			check(calls, "fetch_add", calls->fetch_add, a, b, a, a + b);
			check(calls, "and", calls->and_, a, b, a, a & b);
			check(calls, "or", calls->or_, a, b, a, a | b);
			check(calls, "xor", calls->xor_, a, b, a, a ^ b);
			check(calls, "min", calls->min, a, b, a, less ? b : a);
			check(calls, "max", calls->max, a, b, a, less ? a : b);
			check_compare_and_swap(calls, a, b);
		}
	}
}

static void check_loads_and_stores(const struct integer_type *type)
{
	for (size_t i = 0; i < COUNT(values); i++) {
		for (size_t form = 0; form < 3; form++) {
			uint64_t a = as_stored(values[i], type->bits, type->is_signed);

			EXPECT(type->load[form](variable(a, type->bits)) == a, "%s load form %zu", type->name,
			       form);
			type->store[form](variable(~a, type->bits), a);
			EXPECT(as_stored(bits_left(type->bits), type->bits, type->is_signed) == a,
			       "%s store form %zu", type->name, form);
		}
	}
}

/* The calls of bool and ptr in one order for reading and one for writing. */
#define CHECK_BOOL(suffix)                                                                                     \
	do {                                                                                                   \
		tally_atomic_bool flag = {0};                                                                  \
		EXPECT(!tally_atomic_bool_swap##suffix(&flag, true), "bool swap of false");                    \
		EXPECT(tally_atomic_bool_swap##suffix(&flag, true), "bool swap of true");                      \
		EXPECT(!tally_atomic_bool_compare_and_swap##suffix(&flag, false, false), "bool CAS, other");   \
		EXPECT(tally_atomic_bool_load(&flag), "bool CAS stored");                                      \
		EXPECT(tally_atomic_bool_compare_and_swap##suffix(&flag, true, false), "bool CAS, equal");     \
		EXPECT(!tally_atomic_bool_load(&flag), "bool CAS did not store");                              \
	} while (0)
#define CHECK_PTR(suffix)                                                                                      \
	do {                                                                                                   \
		int a, b;                                                                                      \
		tally_atomic_ptr pointer = {0};                                                                \
		EXPECT(tally_atomic_ptr_swap##suffix(&pointer, &a) == NULL, "ptr swap of NULL");               \
		EXPECT(!tally_atomic_ptr_compare_and_swap##suffix(&pointer, &b, NULL), "ptr CAS, other");      \
		EXPECT(tally_atomic_ptr_load(&pointer) == &a, "ptr CAS stored");                               \
		EXPECT(tally_atomic_ptr_compare_and_swap##suffix(&pointer, &a, &b), "ptr CAS, equal");         \
		EXPECT(tally_atomic_ptr_swap##suffix(&pointer, NULL) == &b, "ptr CAS did not store");          \
		EXPECT(tally_atomic_ptr_load(&pointer) == NULL, "ptr swap to NULL");                           \
	} while (0)
#define CHECK_STORE(load_suffix, store_suffix)                                                                 \
	do {                                                                                                   \
		int a;                                                                                         \
		tally_atomic_bool flag = {0};                                                                  \
		tally_atomic_ptr pointer = {0};                                                                \
		EXPECT(!tally_atomic_bool_load##load_suffix(&flag), "bool zero");                              \
		tally_atomic_bool_store##store_suffix(&flag, true);                                            \
		EXPECT(tally_atomic_bool_load##load_suffix(&flag), "bool true");                               \
		tally_atomic_bool_store##store_suffix(&flag, false);                                           \
		EXPECT(!tally_atomic_bool_load##load_suffix(&flag), "bool false");                             \
		EXPECT(tally_atomic_ptr_load##load_suffix(&pointer) == NULL, "ptr zero");                      \
		tally_atomic_ptr_store##store_suffix(&pointer, &a);                                            \
		EXPECT(tally_atomic_ptr_load##load_suffix(&pointer) == &a, "ptr");                             \
	} while (0)

static void check_bool_and_ptr(void)
{
	int two = 2;
	union {
		tally_atomic_bool flag;
		uint32_t bits;
	} looked_at = {{0}};

	CHECK_BOOL();
	CHECK_BOOL(_acq_rel);
	CHECK_BOOL(_acquire);
	CHECK_BOOL(_release);
	CHECK_BOOL(_relaxed);
	CHECK_PTR();
	CHECK_PTR(_acq_rel);
	CHECK_PTR(_acquire);
	CHECK_PTR(_release);
	CHECK_PTR(_relaxed);
	CHECK_STORE(, );
	CHECK_STORE(_acquire, _release);
	CHECK_STORE(_relaxed, _relaxed);

	/* As Go's Bool: a uint32 that is 0 or 1, whatever was taken for true. */
	tally_atomic_bool_store(&looked_at.flag, two);
	EXPECT(looked_at.bits == 1, "true is stored as %u", (unsigned)looked_at.bits);
}

/* Static zero, without a call to set it up. */
static void check_zero(void)
{
	static tally_atomic_i32 i32;
	static tally_atomic_i64 i64;
	static tally_atomic_u32 u32;
	static tally_atomic_u64 u64;
	static tally_atomic_uptr uptr;

	EXPECT(tally_atomic_i32_load(&i32) == 0 && tally_atomic_i64_load(&i64) == 0 &&
		       tally_atomic_u32_load(&u32) == 0 && tally_atomic_u64_load(&u64) == 0 &&
		       tally_atomic_uptr_load(&uptr) == 0,
	       "not zero at the start");
	EXPECT(tally_atomic_u64_add(&u64, UINT64_MAX) == UINT64_MAX && tally_atomic_u64_add(&u64, 1) == 0,
	       "the largest uint64_t and 1 are not 0");
	EXPECT(tally_atomic_i32_add(&i32, INT32_MAX) == INT32_MAX && tally_atomic_i32_add(&i32, 1) == INT32_MIN,
	       "the largest int32_t and 1 are not the smallest");
	/* Go's way to take c from an unsigned number. */
	EXPECT(tally_atomic_u32_add(&u32, 10) == 10 && tally_atomic_u32_add(&u32, ~(uint32_t)(3 - 1)) == 7,
	       "adding the complement does not subtract");
}

int main(void)
{
	make_values();
	check_zero();
	for (size_t i = 0; i < COUNT(integer_types); i++)
		check_loads_and_stores(&integer_types[i]);
	for (size_t i = 0; i < COUNT(integer_calls); i++)
		check_calls(&integer_calls[i]);
	check_bool_and_ptr();
	return finish();
}
