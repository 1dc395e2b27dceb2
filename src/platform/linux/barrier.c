/* The asymmetric barrier: Linux' membarrier, where the kernel grants it. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tally/atomic.h>

#include "platform/cpus.h"
#include "platform/die.h"

/* <linux/membarrier.h> is not there for every C library. */
enum {
	MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4,
};

/* Set from UNASKED once, by tally__heavy_barrier_start; never changed again. */
enum { BARRIER_UNASKED = 0, BARRIER_READY = 1, BARRIER_REFUSED = 2 };
static tally_atomic_u32 barrier_state;

static int membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0) == 0 ? 0 : -errno;
}

void tally__heavy_barrier_start(void)
{
	int saved = errno;
	uint32_t answer = BARRIER_REFUSED;

	if (tally_atomic_u32_load(&barrier_state) != BARRIER_UNASKED)
		return;
	/* It must be registered and also work: emulators and seccomp filters may grant the one only. */
	if (membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) == 0 &&
	    membarrier(MEMBARRIER_PRIVATE_EXPEDITED) == 0)
		answer = BARRIER_READY;
	errno = saved;
	/* Threads that start at once may get different answers, if a filter comes in between: the first holds.
	 */
	tally_atomic_u32_compare_and_swap(&barrier_state, BARRIER_UNASKED, answer);
}

bool tally__heavy_barrier_ready(void)
{
	/* The word guards nothing but itself.
	 * pairs with barrier.c:tally__heavy_barrier_start */
	return tally_atomic_u32_load_relaxed(&barrier_state) == BARRIER_READY;
}

void tally__heavy_barrier(void)
{
	int saved = errno;
	int result;

	if (!tally__heavy_barrier_ready())
		return;
	result = membarrier(MEMBARRIER_PRIVATE_EXPEDITED);
	if (result == -EPERM && membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) == 0)
		result = membarrier(MEMBARRIER_PRIVATE_EXPEDITED);
	/* The other sides have left out their barriers by now: without this one, wake-ups would be lost. */
	if (result != 0)
		tally__die("the system takes back its memory barrier: error %d", -result);
	errno = saved;
}
