/* Keys of the cache: hashes over parts of which each says where it ends. */
#ifndef TALLY_COMMAND_KEY_H_
#define TALLY_COMMAND_KEY_H_

#include "build.h"
#include "files.h"
#include "sha256.h"
#include "text.h"

struct key {
	char hex[2 * SHA256_SIZE + 1];
};

/* The key of what decides the program besides the contents of the files that the compiler reads: the sources,
 * the command lines for each compiler that may be taken, those compilers and the libraries, the environment. */
struct key key_of_build(const struct build *build, const struct toolchains *toolchains);

/* The key of the program, given what the files hold that were read for it. */
struct key key_of_program(const struct key *build, const struct files *files);

#endif
