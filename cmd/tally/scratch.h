/* A folder for what a compilation writes. There is at most one; it goes when the command fails. */
#ifndef TALLY_COMMAND_SCRATCH_H_
#define TALLY_COMMAND_SCRATCH_H_

#include <stdbool.h>
#include <time.h>

struct scratch {
	char *folder;
	struct timespec made; /* by the clock of the times of files */
};

/* Makes one in a folder that exists; false, and errno, where that cannot be. */
bool scratch_make(struct scratch *scratch, const char *parent);
/* Removes it with the files in it; nothing where it is gone. */
void scratch_remove(void);
/* It is no longer this command's to remove. */
void scratch_give_away(void);

/* Removes a folder and the files in it. */
void folder_remove(const char *folder);

#endif
