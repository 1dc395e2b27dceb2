/* Mappings that processes share, on Linux: address space first, memory later. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tally/atomic.h>

#include "platform/sharedfile.h"

enum {
	ADVICE_POPULATE_WRITE = 23, /* MADV_POPULATE_WRITE, Linux 5.14 */
	ADVICE_UNKNOWN = 0x7f00,    /* what no kernel knows */

	/* Of linux/futex.h, which not every C library's compiler finds. */
	FUTEX_WAKE_OPERATION_PRIVATE = 5 | 128,
	FUTEX_OR_NOTHING = 2 << 28, /* *second |= 0; then wake nobody there */
};

size_t tally__page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void *map(size_t shared, size_t own, int descriptor)
{
	int flags = descriptor < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	/* Nothing is accessible: what locks all its memory (mlockall) must not be given all of this. */
	char *start = mmap(NULL, shared + own, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	if (mmap(start, shared, PROT_NONE, flags | MAP_FIXED | MAP_NORESERVE, descriptor, 0) == MAP_FAILED) {
		munmap(start, shared + own);
		return NULL;
	}
	madvise(start, shared + own, MADV_DONTDUMP);
	/* A huge page would cost 2 MB for one cell. */
	madvise(start, shared + own, MADV_NOHUGEPAGE);
	return start;
}

void *tally__shared_map(int descriptor, size_t shared, size_t own)
{
	int saved = errno;
	void *start = map(shared, own, descriptor);

	errno = saved;
	return start;
}

void tally__shared_unmap(void *start, size_t bytes)
{
	int saved = errno;

	munmap(start, bytes);
	errno = saved;
}

/* The whole pages that a range touches. */
struct span {
	char *start;
	size_t bytes;
};

static struct span pages_of(void *start, size_t bytes)
{
	size_t page = tally__page_bytes();
	size_t before = (uintptr_t)start & (page - 1);

	return (struct span){(char *)start - before, (before + bytes + page - 1) & ~(page - 1)};
}

static int allow(struct span pages)
{
	return mprotect(pages.start, pages.bytes, PROT_READ | PROT_WRITE) == 0 ? 0 : -errno;
}

int tally__shared_allow(void *start, size_t bytes)
{
	int saved = errno;
	int result = allow(pages_of(start, bytes));

	errno = saved;
	return result;
}

/* Makes the kernel write each page without changing it: an operation on a futex, "or 0", that wakes nobody.
 * Where the page cannot be had it says EFAULT, while an access of our own would be a SIGBUS. For kernels
 * without the advice. */
static int touch(struct span pages)
{
	uint32_t nobody = 0;

	for (size_t at = 0; at < pages.bytes; at += tally__page_bytes()) {
		if (syscall(SYS_futex, &nobody, FUTEX_WAKE_OPERATION_PRIVATE, 0, NULL, pages.start + at,
			    FUTEX_OR_NOTHING) < 0)
			return -errno;
	}
	return 0;
}

static int populate(struct span pages)
{
	/* qemu-user takes any advice and does nothing for it: who agrees to nonsense is not believed. */
	static tally_atomic_u32 believed; /* 0: not asked, 1: no, 2: yes */

	if (tally_atomic_u32_load(&believed) == 0)
		tally_atomic_u32_store(&believed, madvise(pages.start, 0, ADVICE_UNKNOWN) != 0 ? 2 : 1);
	if (tally_atomic_u32_load(&believed) == 1)
		return touch(pages);
	if (madvise(pages.start, pages.bytes, ADVICE_POPULATE_WRITE) == 0)
		return 0;
	return errno == EINVAL ? touch(pages) : -errno;
}

int tally__shared_reserve(void *start, size_t bytes)
{
	struct span pages = pages_of(start, bytes);
	int saved = errno;
	int result = allow(pages);

	if (result == 0)
		result = populate(pages);
	errno = saved;
	return result == -EFAULT ? -ENOSPC : result;
}
