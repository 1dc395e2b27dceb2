/* sched/deadlock.h - nobody can go on: say so. */
#ifndef TALLY_SCHED_DEADLOCK_H_
#define TALLY_SCHED_DEADLOCK_H_

#include <stdint.h>

struct tally__thread;

/* A thread is about to sleep without a deadline. If it is the last, and somebody waits, the program ends with
 * a list of who waits for what. Returns until when it may sleep before it should look again, usually for ever.
 */
int64_t tally__deadlock_look(struct tally__thread *thread);

#endif
