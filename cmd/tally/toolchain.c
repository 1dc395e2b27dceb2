/* Which compilers there are: $CC and $CXX where they are set; else cc, gcc, clang. For races clang comes first,
 * since its ThreadSanitizer needs a fortieth of the time of gcc 12's for each task. */
#include "toolchain.h"

#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAMILIES = 3 };

static const char *const ordinary[FAMILIES][LANGUAGES] = {{"cc", "c++"}, {"gcc", "g++"}, {"clang", "clang++"}};
static const char *const for_races[FAMILIES][LANGUAGES] = {{"clang", "clang++"}, {"cc", "c++"}, {"gcc", "g++"}};
static const char *const variables[LANGUAGES] = {"CC", "CXX"};
static const char *const names[LANGUAGES] = {"C", "C++"};

char *find_program(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0 ? format("%s", name) : NULL;
	if (path == NULL)
		path = "/usr/local/bin:/usr/bin:/bin";
	for (;;) {
		size_t length = strcspn(path, ":");
		char *program = length == 0 ? format("./%s", name) : format("%.*s/%s", (int)length, path, name);
		if (access(program, X_OK) == 0)
			return program;
		free(program);
		if (path[length] == '\0')
			return NULL;
		path += length + 1;
	}
}

/* False where there is no such program. */
static bool find_compiler(struct list *command, const char *words)
{
	list_add_words(command, words);
	char *program = find_program(command->words[0]);
	if (program == NULL)
		return false;
	free(command->words[0]);
	command->words[0] = program;
	return true;
}

static const char *from_environment(int language)
{
	const char *words = getenv(variables[language]);

	return words != NULL && words[strspn(words, " \t\n")] != '\0' ? words : NULL;
}

struct toolchains toolchains_find(const bool needed[LANGUAGES], bool race)
{
	struct toolchains found = {.each = allocate(FAMILIES * sizeof(*found.each))};
	const char *given[LANGUAGES];
	bool choice = false;

	for (int language = 0; language < LANGUAGES; language++) {
		given[language] = from_environment(language);
		choice = choice || (needed[language] && given[language] == NULL);
	}
	for (int family = 0; family < FAMILIES; family++) {
		struct toolchain toolchain = {0};
		bool complete = true;
		for (int language = 0; language < LANGUAGES && complete; language++) {
			if (!needed[language])
				continue;
			const char *words = given[language];
			if (words == NULL)
				words = (race ? for_races : ordinary)[family][language];
			complete = find_compiler(&toolchain.command[language], words);
			if (!complete && given[language] != NULL)
				fail("there is no program \"%s\", which %s names as the compiler",
				     toolchain.command[language].words[0], variables[language]);
		}
		if (complete)
			found.each[found.count++] = toolchain;
		if (!choice)
			break;
	}
	if (found.count == 0) {
		int language = needed[LANGUAGE_CPP] ? LANGUAGE_CPP : LANGUAGE_C;
		fail("there is no %s compiler (%s, %s or %s) in PATH; install one, or set %s", names[language],
		     ordinary[0][language], ordinary[1][language], ordinary[2][language], variables[language]);
	}
	return found;
}
