/* region/attach.h - the file behind a region: made, or found and checked. */
#ifndef TALLY_REGION_ATTACH_H_
#define TALLY_REGION_ATTACH_H_

#include "region/layout.h"

struct tally__mapping {
	int descriptor; /* of a memfd, else -1 */
	char *base;     /* mapped, with the room behind it; header, slot table and index begin with memory */
	size_t bytes;   /* of all that */
	uint64_t shared_bytes;
};

/* A fresh region in a memfd; without a name or descriptor where `nameless`. Returns 0 or -errno. */
int tally__attach_memory(struct tally__mapping *mapping, bool nameless);

/* The region in the file at path, made if the file is not there or empty. Returns 0, or -errno as
 * tally_region_open says. */
int tally__attach_file(struct tally__mapping *mapping, const char *path);

void tally__detach(const struct tally__mapping *mapping);

#endif
