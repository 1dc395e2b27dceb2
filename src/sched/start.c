/* sched/start.c - first use, the environment's settings, fork, and the end. */
#include "sched/start.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <tally/task.h>

#include "park/lot.h"
#include "platform/cpus.h"
#include "platform/die.h"
#include "platform/lock.h"
#include "platform/race.h"
#include "platform/thread.h"
#include "sched/fiber.h"
#include "sched/idle.h"
#include "sched/leak.h"
#include "sched/overflow.h"
#include "sched/queue.h"
#include "sched/thread.h"

static struct tally__lock lock;
static bool started; /* guarded by lock */

/* A whole number from the environment, at least 1; 0 if there is none. Anything else is an error of the user.
 */
static unsigned long setting(const char *name)
{
	const char *text = getenv(name);
	if (text == NULL || *text == '\0')
		return 0;
	char *end;
	int error = errno;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value == 0 || *text < '0' || *text > '9')
		tally__die("%s=%s in the environment is not a whole number above 0", name, text);
	errno = error;
	return value;
}

int tally__workers_wanted(void)
{
	unsigned long workers = setting("TALLY_WORKERS");
	return workers < INT_MAX ? (int)workers : INT_MAX;
}

/* In the child of a fork there is one thread, and nothing of what the parent's tasks did. */
static void after_fork(void)
{
	struct tally__thread *self = tally__thread_self();
	lock = (struct tally__lock){0};
	tally__race_reset();
	tally__fiber_reset();
	tally__lot_reset();
	tally__queue_reset();
	tally__task_reset();
	tally__stack_reset();
	tally__thread_reset();
	tally__idle_reset();
	if (self != NULL && self->current != NULL)
		self->current->flags |= TASK_FORKED;
}

static bool fork_is_seen; /* written by the first thread, or guarded by lock */

/* When the program begins, before it has threads: a fork may come before the runtime starts, since threads can
 * wait for each other without it. Where that is refused, the start tries again. */
__attribute__((constructor)) static void see_forks(void)
{
	fork_is_seen = fork_is_seen || tally__thread_after_fork(after_fork) == 0;
}

/* 0 or -ENOMEM. */
static int start_once(void)
{
	int error = errno;
	tally__lock_acquire(&lock);
	see_forks();
	if (!started && fork_is_seen) {
		unsigned long bytes = setting("TALLY_STACK_SIZE");
		if (bytes != 0)
			tally__stack_set_size(bytes);
		tally__heavy_barrier_start();
		tally__overflow_start();
		started = true;
	}
	int result = started ? 0 : -ENOMEM;
	tally__lock_release(&lock);
	errno = error;
	return result;
}

int tally__start(void)
{
	struct tally__thread *thread = start_once() == 0 ? tally__thread_attach() : NULL;
	if (thread == NULL)
		return -ENOMEM;
	/* One at a time: a first worker that is just being started may be refused yet. */
	tally__lock_acquire(&lock);
	int error = tally__idle_start();
	tally__lock_release(&lock);
	if (error == 0) {
		thread->may_spawn = true;
		thread->full_barrier = !tally__heavy_barrier_ready();
	}
	return error;
}

int tally_set_workers(int n)
{
	if (start_once() != 0)
		tally__die("no memory to start");
	return tally__idle_set_limit(n);
}

__attribute__((destructor)) static void end(void)
{
	tally__leak_keep_tasks();
}
