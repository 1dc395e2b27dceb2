/* Becomes the program. */
#ifndef TALLY_COMMAND_EXECUTE_H_
#define TALLY_COMMAND_EXECUTE_H_

#include "scratch.h"
#include "toolchain.h"

/* Prepares what ThreadSanitizer finds in the environment of the program. */
void execute_prepare_race(const struct toolchains *toolchains);

/* Becomes the program at a path. Returns only if that fails, with errno. */
void execute(const char *path, char **arguments);

/* Becomes the open program, whether or not it still has a name; or fails, and says the path. */
_Noreturn void execute_open(int fd, const char *path, char **arguments);

/* Becomes the program in a scratch folder, which is removed: at once, or for races, where reports are made from
 * the program's file, when the program has ended. */
_Noreturn void execute_scratch(const struct scratch *scratch, const char *path, int fd, char **arguments,
			       bool race);

#endif
