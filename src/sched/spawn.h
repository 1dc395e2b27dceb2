/* sched/spawn.h - start tasks that belong to a wait group, or to none. */
#ifndef TALLY_SCHED_SPAWN_H_
#define TALLY_SCHED_SPAWN_H_

#include <tally/waitgroup.h>

/* Queue a task that runs fn(arg), or one for each index below count that runs fn(arg, index). The group, if
 * there is one, is told when each is done. `caller` is TALLY__CALLER, for ThreadSanitizer. 0, -ENOMEM or
 * -EAGAIN, and then nothing was started. */
int tally__spawn(void (*fn)(void *), void *arg, tally_waitgroup *group, const void *caller);
int tally__spawn_indexed(void (*fn)(void *, size_t), void *arg, tally_waitgroup *group, uint32_t count,
			 const void *caller);

/* Ends the program for such an error. */
_Noreturn void tally__spawn_failed(int error);

#endif
