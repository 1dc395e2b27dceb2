/* sched/start.h - the runtime starts when it is first used. */
#ifndef TALLY_SCHED_START_H_
#define TALLY_SCHED_START_H_

/* Makes the calling thread able to spawn. 0, -ENOMEM or -EAGAIN. */
int tally__start(void);

/* How many tasks may run at once if nobody says otherwise. */
int tally__default_workers(void);

#endif
