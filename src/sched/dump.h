/* sched/dump.h - lists of tasks, for people. */
#ifndef TALLY_SCHED_DUMP_H_
#define TALLY_SCHED_DUMP_H_

/* Writes who waits for what, a line each, for a process in which nothing moves any more. */
void tally__dump_waiters(int fd);

#endif
