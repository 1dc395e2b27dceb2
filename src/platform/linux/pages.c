/* Memory from the Linux kernel, in pages. */
#include "platform/pages.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tally/atomic.h>

enum {
	ADVICE_GUARD_INSTALL = 102, /* MADV_GUARD_INSTALL, Linux 6.13; not yet in the C libraries' headers */
	ADVICE_UNKNOWN = 0x7f00,    /* what no kernel knows */
};

/* Whether the kernel makes guards that split no mapping. Written by guard_is_advice, always with the same
 * value. */
enum { GUARD_UNASKED = 0, GUARD_BY_ADVICE = 1, GUARD_BY_PROTECTION = 2 };
static tally_atomic_u32 guard_kind;

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The whole pages inside the range, since the system's pages may be larger than ours. */
struct span {
	char *start;
	size_t bytes;
};

static struct span whole_pages(void *start, size_t bytes)
{
	uintptr_t size = page_size();
	uintptr_t from = ((uintptr_t)start + size - 1) & ~(size - 1);
	uintptr_t to = ((uintptr_t)start + bytes) & ~(size - 1);

	if (from >= to)
		return (struct span){start, 0};
	return (struct span){(char *)start + (from - (uintptr_t)start), to - from};
}

void *tally__pages_map(size_t bytes)
{
	int saved = errno;
	void *start =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	errno = saved;
	return start == MAP_FAILED ? NULL : start;
}

void tally__pages_unmap(void *start, size_t bytes)
{
	int saved = errno;

	munmap(start, bytes);
	errno = saved;
}

/* An advice for no bytes tells whether the kernel knows it. qemu-user takes any advice and does nothing for
 * it, so who agrees to nonsense is not believed. */
static bool guard_is_advice(void *page)
{
	uint32_t kind = tally_atomic_u32_load(&guard_kind);

	if (kind == GUARD_UNASKED) {
		kind = GUARD_BY_PROTECTION;
		if (madvise(page, 0, ADVICE_GUARD_INSTALL) == 0 && madvise(page, 0, ADVICE_UNKNOWN) != 0)
			kind = GUARD_BY_ADVICE;
		tally_atomic_u32_store(&guard_kind, kind);
	}
	return kind == GUARD_BY_ADVICE;
}

int tally__pages_guard(void *start, size_t bytes)
{
	struct span pages = whole_pages(start, bytes);
	int saved = errno;
	int result = 0;

	if (pages.bytes == 0)
		return -EINVAL;
	/* The advice is refused for locked memory (mlockall) by some kernels: protection works there too. */
	if (!guard_is_advice(pages.start) || madvise(pages.start, pages.bytes, ADVICE_GUARD_INSTALL) != 0) {
		if (mprotect(pages.start, pages.bytes, PROT_NONE) != 0)
			result = -errno;
	}
	errno = saved;
	return result;
}

void tally__pages_discard(void *start, size_t bytes)
{
	struct span pages = whole_pages(start, bytes);
	size_t before = (size_t)(pages.start - (char *)start);
	int saved = errno;

	/* Locked memory cannot be given back. It is still promised to read as zero, as are partial pages. */
	if (pages.bytes == 0 || madvise(pages.start, pages.bytes, MADV_DONTNEED) != 0) {
		memset(start, 0, bytes);
	} else {
		memset(start, 0, before);
		memset(pages.start + pages.bytes, 0, bytes - before - pages.bytes);
	}
	errno = saved;
}

void tally__pages_no_huge(void *start, size_t bytes)
{
	struct span pages = whole_pages(start, bytes);
	int saved = errno;

	if (pages.bytes != 0)
		madvise(pages.start, pages.bytes, MADV_NOHUGEPAGE);
	errno = saved;
}
