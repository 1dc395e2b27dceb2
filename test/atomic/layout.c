/* Prints the layout of every type, for test/atomic/layout_test.sh; C and C++ alike. */
#include <stdio.h>
#include <tally/atomic.h>

#ifdef __cplusplus
#define ALIGNOF alignof
#else
#define ALIGNOF _Alignof
#endif

#define PRINT(X)                                                                                               \
	do {                                                                                                   \
		struct between {                                                                               \
			char before;                                                                           \
			tally_atomic_##X value;                                                                \
			char after;                                                                            \
			tally_atomic_##X more[2];                                                              \
		};                                                                                             \
		static struct between object;                                                                  \
		printf("%-4s size %d align %d at %d, %d, struct %d, misplaced %d\n", #X,                       \
		       (int)sizeof(tally_atomic_##X), (int)ALIGNOF(tally_atomic_##X),                          \
		       (int)offsetof(struct between, value), (int)offsetof(struct between, more),              \
		       (int)sizeof(struct between),                                                            \
		       (int)((uintptr_t)&object.value % sizeof(tally_atomic_##X)));                            \
	} while (0)

int main(void)
{
	PRINT(i32);
	PRINT(u32);
	PRINT(bool);
	PRINT(i64);
	PRINT(u64);
	PRINT(uptr);
	PRINT(ptr);
	return 0;
}
