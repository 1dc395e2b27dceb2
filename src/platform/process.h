/* platform/process.h - who this process is, and whether another one lives.
 *
 * Safe in signal handlers; errno is left alone.
 */
#ifndef TALLY_PLATFORM_PROCESS_H_
#define TALLY_PLATFORM_PROCESS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally__process {
	uint32_t pid;   /* in its own pid namespace */
	uint32_t image; /* a number that differs between programs which one process executes in turn, mostly */
	uint64_t start; /* when it started: field 22 of /proc/PID/stat; 0: not known */
	uint64_t sharing; /* its pid namespace and time namespace; 0: not known. Only processes of the same
			   * sharing can tell each other by pid and start */
};

/* The caller's pid. */
uint32_t tally__process_id(void);

/* The caller. */
struct tally__process tally__process_self(void);

enum tally__life {
	TALLY__LIFE_OVER,    /* no thread of such a process will ever run again */
	TALLY__LIFE_LASTS,   /* there is such a process */
	TALLY__LIFE_UNKNOWN, /* something has this pid, and the system does not say what */
};

/* Looks at the process `pid` of the caller's own pid namespace. *start: as above. */
enum tally__life tally__process_look(uint32_t pid, uint64_t *start);

/* The 16 bytes that tell this boot of the system from all others; zeros if it does not say. */
void tally__boot_id(uint64_t id[2]);

/* Random bytes, good enough to name things. */
void tally__random(void *buffer, size_t bytes);

/* The name this program was started with, without folders, or "". */
const char *tally__program_name(void);

/* Nanoseconds since 1970. */
uint64_t tally__calendar_now(void);

#endif
