/* Keeps the cache within its limit. */
#ifndef TALLY_COMMAND_TRIM_H_
#define TALLY_COMMAND_TRIM_H_

#include <stdint.h>

/* Removes what was used longest ago from the folder until the rest needs at most `limit` bytes; the entry named
 * `newest` stays in any case. Removes what other compilations left there an hour ago. */
void trim(const char *folder, uint64_t limit, const char *newest);

#endif
