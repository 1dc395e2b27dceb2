/* sched/overflow.h - a task that has used up its stack ends the program, and is named. */
#ifndef TALLY_SCHED_OVERFLOW_H_
#define TALLY_SCHED_OVERFLOW_H_

struct tally__thread;

/* Once for the process. */
void tally__overflow_start(void);

/* Gives the calling thread, unless it has one, a stack for the signal handler that reports overflows. */
void tally__overflow_watch(struct tally__thread *thread);

#endif
