/* sched/leak.h - for LeakSanitizer: what tasks that have not ended have in use when the program ends. */
#ifndef TALLY_SCHED_LEAK_H_
#define TALLY_SCHED_LEAK_H_

#include <tally/atomic.h>

#include "platform/sanitizer.h"
#include "sched/thread.h"

/* Tasks are not waited for when main returns. What is only known to one that is blocked, or was not started,
 * has not been lost by the program. For LeakSanitizer alone; does nothing in a program without it. */
void tally__leak_keep_tasks(void);

/* tally__leak_keep_tasks looks, or has looked, at the tasks that are blocked: others must not block any more,
 * where they would not be found. */
extern tally_atomic_bool tally__leak_kept;

/* Instead of blocking then. */
void tally__leak_stand_still(struct tally__thread *thread);

/* The thread is about to leave its stack; and has left it. Whoever sets tally__leak_kept looks at `switching`
 * next, so either we see that it is set, or it is waited for us. */
static inline void tally__leak_before_switch(struct tally__thread *thread)
{
	if (!tally__leaks_are_looked_for())
		return;
	tally_atomic_bool_store(&thread->switching, true);
	if (tally_atomic_bool_load(&tally__leak_kept))
		tally__leak_stand_still(thread);
}

static inline void tally__leak_after_switch(struct tally__thread *thread)
{
	if (tally__leaks_are_looked_for())
		tally_atomic_bool_store(&thread->switching, false);
}

#endif
