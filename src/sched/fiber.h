/* sched/fiber.h - in the race build, every task is a fiber of ThreadSanitizer, on a stack of the fiber's.
 *
 * Tasks that ran in turn on one stack would put their variables at the same addresses, and ThreadSanitizer
 * would take that for sharing: it knows of no order between the tasks. So a stack belongs to a fiber, and
 * fibers are used again only after many others; then the two tasks do count as one after the other.
 */
#ifndef TALLY_SCHED_FIBER_H_
#define TALLY_SCHED_FIBER_H_

#include "sched/task.h"

struct tally__fiber;
struct tally__thread;

/* Runs the task, thread->current, on a fiber. `start`: what its spawner published. `body` is called there. */
void tally__fiber_run(struct tally__thread *thread, void *start, void (*body)(struct tally__task *task));

/* In the child of a fork. */
void tally__fiber_reset(void);

#endif
