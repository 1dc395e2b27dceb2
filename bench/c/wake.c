/* What the kernel and the machine take for sleeping and waking: it bounds what a second worker can gain.
 *
 *     wake pay SAMPLES        microseconds that the caller of futex wake spends
 *     wake run SAMPLES        microseconds from that call until the woken thread runs on another CPU
 *     wake timeout SAMPLES    microseconds that a futex wait of 50 us takes, at a timer slack of 1 us
 */
#include "../common/bench.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint32_t word, waits;
static _Atomic int64_t ran;

static void futex(int operation, uint32_t value, const struct timespec *timeout)
{
	syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, timeout, NULL, 0);
}

static void *sleeper(void *arg)
{
	uint32_t rounds = *(uint32_t *)arg;

	for (uint32_t i = 0; i < rounds; i++) {
		atomic_store(&waits, i + 1);
		while (atomic_load(&word) == i)
			futex(FUTEX_WAIT, i, NULL);
		atomic_store(&ran, bench_clock(CLOCK_MONOTONIC));
	}
	return NULL;
}

static void spin_until(int64_t time)
{
	while (bench_clock(CLOCK_MONOTONIC) < time)
		;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "run";
	uint32_t rounds = (uint32_t)bench_argument(argc, argv, 2, 100);
	pthread_t thread;

	if (!strcmp(what, "timeout")) {
		struct timespec timeout = {.tv_nsec = 50000};
		prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
		for (uint32_t i = 0; i < rounds; i++) {
			int64_t start = bench_clock(CLOCK_MONOTONIC);
			futex(FUTEX_WAIT, 0, &timeout);
			printf("timeout %.3f us\n", (double)(bench_clock(CLOCK_MONOTONIC) - start) / 1e3);
		}
		return 0;
	}
	if (pthread_create(&thread, NULL, sleeper, &rounds))
		bench_fail("cannot start a thread");
	for (uint32_t i = 0; i < rounds; i++) {
		while (atomic_load(&waits) != i + 1)
			;
		spin_until(bench_clock(CLOCK_MONOTONIC) + 200000); /* long enough to be asleep */
		atomic_store(&ran, 0);
		atomic_store(&word, i + 1);
		int64_t start = bench_clock(CLOCK_MONOTONIC);
		futex(FUTEX_WAKE, 1, NULL);
		int64_t paid = bench_clock(CLOCK_MONOTONIC) - start;
		while (!atomic_load(&ran))
			;
		printf("%s %.3f us\n", what,
		       (double)(strcmp(what, "pay") ? atomic_load(&ran) - start : paid) / 1e3);
	}
	pthread_join(thread, NULL);
	return 0;
}
