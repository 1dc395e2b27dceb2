/* sched/spawn.c - new tasks. */
#include "sched/spawn.h"

#include <errno.h>
#include <tally/task.h>

#include "platform/die.h"
#include "platform/plain.h"
#include "platform/race.h"
#include "sched/idle.h"
#include "sched/start.h"
#include "sched/stats.h"
#include "sched/thread.h"

/* The calling thread, able to spawn; NULL with the reason in *error. */
static struct tally__thread *spawner(int *error)
{
	struct tally__thread *thread = tally__thread_self();
	if (thread != NULL && thread->may_spawn)
		return thread;
	*error = tally__start();
	if (*error != 0)
		return NULL;
	return tally__thread_self();
}

/* A descriptor that only lacks its call; NULL with the reason in *error. */
static struct tally__task *new_task(struct tally__thread **thread, void *arg, tally_waitgroup *group,
				    const void *caller, int *error)
{
	*thread = spawner(error);
	if (*thread == NULL)
		return NULL;
	struct tally__task *task = tally__task_new(&(*thread)->tasks);
	if (task == NULL) {
		*error = -ENOMEM;
		return NULL;
	}
	task->arg = arg;
	task->group = group;
	task->frame = NULL;
	task->start = tally__race_publish(caller);
	if (tally__race_on() && task->start == NULL) {
		tally__task_free(&(*thread)->tasks, task);
		*error = -ENOMEM;
		return NULL;
	}
	tally__plain_write(task, sizeof(*task));
	return task;
}

static int queue(struct tally__thread *thread, struct tally__task *task, uint32_t count)
{
	int error = tally__deque_push(&thread->deque, task, thread->full_barrier);
	if (error != 0) {
		tally__race_drop(task->start);
		tally__task_free(&thread->tasks, task);
		return error;
	}
	tally__stats_spawned(count);
	tally__idle_notify();
	return 0;
}

int tally__spawn(void (*fn)(void *), void *arg, tally_waitgroup *group, const void *caller)
{
	int error;
	struct tally__thread *thread;
	struct tally__task *task = new_task(&thread, arg, group, caller, &error);
	if (task == NULL)
		return error;
	task->call.plain = fn;
	task->flags = 0;
	return queue(thread, task, 1);
}

int tally__spawn_indexed(void (*fn)(void *, size_t), void *arg, tally_waitgroup *group, uint32_t count,
			 const void *caller)
{
	int error;
	struct tally__thread *thread;
	struct tally__task *task = new_task(&thread, arg, group, caller, &error);
	if (task == NULL)
		return error;
	task->call.indexed = fn;
	task->flags = TASK_INDEXED;
	task->index = 0;
	task->end = count;
	return queue(thread, task, count);
}

void tally__spawn_failed(int error)
{
	if (error == -EAGAIN)
		tally__die("cannot start a task: the system refuses a thread to run it; raise the limit on "
			   "processes");
	tally__die("cannot start a task: no memory");
}

static int try_go(void (*fn)(void *), void *arg, const void *caller)
{
	if (fn == NULL)
		tally__die("go of a null function (task %u)", tally_task_id());
	return tally__spawn(fn, arg, NULL, caller);
}

int tally_try_go(void (*fn)(void *), void *arg)
{
	return try_go(fn, arg, TALLY__CALLER);
}

void tally_go(void (*fn)(void *), void *arg)
{
	int error = try_go(fn, arg, TALLY__CALLER);
	if (error != 0)
		tally__spawn_failed(error);
}
