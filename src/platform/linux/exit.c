/* Hooks of the C library: the end of a thread, and fork. */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "platform/thread.h"

/* What is to be called at the end of this thread; the key's value is its address. */
static _Thread_local struct {
	void (*fn)(void *);
	void *arg;
} hook;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int key_error;

static void run_hook(void *unused)
{
	(void)unused;
	hook.fn(hook.arg);
}

static void create_key(void)
{
	key_error = pthread_key_create(&key, run_hook);
}

int tally__thread_at_exit(void (*fn)(void *), void *arg)
{
	pthread_once(&once, create_key);
	if (key_error != 0)
		return -ENOMEM;
	hook.fn = fn;
	hook.arg = arg;
	return pthread_setspecific(key, &hook) == 0 ? 0 : -ENOMEM;
}

int tally__thread_after_fork(void (*fn)(void))
{
	return pthread_atfork(NULL, NULL, fn) == 0 ? 0 : -ENOMEM;
}
