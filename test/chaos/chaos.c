/* chaos.c - the delays of the chaos builds. What each thread does follows from TALLY_CHAOS_SEED, 1 if there is
 * none, and from the order in which threads come here first. */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

void tally__chaos(void);

static uint32_t seed = 1, threads;

__attribute__((constructor)) static void start(void)
{
	const char *text = getenv("TALLY_CHAOS_SEED");

	if (text != NULL)
		seed = (uint32_t)strtoul(text, NULL, 10);
}

static uint32_t next(void)
{
	static _Thread_local uint32_t state;

	if (state == 0)
		state = seed * 2654435761U + (1 + __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED)) * 40503U;
	if (state == 0)
		state = 1;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

void tally__chaos(void)
{
	uint32_t random = next();

	if (random % 4 != 0)
		return;
	random /= 4;
	if (random % 4096 == 0) {
		struct timespec moment = {.tv_nsec = 1 + random / 4096 % 50000};
		int error = errno;

		nanosleep(&moment, NULL);
		errno = error;
	} else if (random % 128 == 0) {
		sched_yield();
	} else {
		for (uint32_t i = random / 128 % 64; i > 0; i--)
			__asm__ __volatile__("");
	}
}
