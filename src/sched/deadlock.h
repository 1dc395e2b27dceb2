/* sched/deadlock.h - nobody can go on: say so. */
#ifndef TALLY_SCHED_DEADLOCK_H_
#define TALLY_SCHED_DEADLOCK_H_

#include <stdbool.h>
#include <stdint.h>

struct tally__thread;

/* A thread is about to sleep without a deadline. If it is the last, and somebody waits, the program ends with
 * a list of who waits for what. Returns until when it may sleep before it should look again, usually for ever.
 */
int64_t tally__deadlock_look(struct tally__thread *thread);

/* Every thread of the process but the caller sleeps in the runtime without a deadline, and what each of them,
 * and those that have ended, had for others has been taken or is for the caller. */
bool tally__deadlock_all_asleep(const struct tally__thread *self);

#endif
