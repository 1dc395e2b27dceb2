/* tally run: compiles C sources against this tally, keeps the program, and becomes it. */
#include "build.h"
#include "cache.h"
#include "command.h"
#include "execute.h"
#include "process.h"
#include "scratch.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char run_help[] =
	"usage: tally run [-race] [-v] FILE... [--] [ARGUMENT...]\n"
	"\n"
	"Compiles the C (.c) or C++ (.cc, .cpp, .cxx) FILEs against this tally and runs the\n"
	"program. The first word that is not such a name begins the program's ARGUMENTs, as\n"
	"does --. FILE may be - for standard input. A first line #!/usr/bin/env -S tally run\n"
	"makes a file a command. What was compiled is kept, and used again while the files,\n"
	"the headers they include, the compiler and tally are the same.\n"
	"\n"
	"  -race  find data races, by ThreadSanitizer; a program that has them exits with 66\n"
	"  -v     show what is compiled and run\n"
	"\n"
	"CC and CXX name the compilers, CPPFLAGS, CFLAGS, CXXFLAGS, LDFLAGS and LDLIBS add to\n"
	"their options. TALLY_CACHE_SIZE limits what is kept (256M).\n"
	"\n"
	"The exit code is the program's; 1 if it does not compile; 125 if tally itself fails.\n";

struct request {
	bool race;
	bool verbose;
	bool needed[LANGUAGES];
	struct source *sources;
	size_t count;
	char **arguments; /* of the program; the first is its name */
};

static bool is_cpp(const char *name)
{
	return ends_in(name, ".cc") || ends_in(name, ".cpp") || ends_in(name, ".cxx");
}

static bool is_source(const char *word)
{
	return strcmp(word, "-") == 0 || ends_in(word, ".c") || is_cpp(word);
}

