/* Cases for ThreadSanitizer: each a function whose name begins with `race` or `norace`, run in a process of its
 * own by cases_test.py. The lines that race bear the comment RACY: what is reported must be two of them. */
#ifndef TALLY_TEST_RACE_CASES_H_
#define TALLY_TEST_RACE_CASES_H_

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tally/tally.h>
#include <time.h>
#include <unistd.h>

void add_case(const char *name, void (*run)(void));

#define CASE(name)                                                                                             \
	static void name(void);                                                                                \
	__attribute__((constructor)) static void add_##name(void)                                              \
	{                                                                                                      \
		add_case(#name, name);                                                                         \
	}                                                                                                      \
	static void name(void)

/* Flags that order nothing: ThreadSanitizer takes relaxed accesses for what they are. */
typedef tally_atomic_u32 flag;

static inline void pause_a_little(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* From the 1st call to the nth on different threads of control. */
static inline void raise_flag(flag *flag)
{
	tally_atomic_u32_fetch_add_relaxed(flag, 1);
}

/* In a plain thread. */
static inline void await_flag(flag *flag, uint32_t value)
{
	while (tally_atomic_u32_load_relaxed(flag) < value)
		pause_a_little();
}

/* In a task: others of the same thread go on meanwhile. */
static inline void yield_to_flag(flag *flag, uint32_t value)
{
	while (tally_atomic_u32_load_relaxed(flag) < value) {
		tally_yield();
		pause_a_little();
	}
}

static inline int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Ends the case as failed, whatever ThreadSanitizer says. */
#define EXPECT(condition)                                                                                      \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
			_exit(1);                                                                              \
		}                                                                                              \
	} while (0)

#endif
