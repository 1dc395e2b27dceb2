/* Keys of the cache.
 *
 * Compilers and libraries, which are large, are known by their place, size and times; everything else by its
 * content. That the compiler finds another file of the same name now, since a new one stands before the old
 * one on its search path, is not seen.
 */
#include "key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tally/base.h>
#include <unistd.h>

static void add(struct sha256 *hash, const void *bytes, size_t size)
{
	uint64_t length = size;

	sha256_add(hash, &length, sizeof(length));
	sha256_add(hash, bytes, size);
}

static void add_word(struct sha256 *hash, const char *word)
{
	/* No word and an empty one are two things. */
	add(hash, word, word == NULL ? 0 : strlen(word) + 1);
}

static void add_file(struct sha256 *hash, const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0 || S_ISDIR(status.st_mode))
		return;
	struct facts facts = facts_of(&status);
	add_word(hash, path);
	add(hash, &facts, sizeof(facts));
}

/* Files that a word of a command line stands for: itself, @file, or a library in the folders named so far. */
static void add_named_files(struct sha256 *hash, const char *word, struct list *folders)
{
	if (word[0] == '@') {
		add_file(hash, word + 1);
	} else if (word[0] != '-') {
		add_file(hash, word);
	} else if (word[1] == 'L') {
		list_add(folders, word + 2);
	} else if (word[1] == 'l') {
		for (size_t i = 0; i < folders->count; i++) {
			char *library = format("%s/lib%s.a", folders->words[i], word + 2);
			add_file(hash, library);
			free(library);
			library = format("%s/lib%s.so", folders->words[i], word + 2);
			add_file(hash, library);
			free(library);
		}
	}
}

static void add_compiler(struct sha256 *hash, const struct list *command)
{
	/* In `ccache gcc` both words are programs. */
	for (size_t i = 0; i < command->count; i++) {
		char *program = find_program(command->words[i]);
		if (program != NULL)
			add_file(hash, program);
		free(program);
	}
}

/* The source itself, or with ./ before it. */
static bool names_source(const char *word, const struct source *source)
{
	return strcmp(word, source->name) == 0 ||
	       (strncmp(word, "./", 2) == 0 && strcmp(word + 2, source->name) == 0);
}

static void add_step(struct sha256 *hash, const struct step *step)
{
	struct list folders = {0};

	for (size_t i = 0; i < step->words.count; i++) {
		add_word(hash, step->words.words[i]);
		/* Of a source the content counts alone. */
		if (step->source == NULL || !names_source(step->words.words[i], step->source))
			add_named_files(hash, step->words.words[i], &folders);
	}
	if (step->source == NULL)
		return;
	add_word(hash, step->source->name);
	add(hash, step->source->text.bytes, step->source->text.size);
}

static struct key finish(struct sha256 *hash)
{
	unsigned char digest[SHA256_SIZE];
	struct key key;

	sha256_end(hash, digest);
	for (int i = 0; i < SHA256_SIZE; i++)
		snprintf(key.hex + 2 * i, 3, "%02x", digest[i]);
	return key;
}

struct key key_of_build(const struct build *build, const struct toolchains *toolchains)
{
	/* Variables that gcc, clang and their linkers look at. */
	static const char *const variables[] = {"CPATH",        "C_INCLUDE_PATH",    "CPLUS_INCLUDE_PATH",
						"LIBRARY_PATH", "COMPILER_PATH",     "GCC_EXEC_PREFIX",
						"LD_RUN_PATH",  "GCC_COMPARE_DEBUG", "SOURCE_DATE_EPOCH"};
	struct sha256 hash;

	sha256_begin(&hash);
	add_word(&hash, "tally " TALLY_VERSION " build 1");
	/* Debugging information and relative names depend on it. */
	char *here = getcwd(NULL, 0);
	add_word(&hash, here);
	free(here);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		add_word(&hash, getenv(variables[i]));
	for (size_t i = 0; i < toolchains->count; i++) {
		struct steps steps = build_steps(build, &toolchains->each[i], "");
		for (int language = 0; language < LANGUAGES; language++)
			add_compiler(&hash, &toolchains->each[i].command[language]);
		for (size_t j = 0; j < steps.count; j++)
			add_step(&hash, &steps.each[j]);
	}
	return finish(&hash);
}

struct key key_of_program(const struct key *build, const struct files *files)
{
	struct sha256 hash;

	sha256_begin(&hash);
	add_word(&hash, "program 1");
	add_word(&hash, build->hex);
	for (size_t i = 0; i < files->count; i++) {
		add_word(&hash, files->each[i].path);
		add(&hash, files->each[i].hash, SHA256_SIZE);
	}
	return finish(&hash);
}
