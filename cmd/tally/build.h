/* How a program is compiled. */
#ifndef TALLY_COMMAND_BUILD_H_
#define TALLY_COMMAND_BUILD_H_

#include "places.h"
#include "text.h"
#include "toolchain.h"

#include <time.h>

struct source {
	const char *name; /* as the user wrote it */
	struct text text;
	struct timespec changed; /* when the text was, last, before it was read */
	enum language language;
	bool piped; /* the compiler reads the text from its standard input */
};

struct build {
	const struct source *sources;
	size_t count;
	struct places places;
	const char *program; /* the name of its file */
	bool race;
	bool verbose;
};

/* One call of a compiler. */
struct step {
	struct list words;
	const struct source *source; /* NULL: it links */
	char *files;                 /* where it lists the files that it reads, or NULL */
};

struct steps {
	struct step *each;
	size_t count;
};

/* What is to be done to get the program into a folder. */
struct steps build_steps(const struct build *build, const struct toolchain *toolchain, const char *folder);

/* Does it. Returns 0, and the files that were read if all of them are known; or the exit code for a program
 * that does not compile. */
int build_run(const struct build *build, const struct steps *steps, struct list *files, bool *all_known);

/* For races: the first toolchain that can link ThreadSanitizer. Fails where none can. */
const struct toolchain *build_race_toolchain(const struct toolchains *toolchains, const bool needed[LANGUAGES],
					     const char *folder);

#endif
