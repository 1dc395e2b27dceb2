/* Where the headers and libraries are that belong to this command: beside it, so that a tree may be moved.
 *
 *     installed    PREFIX/bin/tally   PREFIX/include/tally/tally.h   PREFIX/lib.../libtally.a
 *     built        BUILD/bin/tally    BUILD/include/tally/tally.h    BUILD/libtally.a
 *
 * (BUILD/include is a link to the headers in the source tree; cmake/command.cmake makes it.)
 */
#include "places.h"

#include "command.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder above the one this command's file is in. */
static char *find_root(void)
{
	char *self = realpath("/proc/self/exe", NULL);
	if (self == NULL)
		fail("cannot tell where the command itself is (/proc/self/exe: %s); is /proc mounted?",
		     strerror(errno));
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(self, '/');
		*(slash == self ? slash + 1 : slash) = '\0';
	}
	return self;
}

static char *find_file(const char *root, const char *const folders[], const char *name)
{
	for (int i = 0; folders[i] != NULL; i++) {
		char *path = folders[i][0] == '/' ? format("%s/%s", folders[i], name)
						  : format("%s/%s/%s", root, folders[i], name);
		char *found = realpath(path, NULL);
		free(path);
		if (found != NULL)
			return found;
	}
	return NULL;
}

struct places places_find(bool race)
{
	static const char *const headers[] = {TALLY_INCLUDEDIR, "include", NULL};
	static const char *const libraries[] = {TALLY_LIBDIR, "lib", "lib64", ".", NULL};
	static const char header[] = "tally/tally.h";
	const char *library = race ? "libtally_race.a" : "libtally.a";
	struct places places;

	char *root = find_root();
	places.include = find_file(root, headers, header);
	if (places.include == NULL)
		fail("there is no include/%s in %s, where the command is; reinstall tally", header, root);
	places.include[strlen(places.include) - strlen(header) - 1] = '\0';
	places.library = find_file(root, libraries, library);
	if (places.library == NULL)
		fail("there is no lib/%s in %s, where the command is; reinstall tally%s", library, root,
		     race ? " with its race library" : "");
	free(root);
	return places;
}
