/* The command `tally`: finds the verb and calls it. A verb is one row of the table below and a file. */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tally/base.h>

static const struct verb {
	const char *name;
	int (*call)(int argc, char **argv);
	const char *help;
} verbs[] = {
	{"run", command_run, "compile a C program against this tally, and run it"},
	{"cat", command_cat, "print once what a program counts"},
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

void fail(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("tally: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(COMMAND_FAILED);
}

int print_help(const char *text)
{
	if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
		fail("cannot write to standard output: %s", strerror(errno));
	return 0;
}

static int print_verbs(void)
{
	printf("usage: tally VERB [ARGUMENT...]\n"
	       "       tally help [VERB] | tally --help | tally --version\n"
	       "\n"
	       "Counts things exactly from many tasks at once.\n"
	       "\n");
	for (int i = 0; i < VERBS; i++)
		printf("  %-6s %s\n", verbs[i].name, verbs[i].help);
	return print_help("\n"
			  "`tally help VERB` says more, `man tally` all of it.\n");
}

/* How many letters have to be changed, put in or left out to make one word the other. */
static size_t distance(const char *from, const char *to)
{
	enum { LONGEST = 32 };
	size_t row[LONGEST + 1];
	size_t width = strlen(to);

	if (width > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; from[i] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 1; j <= width; j++) {
			size_t best = diagonal + (from[i] != to[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[width];
}

static const struct verb *find_verb(const char *word)
{
	const struct verb *near = NULL;
	size_t nearest = 3;
	size_t length = strlen(word);

	for (int i = 0; i < VERBS; i++) {
		size_t far = distance(word, verbs[i].name);
		if (far == 0)
			return &verbs[i];
		if (far < nearest && far < length) {
			nearest = far;
			near = &verbs[i];
		}
	}
	if (near != NULL)
		fail("there is no verb \"%s\"; did you mean \"%s\"?", word, near->name);
	if (length > 2 && strcmp(word + length - 2, ".c") == 0)
		fail("\"%s\" is not a verb; did you mean \"tally run %s\"?", word, word);
	fail("there is no %s \"%s\"; tally --help lists what there is", word[0] == '-' ? "option" : "verb",
	     word);
}

static int help(int argc, char **argv)
{
	if (argc < 2)
		return print_verbs();
	const struct verb *verb = find_verb(argv[1]);
	char option[] = "--help";
	char *words[] = {argv[1], option, NULL};
	return verb->call(2, words);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		fail("what is to be done? tally --help lists the verbs");
	const char *word = argv[1];
	if (strcmp(word, "--version") == 0)
		return print_help("tally " TALLY_VERSION "\n");
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return print_verbs();
	if (strcmp(word, "help") == 0)
		return help(argc - 1, argv + 1);
	return find_verb(word)->call(argc - 1, argv + 1);
}
