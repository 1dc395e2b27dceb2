/* tally/task.h - tasks: functions that run at the same time as the code that starts them.
 *
 * A task is what Go calls a goroutine: many of them share few threads. It has a stack of its own only
 * while it is blocked, so a million of them may wait to be run.
 *
 * What holds for every task:
 * - A task runs on one thread from its first instruction to its last. errno, thread-local variables and
 *   pthread mutexes mean the same before and after a call that blocks. The price: a task that keeps its
 *   thread busy, or blocked in the kernel, delays the tasks that started on that thread.
 * - Tasks are not interrupted. One that computes for long lets others run by tally_yield.
 * - It ends by returning. pthread_exit, cancellation or a C++ exception out of it ends the program. Exceptions
 *   that are caught inside of it are its own, also while it blocks in a handler or a destructor.
 * - When main returns the process ends; tasks are not waited for.
 * - Its stack is 64 KiB with a guard below it; TALLY_STACK_SIZE=bytes in the environment changes that for
 *   the whole program. An overflow ends the program and names the task.
 * - The signal mask and the floating-point environment belong to the thread. Worker threads block all
 *   signals but those that a fault raises.
 *
 * Ordering: what happens before tally_go happens before the start of the task. The end of a task orders
 * nothing by itself; a wait group does (tally/waitgroup.h).
 *
 * After fork() the child has only the thread that called it. That thread goes on; tasks of the parent do
 * not exist in the child, and new ones may be started there. A child forked inside a task must exec or
 * _exit in that task.
 */
#ifndef TALLY_TASK_H_
#define TALLY_TASK_H_

#include <tally/base.h>

TALLY_BEGIN_DECLS

/* Runs fn(arg) as a new task. fn must not be NULL. Ends the program with the reason where there is no
 * memory for the task, or where not one thread can be had to run it. */
TALLY_API void tally_go(void (*fn)(void *), void *arg);

/* The same, but returns 0, or without having started anything:
 *   -ENOMEM   no memory for the task
 *   -EAGAIN   no thread runs tasks, and the system refuses one (a limit on processes, say) */
TALLY_API TALLY_MUST_CHECK int tally_try_go(void (*fn)(void *), void *arg);

/* Lets the other tasks of this thread run first. In a plain thread it is sched_yield(). */
TALLY_API void tally_yield(void);

/* The number of the calling task: above 0, and no other task of this process has it. 0 in a plain thread. */
TALLY_API uint64_t tally_task_id(void);

/* How many tasks may run at once, as Go's GOMAXPROCS. A plain thread that runs tasks while it waits for a
 * wait group counts as one. The default is the number of CPUs that this process may use: those of its
 * affinity mask, and no more than its cgroup's quota rounded up; TALLY_WORKERS=n in the environment
 * overrides it. n is at most 1,024; larger values mean that. n < 1 changes nothing. Returns the number
 * that held before. A smaller number takes effect as tasks end, block or yield. */
TALLY_API int tally_set_workers(int n);

/* Writes to the descriptor fd one line for each task that has started: its number, its function, and that it
 * runs, has yielded, or for which wait group it waits; one for each plain thread that waits; and last how many
 * tasks are queued. For the logs, and for a handler of SIGQUIT: it is async-signal-safe, and what changes while
 * it looks may be missed or printed twice. */
TALLY_API void tally_dump_tasks(int fd);

TALLY_END_DECLS

#endif
