/* platform/linux/race.c - ThreadSanitizer's fibers, in the race build of the library.
 *
 * A fiber costs much to make and to destroy, so each thread keeps a pool of those whose tasks have ended.
 * A fiber that is used again carries what its last task knew, which orders that task before the next one
 * on it: a race between the two can be missed. The pool is first in, first out, and a fiber is used again
 * only when POOL others wait, so two tasks of one thread less than POOL ends apart are always told apart.
 */
#include "platform/sanitizer.h"

#ifdef TALLY_RACE

#include "platform/die.h"

#define POOL 256

void *__tsan_get_current_fiber(void) __attribute__((weak));
void *__tsan_create_fiber(unsigned flags) __attribute__((weak));
void __tsan_destroy_fiber(void *fiber) __attribute__((weak));
void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));
void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

#define NO_ORDER 1U /* __tsan_switch_to_fiber_no_sync */

/* Fibers of ended tasks: ring[first], ... in the order of their end. */
static _Thread_local struct {
	unsigned first;
	unsigned count;
	void *ring[POOL];
} pool;

void *tally__race_current(void)
{
	return __tsan_get_current_fiber != NULL ? __tsan_get_current_fiber() : NULL;
}

void *tally__race_create(void)
{
	if (__tsan_create_fiber == NULL)
		return NULL;
	if (pool.count == POOL) {
		void *fiber = pool.ring[pool.first];
		pool.first = (pool.first + 1) % POOL;
		pool.count--;
		return fiber;
	}
	void *fiber = __tsan_create_fiber(0);
	if (fiber == NULL)
		tally__die("ThreadSanitizer has no fiber for another task");
	return fiber;
}

void tally__race_retire(void *fiber)
{
	if (fiber == NULL)
		return;
	if (pool.count == POOL) {
		__tsan_destroy_fiber(fiber);
		return;
	}
	pool.ring[(pool.first + pool.count) % POOL] = fiber;
	pool.count++;
}

void tally__race_switch(void *fiber)
{
	if (fiber != NULL)
		__tsan_switch_to_fiber(fiber, NO_ORDER);
}

void tally__race_release(void *address)
{
	if (__tsan_release != NULL)
		__tsan_release(address);
}

void tally__race_acquire(void *address)
{
	if (__tsan_acquire != NULL)
		__tsan_acquire(address);
}

#else

/* ISO C wants something in every file. */
typedef int tally__race_is_not_built;

#endif
