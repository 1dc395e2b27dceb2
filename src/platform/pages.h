/* platform/pages.h - memory straight from the system, in pages. */
#ifndef TALLY_PLATFORM_PAGES_H_
#define TALLY_PLATFORM_PAGES_H_

#include <stddef.h>

#define TALLY__PAGE_SIZE ((size_t)4096) /* guards and slots are multiples; real pages may be larger */

/* Zeroed, readable and writable memory of `bytes` bytes, or NULL. It costs memory where it is touched. */
void *tally__pages_map(size_t bytes);
void tally__pages_unmap(void *start, size_t bytes);

/* Makes any access to the whole pages inside the range a fault, until it is unmapped. Returns 0, or -errno
 * (-ENOMEM: the limit on mappings is reached; -EINVAL: the system's pages are larger than the range). */
int tally__pages_guard(void *start, size_t bytes);

/* Gives the memory of the range back to the system; it reads as zero afterwards. */
void tally__pages_discard(void *start, size_t bytes);

/* Asks that the range be given memory in small pages: a stack of which one page is touched should not take
 * 2 MiB. */
void tally__pages_no_huge(void *start, size_t bytes);

#endif
