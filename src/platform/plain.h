/* platform/plain.h - marks plain data that threads hand to each other.
 *
 * Plain (non-atomic) memory that one thread writes and another reads afterwards needs an order between the
 * two, made by atomic operations elsewhere. The marks say where such memory is touched, so that the
 * explorer of test/model, which puts its own header in the place of this one, can check that the order is
 * there. In the library they are nothing.
 *
 *     task->fn = fn;
 *     tally__plain_write(&task->fn, sizeof(task->fn));
 *
 * A mark stands next to the access: after a write, before a read. */
#ifndef TALLY_PLATFORM_PLAIN_H_
#define TALLY_PLATFORM_PLAIN_H_

#include <stddef.h>

static inline void tally__plain_read(const void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
}

/* Also said of the plain initialisation of a variable that is atomic from then on. */
static inline void tally__plain_write(const void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
}

/* From here on nobody may touch the memory, until it is written anew: the record of a waiter on its stack,
 * say, when the waiter is about to return. */
static inline void tally__plain_end(const void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
}

#endif
