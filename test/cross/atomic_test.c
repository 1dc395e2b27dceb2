/* Typed atomics where there is no test framework: what compilers could get wrong from target to target. */
#include <stdio.h>
#include <tally/atomic.h>

static int failures;

#define EXPECT(condition)                                                                                      \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
			failures++;                                                                            \
		}                                                                                              \
	} while (0)

int main(void)
{
	static struct {
		char before;
		tally_atomic_u64 value;
	} wide;
	tally_atomic_i32 small = {0};

	EXPECT(_Alignof(tally_atomic_u64) == 8 && sizeof(wide) == 16);
	EXPECT(tally_atomic_u64_add(&wide.value, UINT64_MAX) == UINT64_MAX);
	EXPECT(tally_atomic_u64_add(&wide.value, 1) == 0);
	EXPECT(tally_atomic_u64_sub(&wide.value, 1) == UINT64_MAX);
	EXPECT(tally_atomic_u64_compare_and_swap(&wide.value, UINT64_MAX, UINT64_C(1) << 40));
	EXPECT(!tally_atomic_u64_compare_and_swap(&wide.value, 0, 7));
	EXPECT(tally_atomic_u64_load(&wide.value) == UINT64_C(1) << 40);
	EXPECT(tally_atomic_i32_add(&small, INT32_MIN) == INT32_MIN);
	EXPECT(tally_atomic_i32_sub(&small, 1) == INT32_MAX);
	EXPECT(tally_atomic_i32_min(&small, -1) == INT32_MAX);
	EXPECT(tally_atomic_i32_max(&small, 3) == -1);
	EXPECT(tally_atomic_i32_load(&small) == 3);
	return failures != 0;
}
