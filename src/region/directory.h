/* region/directory.h - the metrics of a region: their names, kinds and cells. Append-only, without locks. */
#ifndef TALLY_REGION_DIRECTORY_H_
#define TALLY_REGION_DIRECTORY_H_

#include "region/layout.h"

/* Which hashes are in the index, so that a process that adds thousands of names need not compare each with all
 * before it. May say yes too often, never no. */
struct tally__directory_seen {
	tally_atomic_u32 words; /* the index words below this are in `bits` */
	tally_atomic_u64 bits[8192];
};

struct tally__directory {
	char *base; /* where the region begins */
	tally_atomic_u64 *index;
	tally_atomic_u64 *entries_used;
	uint32_t index_max;
	uint32_t cells_max;
	uint64_t entries_offset;
	uint64_t entries_size;
	struct tally__directory_seen *seen; /* of this process; NULL: compare all */
	/* Makes sure that the bytes can be read and written. Returns 0 or -errno. */
	int (*reserve)(uint64_t offset, uint64_t bytes);
	/* Makes sure that this process can count in the cells below `cells`, before they are published. */
	int (*reserve_cells)(uint32_t cells);
};

struct tally__definition {
	enum tally__kind kind;
	uint32_t cells;
	const char *name;
	uint32_t name_length;
	const char *help;
	uint32_t help_length;
};

/* Finds the metric of this name, or adds it. Names that differ by an ending _total alone are the same: a
 * counter x_total is shown as the family x. Returns the number of its first cell; or -EEXIST   there is one of
 * this name and another kind, which *kind receives -ENOSPC, -ENOMEM, ...   there is no room for it -EPROTO the
 * directory is damaged */
int64_t tally__directory_add(const struct tally__directory *directory, const struct tally__definition *wanted,
			     uint32_t *kind);

/* Of the name without an ending _total. */
uint32_t tally__directory_hash(const char *name, uint32_t length);

#endif
