/* A plain integer behind a pthread mutex. */
#include <pthread.h>
#include <stdint.h>

typedef struct {
	pthread_mutex_t mutex; /* PTHREAD_MUTEX_INITIALIZER is all zero bytes on Linux */
	uint64_t value;
} bench_counter;

static inline void bench_add(bench_counter *c)
{
	pthread_mutex_lock(&c->mutex);
	c->value++;
	pthread_mutex_unlock(&c->mutex);
}

static inline uint64_t bench_read(bench_counter *c)
{
	uint64_t value;

	pthread_mutex_lock(&c->mutex);
	value = c->value;
	pthread_mutex_unlock(&c->mutex);
	return value;
}

#include "../common/add.h"
