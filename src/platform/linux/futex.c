/* Sleeping and waking by the futex calls of Linux. */
#include "platform/futex.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/clock.h"
#include "platform/die.h"

/* <linux/futex.h> is not there for every C library. */
enum {
	FUTEX_PRIVATE_WAKE = 1 | 128,        /* FUTEX_WAKE | FUTEX_PRIVATE_FLAG */
	FUTEX_PRIVATE_WAIT_BITSET = 9 | 128, /* an absolute deadline, of CLOCK_MONOTONIC */
};
static const uint32_t EVERY_WAKER = UINT32_MAX;

/* What the kernel reads as a time, whatever the C library thinks of its own struct timespec. */
struct time64 {
	int64_t seconds;
	int64_t nanoseconds;
};
struct time_long {
	long seconds;
	long nanoseconds;
};

static long wait_long(tally_atomic_u32 *word, uint32_t expected, const struct time64 *until)
{
	struct time_long narrow = {0, 0};

	if (until) {
		/* Where long has 32 bits, what it cannot say is about 68 years of uptime away: as good as
		 * never. */
		if (until->seconds > LONG_MAX)
			until = NULL;
		else
			narrow = (struct time_long){(long)until->seconds, (long)until->nanoseconds};
	}
	return syscall(SYS_futex, word, FUTEX_PRIVATE_WAIT_BITSET, expected, until ? &narrow : NULL, NULL,
		       EVERY_WAKER);
}

static long wait_until(tally_atomic_u32 *word, uint32_t expected, const struct time64 *until)
{
#ifdef SYS_futex_time64
	/* 32-bit targets since Linux 5.1; before it the kernel says ENOSYS. */
	if (syscall(SYS_futex_time64, word, FUTEX_PRIVATE_WAIT_BITSET, expected, until, NULL, EVERY_WAKER) == 0)
		return 0;
	if (errno != ENOSYS)
		return -1;
#endif
	return wait_long(word, expected, until);
}

int tally__futex_wait(tally_atomic_u32 *word, uint32_t expected, int64_t deadline)
{
	/* The kernel refuses times before 0, the start of this clock; they are as much in the past as 0 is. */
	int64_t when = deadline < 0 ? 0 : deadline;
	struct time64 until = {when / 1000000000, when % 1000000000};
	int saved = errno;
	int result = 0;

	if (wait_until(word, expected, deadline == TALLY__FOREVER ? NULL : &until) != 0)
		result = -errno;
	errno = saved;
	/* Callers wait in loops: an answer that they do not know would make them spin for ever. */
	if (result != 0 && result != -EAGAIN && result != -EINTR && result != -ETIMEDOUT)
		tally__die("the system refuses to wait on a futex at %p: error %d", (void *)word, -result);
	return result;
}

void tally__futex_wake(tally_atomic_u32 *word, int count)
{
	int saved = errno;

	/* Asked to wake none, the kernel wakes one. */
	if (count <= 0)
		return;
	syscall(SYS_futex, word, FUTEX_PRIVATE_WAKE, count, NULL, NULL, 0);
	errno = saved;
}
