/* How a program is compiled: with one call of the compiler where it has one source, which is the fastest; else
 * one for each source, and one that links. */
#include "build.h"

#include "command.h"
#include "depfile.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_options(struct list *words, const char *const *options)
{
	for (; *options != NULL; options++)
		list_add(words, *options);
}

/* What both compiling and linking need. */
static void add_common_options(struct list *words, bool race)
{
	static const char *const all[] = {"-g", "-pthread", NULL};
	static const char *const for_races[] = {"-fsanitize=thread", NULL};

	add_options(words, all);
	if (race)
		add_options(words, for_races);
}

static void add_compile_options(struct list *words, const struct build *build, enum language language)
{
	static const char *const standard[LANGUAGES] = {"-std=gnu17", "-std=gnu++17"};
	static const char *const flags[LANGUAGES] = {"CFLAGS", "CXXFLAGS"};
	static const char *const ordinary[] = {"-O2", "-Wall", NULL};
	static const char *const for_races[] = {"-O1", "-fno-omit-frame-pointer", "-Wall", NULL};

	list_add(words, standard[language]);
	add_options(words, build->race ? for_races : ordinary);
	/* A plain integer in the place of an atomic one is only a warning otherwise. */
	if (language == LANGUAGE_C)
		list_add(words, "-Werror=incompatible-pointer-types");
	/* So that a large frame cannot step over the guard of a task's stack. clang has it for x86-64 alone. */
	if (strcmp(TALLY_ARCH, "x86_64") == 0 || strstr(words->words[0], "clang") == NULL)
		list_add(words, "-fstack-clash-protection");
	list_add(words, "-I");
	list_add(words, build->places.include);
	list_add_words(words, getenv("CPPFLAGS"));
	list_add_words(words, getenv(flags[language]));
}

static void add_source(struct list *words, const struct source *source)
{
	static const char *const names[LANGUAGES] = {"c", "c++"};

	if (source->piped && strcmp(source->name, "-") != 0) {
		/* Its own folder is the first for #include "...". */
		const char *slash = strrchr(source->name, '/');
		char *folder = slash == NULL ? format(".")
					     : format("%.*s/", (int)(slash - source->name), source->name);
		list_add(words, "-iquote");
		list_add(words, folder);
		free(folder);
	}
	if (source->piped) {
		list_add(words, "-x");
		list_add(words, names[source->language]);
	}
	/* A name that begins with - would be an option. */
	char *name = source->piped            ? format("-")
		     : source->name[0] == '-' ? format("./%s", source->name)
					      : format("%s", source->name);
	list_add(words, name);
	free(name);
	if (source->piped) {
		list_add(words, "-x");
		list_add(words, "none");
	}
}

static void add_libraries(struct list *words, const struct build *build)
{
	list_add(words, build->places.library);
	list_add_words(words, getenv("LDLIBS"));
}

static void add_output(struct list *words, const char *folder, const char *name)
{
	char *path = format("%s/%s", folder, name);

	list_add(words, "-o");
	list_add(words, path);
	free(path);
}

static struct step compile_step(const struct build *build, const struct toolchain *toolchain,
				const char *folder, size_t index)
{
	const struct source *source = &build->sources[index];
	struct step step = {.source = source, .files = format("%s/%zu.d", folder, index)};
	struct list *words = &step.words;

	list_add_all(words, &toolchain->command[source->language]);
	add_common_options(words, build->race);
	add_compile_options(words, build, source->language);
	list_add(words, "-MD");
	list_add(words, "-MF");
	list_add(words, step.files);
	list_add(words, "-MT");
	list_add(words, "program");
	if (build->count > 1) {
		char *object = format("%zu.o", index);
		list_add(words, "-c");
		add_output(words, folder, object);
		add_source(words, source);
		free(object);
	} else {
		list_add_words(words, getenv("LDFLAGS"));
		add_output(words, folder, build->program);
		add_source(words, source);
		add_libraries(words, build);
	}
	return step;
}

static struct step link_step(const struct build *build, const struct toolchain *toolchain, const char *folder)
{
	struct step step = {0};
	struct list *words = &step.words;
	enum language language = LANGUAGE_C;

	for (size_t i = 0; i < build->count; i++) {
		if (build->sources[i].language > language)
			language = build->sources[i].language;
	}
	list_add_all(words, &toolchain->command[language]);
	add_common_options(words, build->race);
	list_add_words(words, getenv("LDFLAGS"));
	add_output(words, folder, build->program);
	for (size_t i = 0; i < build->count; i++) {
		char *object = format("%s/%zu.o", folder, i);
		list_add(words, object);
		free(object);
	}
	add_libraries(words, build);
	return step;
}

