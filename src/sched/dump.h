/* sched/dump.h - lists of tasks, for people. */
#ifndef TALLY_SCHED_DUMP_H_
#define TALLY_SCHED_DUMP_H_

#include <stdint.h>

/* Writes who waits for what, a line each, for a process in which nothing moves any more. */
void tally__dump_waiters(int fd);

/* For tools/tally-gdb.py: where things lie in this build of the library, so that the script needs the table of
 * symbols and no debug information. Names stay; where what one means changes, the version does. Ends with an
 * empty name. */
struct tally__debug {
	char name[24];
	uintptr_t value;
};
extern const struct tally__debug tally__debug[];

#endif
