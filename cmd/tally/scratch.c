/* A folder for what a compilation writes. */
#include "scratch.h"

#include "text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *current;

void folder_remove(const char *folder)
{
	DIR *stream = opendir(folder);

	if (stream != NULL) {
		for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				unlinkat(dirfd(stream), entry->d_name, 0);
		}
		closedir(stream);
	}
	rmdir(folder);
}

void scratch_remove(void)
{
	if (current != NULL)
		folder_remove(current);
	current = NULL;
}

void scratch_give_away(void)
{
	current = NULL;
}

bool scratch_make(struct scratch *scratch, const char *parent)
{
	static bool registered;
	struct stat status;

	char *folder = format("%s/tally-XXXXXX", parent);
	if (mkdtemp(folder) == NULL || stat(folder, &status) != 0) {
		free(folder);
		return false;
	}
	current = folder;
	if (!registered)
		atexit(scratch_remove);
	registered = true;
	*scratch = (struct scratch){.folder = folder, .made = status.st_ctim};
	return true;
}
