/* Hooks of the C library: the end of a thread, and fork. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "platform/lock.h"
#include "platform/thread.h"

/* What is to be called at the end of this thread; the key's value is its address. */
static _Thread_local struct {
	void (*fn)(void *);
	void *arg;
} hook;

/* A lock and not pthread_once, which ThreadSanitizer would take for an order between the program's threads. */
static struct tally__lock lock;
static pthread_key_t key;
static bool has_key; /* under the lock */

static void run_hook(void *unused)
{
	(void)unused;
	hook.fn(hook.arg);
}

static bool make_key(void)
{
	tally__lock_acquire(&lock);
	has_key = has_key || pthread_key_create(&key, run_hook) == 0;
	bool result = has_key;
	tally__lock_release(&lock);
	return result;
}

int tally__thread_at_exit(void (*fn)(void *), void *arg)
{
	if (!make_key())
		return -ENOMEM;
	hook.fn = fn;
	hook.arg = arg;
	return pthread_setspecific(key, &hook) == 0 ? 0 : -ENOMEM;
}

int tally__thread_after_fork(void (*fn)(void))
{
	return pthread_atfork(NULL, NULL, fn) == 0 ? 0 : -ENOMEM;
}
