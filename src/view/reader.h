/* view/reader.h - read one region through its descriptor, and believe nothing.
 *
 * A reading is a copy: what is checked is the copy, and nothing is read twice.
 */
#ifndef TALLY_VIEW_READER_H_
#define TALLY_VIEW_READER_H_

#include <tally/view.h>

struct tally__reading {
	char program[32];
	uint32_t pid;
	uint64_t incarnation[2];
	char *text; /* names and help texts: copies that end in zero bytes */
	tally_view_metric *metrics;
	size_t count;
};

/* Reads a region. 0, or -errno as tally_view_open_path. */
int tally__reading_make(struct tally__reading *reading, int file);
void tally__reading_free(struct tally__reading *reading);

/* Only what says which region it is: the incarnation. */
int tally__reading_identify(uint64_t incarnation[2], int file);

#endif
