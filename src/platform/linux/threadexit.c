/* The ends of threads, by a pthread key, and forks, by pthread_atfork. */
#include "platform/threadexit.h"

#include <errno.h>
#include <pthread.h>

static pthread_key_t key;

int tally__exit_watch(void (*fn)(void *), void (*forks)(void), void (*child)(void))
{
	int result = pthread_key_create(&key, fn);

	if (result == 0) {
		result = pthread_atfork(forks, NULL, child);
		if (result != 0)
			pthread_key_delete(key);
	}
	return -result;
}

int tally__at_thread_exit(void *value)
{
	int saved = errno;
	int result = pthread_setspecific(key, value);

	errno = saved;
	return -result;
}
