/* sched/start.h - the runtime starts when it is first used. */
#ifndef TALLY_SCHED_START_H_
#define TALLY_SCHED_START_H_

/* Makes the calling thread able to spawn. 0, -ENOMEM or -EAGAIN. */
int tally__start(void);

/* How many tasks may run at once, as the environment says; 0 where it says nothing. */
int tally__workers_wanted(void);

#endif