static void read_source(struct source *source)
{
	bool standard_input = strcmp(source->name, "-") == 0;
	struct stat status;

	source->language = is_cpp(source->name) ? LANGUAGE_CPP : LANGUAGE_C;
	int fd = standard_input ? STDIN_FILENO : open(source->name, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 || fstat(fd, &status) != 0 ? -errno : read_all(fd, &source->text);
	if (error != 0)
		fail("cannot read %s: %s", standard_input ? "standard input" : source->name, strerror(-error));
	if (!standard_input)
		close(fd);
	source->changed = status.st_ctim;
	bool script = strncmp(source->text.bytes, "#!", 2) == 0;
	source->piped = standard_input || script || !S_ISREG(status.st_mode);
	if (!is_source(source->name) && !source->piped)
		fail("%s is no C source; its name would end in .c, or its first line begin with #!",
		     source->name);
}

/* The name that the program gets: that of its first source without folder and suffix. */
static char *program_name(const char *source)
{
	const char *slash = strrchr(source, '/');
	const char *base = slash == NULL ? source : slash + 1;
	const char *dot = strrchr(base, '.');

	if (strcmp(base, "-") == 0)
		return format("stdin");
	return dot == NULL || dot == base ? format("%s", base) : format("%.*s", (int)(dot - base), base);
}

static void parse_sources(struct request *request, int argc, char **argv, int next)
{
	bool standard_input = false;

	request->sources = allocate((size_t)argc * sizeof(*request->sources));
	/* The first may have any name: it is a command when the system calls tally for it. */
	while (next < argc && strcmp(argv[next], "--") != 0 && (request->count == 0 || is_source(argv[next]))) {
		struct source *source = &request->sources[request->count++];
		source->name = argv[next++];
		if (strcmp(source->name, "-") == 0) {
			if (standard_input)
				fail("standard input (-) can be one of the files only");
			standard_input = true;
		}
		read_source(source);
		request->needed[source->language] = true;
	}
	if (request->count == 0)
		fail("run what? name a C source, or - for standard input; tally run --help says more");
	if (next < argc && strcmp(argv[next], "--") == 0)
		next++;
	/* The word before the arguments is one that is no longer needed, at least `run`. */
	request->arguments = &argv[next - 1];
	request->arguments[0] = program_name(request->sources[0].name);
}

/* Returns false where only help was asked for. */
static bool parse(struct request *request, int argc, char **argv)
{
	int next = 1;

	for (; next < argc && argv[next][0] == '-' && argv[next][1] != '\0'; next++) {
		const char *word = argv[next];
		if (strcmp(word, "--") == 0) {
			next++;
			break;
		}
		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
			return false;
		if (strcmp(word, "-race") == 0 || strcmp(word, "--race") == 0)
			request->race = true;
		else if (strcmp(word, "-v") == 0)
			request->verbose = true;
		else
			fail("run has no option \"%s\"; tally run --help lists them", word);
	}
	parse_sources(request, argc, argv, next);
	return true;
}

static void say(const struct request *request, const char *what, const char *path)
{
	if (request->verbose)
		fprintf(stderr, "tally: %s %s\n", what, path);
}

static void make_scratch(struct scratch *scratch, struct cache *cache)
{
	if (cache->folder != NULL && scratch_make(scratch, cache->folder))
		return;
	if (cache->folder != NULL)
		cache->why = strerror(errno);
	cache->folder = NULL;
	const char *parent = getenv("TMPDIR");
	if ((parent == NULL || !scratch_make(scratch, parent)) && !scratch_make(scratch, "/tmp"))
		fail("cannot make a folder for the program in %s: %s; set TMPDIR to one that is writable",
		     parent == NULL ? "/tmp" : parent, strerror(errno));
}

/* Compiles the program and becomes it, or returns the exit code if it does not compile. */
static int compile(const struct request *request, const struct build *build,
		   const struct toolchains *toolchains, struct cache *cache, const struct key *key)
{
	struct scratch scratch;
	struct list files = {0};
	bool all_known;

	process_catch_signals(scratch_remove);
	make_scratch(&scratch, cache);
	const struct toolchain *toolchain = &toolchains->each[0];
	if (request->race)
		toolchain = build_race_toolchain(toolchains, request->needed, scratch.folder);
	struct steps steps = build_steps(build, toolchain, scratch.folder);
	int code = build_run(build, &steps, &files, &all_known);
	if (code != 0) {
		scratch_remove();
		process_release_signals();
		return code;
	}
	char *path = format("%s/%s", scratch.folder, build->program);
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		fail("the compiler has left no program: %s: %s", path, strerror(errno));
	char *program = NULL;
	if (cache->folder != NULL && all_known)
		program = cache_keep(cache, key, build, &scratch, &files);
	if (program == NULL) {
		say(request, "running, without keeping it,", path);
		if (cache->why != NULL)
			say(request, "nothing is kept:", cache->why);
		process_release_signals();
		execute_scratch(&scratch, path, fd, request->arguments, request->race);
	}
	process_release_signals();
	say(request, "running", program);
	execute(program, request->arguments);
	/* Another command may have needed the room at once. */
	execute_open(fd, program, request->arguments);
}

int command_run(int argc, char **argv)
{
	struct request request = {0};
	struct cache cache;

	if (!parse(&request, argc, argv))
		return print_help(run_help);
	struct build build = {
		.sources = request.sources,
		.count = request.count,
		.places = places_find(request.race),
		.program = request.arguments[0],
		.race = request.race,
		.verbose = request.verbose,
	};
	struct toolchains toolchains = toolchains_find(request.needed, request.race);
	struct key key = key_of_build(&build, &toolchains);
	if (request.race)
		execute_prepare_race(&toolchains);
	cache_open(&cache);
	char *program = cache_find(&cache, &key, build.program);
	if (program != NULL) {
		say(&request, "running", program);
		execute(program, request.arguments);
		/* It was removed at this moment, or is damaged. */
		cache_forget(program);
	}
	return compile(&request, &build, &toolchains, &cache, &key);
}