struct steps build_steps(const struct build *build, const struct toolchain *toolchain, const char *folder)
{
	struct steps steps = {.each = allocate((build->count + 1) * sizeof(*steps.each))};

	while (steps.count < build->count) {
		steps.each[steps.count] = compile_step(build, toolchain, folder, steps.count);
		steps.count++;
	}
	if (build->count > 1)
		steps.each[steps.count++] = link_step(build, toolchain, folder);
	return steps;
}

/* Shows a command so that it can be given to a shell. */
static void show(const struct step *step)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";

	for (size_t i = 0; i < step->words.count; i++) {
		const char *word = step->words.words[i];
		if (i > 0)
			fputc(' ', stderr);
		if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
			fputs(word, stderr);
			continue;
		}
		fputc('\'', stderr);
		for (; *word != '\0'; word++)
			fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, stderr);
		fputc('\'', stderr);
	}
	fputc('\n', stderr);
}

/* What the compiler is to see of a source that it does not read itself: names and lines as in the file, and
 * nothing of a first line `#!`. */
static struct text piped_text(const struct source *source)
{
	struct text text;
	char *line = format("%s", "");

	if (strcmp(source->name, "-") != 0) {
		char *quoted = allocate(2 * strlen(source->name) + 1);
		char *end = quoted;
		for (const char *c = source->name; *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				*end++ = '\\';
			*end++ = *c;
		}
		free(line);
		line = format("#line 1 \"%s\"\n", quoted);
		free(quoted);
	}
	size_t before = strlen(line);
	text.size = before + source->text.size;
	text.bytes = allocate(text.size + 1);
	memcpy(text.bytes, line, before);
	memcpy(text.bytes + before, source->text.bytes, source->text.size);
	free(line);
	char *first = text.bytes + before;
	if (first[0] == '#' && first[1] == '!')
		memset(first, ' ', strcspn(first, "\n"));
	return text;
}

int build_run(const struct build *build, const struct steps *steps, struct list *files, bool *all_known)
{
	*all_known = true;
	for (size_t i = 0; i < steps->count; i++) {
		const struct step *step = &steps->each[i];
		const char *compiler = step->words.words[0];
		struct text input = {0};
		struct text rule;
		bool piped = step->source != NULL && step->source->piped;

		if (build->verbose)
			show(step);
		if (piped)
			input = piped_text(step->source);
		int code = process_run(&step->words, piped ? &input : NULL, false);
		free(input.bytes);
		if (code < 0)
			fail("the compiler %s was killed by signal %d (%s); run it again, or set CC to another",
			     compiler, -code, strsignal(-code));
		if (code != 0)
			return 1;
		if (step->files == NULL)
			continue;
		*all_known =
			*all_known && read_file(step->files, &rule) == 0 && depfile_parse(rule.bytes, files);
		unlink(step->files);
	}
	return 0;
}

static bool links_race(const struct toolchain *toolchain, const bool needed[LANGUAGES], const char *folder,
		       const char *source)
{
	static const char *const names[LANGUAGES] = {"c", "c++"};
	char *program = format("%s/probe", folder);
	struct text input = {.bytes = format("%s", source), .size = strlen(source)};
	bool works = true;

	for (int language = 0; language < LANGUAGES && works; language++) {
		if (!needed[language])
			continue;
		const char *const options[] = {"-o", program, "-x", names[language], "-", NULL};
		struct list words = {0};
		list_add_all(&words, &toolchain->command[language]);
		add_common_options(&words, true);
		list_add_words(&words, getenv("LDFLAGS"));
		add_options(&words, options);
		works = process_run(&words, &input, true) == 0;
	}
	unlink(program);
	free(program);
	free(input.bytes);
	return works;
}

const struct toolchain *build_race_toolchain(const struct toolchains *toolchains, const bool needed[LANGUAGES],
					     const char *folder)
{
	/* An old clang is no better than gcc: it comes last. */
	static const char *const sources[] = {
		"#if defined(__clang__) && __clang_major__ < 14\n#error old\n#endif\nint main(void) { return "
		"0; }\n",
		"int main(void) { return 0; }\n",
	};

	/* Where there is no choice, what is wrong is the compiler's to say. */
	if (toolchains->count == 1 && (getenv("CC") != NULL || getenv("CXX") != NULL))
		return &toolchains->each[0];
	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < toolchains->count; j++) {
			if (links_race(&toolchains->each[j], needed, folder, sources[i]))
				return &toolchains->each[j];
		}
	}
	fail("no compiler here can link -fsanitize=thread, which -race needs; install clang with its runtime "
	     "(libclang-rt), or gcc's libtsan");
}
