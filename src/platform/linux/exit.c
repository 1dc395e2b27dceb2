/* Hooks of the C library: the end of a thread, and fork. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <tally/atomic.h>

#include "platform/thread.h"

/* What is to be called at the end of this thread; the key's value is its address. */
static _Thread_local struct {
	void (*fn)(void *);
	void *arg;
} hook;

/* The key and 1 more, or 0. Not by pthread_once, which ThreadSanitizer would take for an order between the
 * program's threads, nor under a lock, which the child of a fork might find locked for good. */
static tally_atomic_u64 key_made;

static void run_hook(void *unused)
{
	(void)unused;
	hook.fn(hook.arg);
}

static bool make_key(void)
{
	pthread_key_t mine;

	if (tally_atomic_u64_load(&key_made) != 0)
		return true;
	if (pthread_key_create(&mine, run_hook) != 0)
		return false;
	if (!tally_atomic_u64_compare_and_swap(&key_made, 0, (uint64_t)mine + 1))
		pthread_key_delete(mine);
	return true;
}

int tally__thread_at_exit(void (*fn)(void *), void *arg)
{
	if (!make_key())
		return -ENOMEM;
	hook.fn = fn;
	hook.arg = arg;
	return pthread_setspecific((pthread_key_t)(tally_atomic_u64_load(&key_made) - 1), &hook) == 0 ? 0
												      : -ENOMEM;
}

int tally__thread_after_fork(void (*fn)(void))
{
	return pthread_atfork(NULL, NULL, fn) == 0 ? 0 : -ENOMEM;
}
