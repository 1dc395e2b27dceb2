/* The programs that were compiled before.
 *
 * The cache is a folder, $XDG_CACHE_HOME/tally or ~/.cache/tally, of the user's alone:
 *
 *     KEY.files        the files that were read when a build was compiled; KEY is the build's
 *     KEY/NAME         the program; KEY is that of the build and of what those files hold
 *     tally-XXXXXX     what is being made
 *
 * Everything gets its name by a rename when it is complete, and may be removed at any time: what is missing is
 * compiled. The time of an entry is that of its last use.
 */
#ifndef TALLY_COMMAND_CACHE_H_
#define TALLY_COMMAND_CACHE_H_

#include "key.h"
#include "scratch.h"
#include "text.h"

#include <stdint.h>

struct cache {
	char *folder;    /* NULL: there is none to be had */
	const char *why; /* then: what is wrong */
	uint64_t limit;  /* in bytes, for all that it holds */
};

void cache_open(struct cache *cache);

/* The path of the program of a build, or NULL. */
char *cache_find(const struct cache *cache, const struct key *build, const char *name);

/* Takes over the program that was compiled in a scratch folder below the cache's from the files of these paths;
 * then removes what was used longest ago until the rest is within the limit. Returns the program's path; or
 * NULL when it cannot be kept, and the scratch is as it was. */
char *cache_keep(const struct cache *cache, const struct key *key, const struct build *build,
		 const struct scratch *scratch, const struct list *paths);

/* Removes a program that cannot be run. */
void cache_forget(const char *program);

#endif
