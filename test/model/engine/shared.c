/* shared.c - the platform's calls about shared memory and processes, as models have them: one process, and
 * memory that must be reserved before it is touched. */
#include "engine.h"
#include "platform/process.h"
#include "platform/sharedfile.h"
#include "platform/threadexit.h"
#include <errno.h>

size_t tally__page_bytes(void)
{
	return 4096;
}

const char *tally__environment(const char *name)
{
	(void)name;
	return NULL;
}

void *tally__shared_map(int descriptor, size_t shared, size_t own)
{
	(void)descriptor;
	return heap_map_shared(shared + own);
}

int model__shared_reserve(const struct model_place *at, void *start, size_t bytes)
{
	point(at, "reserve");
	if ((engine->model->faults & MODEL_FAULT_ALLOC) && !engine->alone && engine->faults_left &&
	    choose_rarely(8)) {
		engine->faults_left--;
		trace(at, "reserve %zu bytes at %p: refused", bytes, start);
		return -ENOSPC;
	}
	heap_reserve((uintptr_t)start, bytes);
	if (engine->tracing)
		trace(at, "reserve %zu bytes at %p", bytes, start);
	return 0;
}

uint32_t tally__process_id(void)
{
	return 100;
}

struct tally__process tally__process_self(void)
{
	return (struct tally__process){.pid = 100, .image = 1, .start = 7, .sharing = 1};
}

/* Processes from 900 on are dead. */
enum tally__life tally__process_look(uint32_t pid, uint64_t *start)
{
	*start = 7;
	return pid >= 900 ? TALLY__LIFE_OVER : TALLY__LIFE_LASTS;
}

/* What the system keeps of a watch, a key of pthreads say: plain data. As at the start of each schedule. */
static bool watched;

/* No model forks. */
int tally__exit_watch(void (*fn)(void *), void (*forks)(void), void (*child)(void))
{
	(void)forks;
	(void)child;
	if (watched)
		fail(MODEL_MISUSE, "tally__exit_watch is called twice");
	watched = true;
	model__plain_write(MODEL_HERE, &watched, sizeof(watched));
	engine->exit_watch = fn;
	return 0;
}

int tally__at_thread_exit(void *value)
{
	model__plain_read(MODEL_HERE, &watched, sizeof(watched));
	self()->watched_value = value;
	return 0;
}
