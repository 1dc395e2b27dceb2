/* test/include/faults.h - calls of the C library that fail when a test wants it.
 *
 * The program's own functions stand in front of the C library's, for libtally too, which is linked statically.
 * Nothing fails before fault_arm. The C library's own calls among themselves are not met.
 */
#ifndef TALLY_TEST_FAULTS_H_
#define TALLY_TEST_FAULTS_H_

#include "child.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <tally/atomic.h>

enum fault {
	FAULT_MMAP,
	FAULT_MPROTECT,
	FAULT_MADVISE,
	FAULT_THREAD_CREATE,
	FAULT_SETSPECIFIC,
	FAULT_KEY_CREATE,
	FAULT_SIGALTSTACK,
	FAULT_SIGACTION,
	FAULT_MEMBARRIER,
	FAULT_FUTEX_WAIT,
	FAULTS,
};

static const char *const fault_names[FAULTS] = {
	"mmap",        "mprotect",  "madvise",    "pthread_create", "pthread_setspecific", "pthread_key_create",
	"sigaltstack", "sigaction", "membarrier", "futex wait",
};

static struct {
	tally_atomic_u64 first; /* call that fails, counted from 1; 0: none */
	tally_atomic_u64 last;
	tally_atomic_u64 calls; /* since it was armed */
	tally_atomic_u64 failed;
} fault_plans[FAULTS];

/* From now on, calls number first to last of the function fail. */
static inline void fault_arm(enum fault fault, uint64_t first, uint64_t last)
{
	tally_atomic_u64_store(&fault_plans[fault].last, last);
	tally_atomic_u64_store(&fault_plans[fault].calls, 0);
	tally_atomic_u64_store(&fault_plans[fault].first, first);
}

static inline void fault_disarm(void)
{
	for (int i = 0; i < FAULTS; i++)
		tally_atomic_u64_store(&fault_plans[i].first, 0);
}

static inline uint64_t fault_count(enum fault fault)
{
	return tally_atomic_u64_load(&fault_plans[fault].failed);
}

static inline bool fault_fails(enum fault fault)
{
	uint64_t first = tally_atomic_u64_load(&fault_plans[fault].first);
	if (first == 0)
		return false;
	uint64_t call = tally_atomic_u64_add(&fault_plans[fault].calls, 1);
	if (call < first || call > tally_atomic_u64_load(&fault_plans[fault].last))
		return false;
	tally_atomic_u64_add(&fault_plans[fault].failed, 1);
	return true;
}

/* The C library's own, found once. */
#define REAL(name)                                                                                             \
	static tally_atomic_uptr found;                                                                        \
	if (tally_atomic_uptr_load(&found) == 0)                                                               \
		tally_atomic_uptr_store(&found, (uintptr_t)dlsym(RTLD_NEXT, #name));                           \
	__typeof__(&name) real = (__typeof__(&name))tally_atomic_uptr_load(&found)

void *mmap(void *start, size_t bytes, int protection, int flags, int file, off_t offset)
{
	REAL(mmap);
	if (fault_fails(FAULT_MMAP)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return real(start, bytes, protection, flags, file, offset);
}

int mprotect(void *start, size_t bytes, int protection)
{
	REAL(mprotect);
	if (fault_fails(FAULT_MPROTECT)) {
		errno = ENOMEM;
		return -1;
	}
	return real(start, bytes, protection);
}

int madvise(void *start, size_t bytes, int advice)
{
	REAL(madvise);
	if (fault_fails(FAULT_MADVISE)) {
		errno = EINVAL;
		return -1;
	}
	return real(start, bytes, advice);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg)
{
	REAL(pthread_create);
	return fault_fails(FAULT_THREAD_CREATE) ? EAGAIN : real(thread, attributes, fn, arg);
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
	REAL(pthread_setspecific);
	return fault_fails(FAULT_SETSPECIFIC) ? ENOMEM : real(key, value);
}

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *))
{
	REAL(pthread_key_create);
	return fault_fails(FAULT_KEY_CREATE) ? EAGAIN : real(key, destroy);
}

int sigaltstack(const stack_t *wanted, stack_t *before)
{
	REAL(sigaltstack);
	if (fault_fails(FAULT_SIGALTSTACK)) {
		errno = EPERM;
		return -1;
	}
	return real(wanted, before);
}

int sigaction(int signal, const struct sigaction *wanted, struct sigaction *before)
{
	REAL(sigaction);
	if (fault_fails(FAULT_SIGACTION)) {
		errno = EINVAL;
		return -1;
	}
	return real(signal, wanted, before);
}

long syscall(long number, ...)
{
	long arguments[6];
	va_list list;
	REAL(syscall);
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_membarrier && fault_fails(FAULT_MEMBARRIER)) {
		errno = EPERM;
		return -1;
	}
	/* The library's one way to wait: FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG. A signal may come at any time.
	 */
	if (number == SYS_futex && arguments[1] == (9 | 128) && fault_fails(FAULT_FUTEX_WAIT)) {
		errno = EINTR;
		return -1;
	}
	return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

#endif
