/* region/owner.h - owner words: naming a process, and proving it dead. Bits: region/layout.h. */
#ifndef TALLY_REGION_OWNER_H_
#define TALLY_REGION_OWNER_H_

#include "region/layout.h"

/* The owner word of the calling process in the region with this header. Computed once, and again after
 * tally__owner_forget(). */
uint64_t tally__owner_self(struct tally__header *header);

/* The calling process has made a region without a path. Its owner word is known without looking at /proc, which
 * would take longer than all the rest of a small program's start. */
void tally__owner_create(void);

/* The calling process is about to fork; a creator must tell now what proves it dead. */
void tally__owner_fork(struct tally__header *header);

/* In the child of a fork, and when the region is another one. */
void tally__owner_forget(void);

/* Whether the process that `owner` names is proved dead: none of its threads will ever run again, or the
 * process executes another program now. Asked by the process `me`. */
bool tally__owner_dead(const struct tally__header *header, uint64_t owner, uint64_t me);

#endif
