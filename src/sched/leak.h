/* sched/leak.h - for LeakSanitizer: what tasks that have not ended have in use when the program ends. */
#ifndef TALLY_SCHED_LEAK_H_
#define TALLY_SCHED_LEAK_H_

#include <tally/atomic.h>

#include "platform/sanitizer.h"

/* Tasks are not waited for when main returns. What is only known to one that is blocked, or was not started,
 * has not been lost by the program. For LeakSanitizer alone; does nothing in a program without it. */
void tally__leak_keep_tasks(void);

/* tally__leak_keep_tasks has looked at the tasks that are blocked: others of the remaining threads must not
 * block any more, where they would not be found. */
extern tally_atomic_bool tally__leak_kept;

/* Instead of blocking then. */
void tally__leak_stand_still(void);

static inline void tally__leak_before_block(void)
{
	/* pairs with leak.c:tally__leak_keep_tasks; who is late is not found, that is all */
	if (tally__leaks_are_looked_for() && tally_atomic_bool_load_relaxed(&tally__leak_kept))
		tally__leak_stand_still();
}

#endif
