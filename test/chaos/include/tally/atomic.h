/* tally/atomic.h of the chaos builds: the library's own, with a random delay before each operation. */
#ifndef CHAOS_ATOMIC_H
#define CHAOS_ATOMIC_H
#pragma GCC system_header
#include_next <tally/atomic.h>

/* Often nothing, else a short spin, sometimes a yield, rarely a sleep. Async-signal-safe; errno stays. */
void tally__chaos(void);

#include <chaos_places.h>

#endif
