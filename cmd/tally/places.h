/* Where the headers and libraries are that belong to this command. */
#ifndef TALLY_COMMAND_PLACES_H_
#define TALLY_COMMAND_PLACES_H_

#include <stdbool.h>

struct places {
	char *include; /* the folder that holds tally/tally.h */
	char *library; /* libtally.a, or for races libtally_race.a */
};

/* Fails where they are not found. */
struct places places_find(bool race);

#endif
