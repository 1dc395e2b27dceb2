/* Which compilers there are. */
#ifndef TALLY_COMMAND_TOOLCHAIN_H_
#define TALLY_COMMAND_TOOLCHAIN_H_

#include "text.h"

enum language { LANGUAGE_C, LANGUAGE_CPP, LANGUAGES };

/* The words that begin a compiler's command line, for each language that is needed. The first is looked up:
 * it is a path. */
struct toolchain {
	struct list command[LANGUAGES];
};

struct toolchains {
	struct toolchain *each; /* in the order in which they are to be tried */
	size_t count;
};

/* Finds $CC and $CXX, or else the usual compilers; fails where there are none. */
struct toolchains toolchains_find(const bool needed[LANGUAGES], bool race);

/* The path of a program that is in $PATH, or NULL. A name with a slash is a path itself. */
char *find_program(const char *name);

#endif
