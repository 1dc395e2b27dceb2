/* For programs without a test framework: EXPECT tells what does not hold, and goes on; main returns finish().
 */
#ifndef TEST_CROSS_EXPECT_H_
#define TEST_CROSS_EXPECT_H_

#include <stdio.h>
#include <tally/atomic.h>

static tally_atomic_u32 expect_failures;

/* A failed condition, and after it what a printf-like format makes of the values at hand. */
#define EXPECT(condition, ...)                                                                                 \
	do {                                                                                                   \
		if (!(condition) && tally_atomic_u32_add(&expect_failures, 1) <= 20) {                         \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
			fprintf(stderr, __VA_ARGS__);                                                          \
			fputc('\n', stderr);                                                                   \
		}                                                                                              \
	} while (0)

static inline int finish(void)
{
	uint32_t failures = tally_atomic_u32_load(&expect_failures);

	if (failures != 0)
		fprintf(stderr, "%u failures\n", (unsigned)failures);
	return failures != 0;
}

#endif
