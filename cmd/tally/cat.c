/* tally cat: prints once what a program counts, or which programs count. */
#include "command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tally/view.h>

static const char cat_help[] =
	"usage: tally cat [PID | PATH] [--format openmetrics|prometheus|json]\n"
	"\n"
	"Prints what the process PID has counted, or what was counted into the file PATH\n"
	"(./123 if its name is a number). The program does not notice. Without PID or PATH:\n"
	"the programs of this user that count.\n"
	"\n"
	"  --format F  openmetrics (the default), prometheus or json; integers are exact\n"
	"\n"
	"The exit code is 0; 125 if it cannot be done.\n";

static const struct {
	const char *name;
	tally_view_format format;
} formats[] = {
	{"openmetrics", TALLY_VIEW_OPENMETRICS},
	{"prometheus", TALLY_VIEW_PROMETHEUS},
	{"json", TALLY_VIEW_JSON},
};

static tally_view_format format_named(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(name, formats[i].name) == 0)
			return formats[i].format;
	fail("there is no format \"%s\": it is openmetrics, prometheus or json", name);
}

static int list_program(int pid, void *arg)
{
	int *count = arg;
	tally_view *view;
	int error = tally_view_open_pid(pid, &view);

	/* It may have ended meanwhile. */
	if (error == -ESRCH || error == -ENODATA)
		return 0;
	if ((*count)++ == 0)
		printf("%10s %10s  %s\n", "PID", "METRICS", "PROGRAM");
	if (error != 0) {
		printf("%10d %10s  %s\n", pid, "?", tally_view_error(error));
		return 0;
	}
	printf("%10d %10zu  ", pid, tally_view_size(view));
	/* What stands there is the program's word. */
	for (const char *c = tally_view_program(view); *c != '\0'; c++)
		putchar(*c >= 0x20 && *c != 0x7f ? *c : '?');
	putchar('\n');
	tally_view_close(view);
	return 0;
}

static int list_programs(void)
{
	int count = 0;
	int error = tally_view_list(list_program, &count);

	if (error < 0)
		fail("cannot list processes: %s", tally_view_error(error));
	if (count == 0)
		fprintf(stderr, "tally: no program of this user counts\n");
	if (fflush(stdout) != 0 || ferror(stdout))
		fail("cannot write to standard output: %s", strerror(errno));
	return 0;
}

/* A process id, or 0 if the word is a path. */
static int pid_of(const char *word)
{
	char *end;

	if (word[0] < '0' || word[0] > '9')
		return 0;
	errno = 0;
	long pid = strtol(word, &end, 10);
	if (*end != '\0')
		return 0;
	if (errno != 0 || pid < 1 || pid > INT_MAX)
		fail("%s cannot be a process id; for a file of that name say ./%s", word, word);
	return (int)pid;
}

int command_cat(int argc, char **argv)
{
	const char *what = NULL;
	const char *format = "openmetrics";
	bool formatted = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return print_help(cat_help);
		if (strncmp(argv[i], "--format=", 9) == 0) {
			format = argv[i] + 9;
			formatted = true;
		} else if (strcmp(argv[i], "--format") == 0) {
			if (++i == argc)
				fail("--format needs a name: openmetrics, prometheus or json");
			format = argv[i];
			formatted = true;
		} else if (argv[i][0] == '-') {
			fail("tally cat has no option %s; tally help cat lists them", argv[i]);
		} else if (what != NULL) {
			fail("tally cat takes one PID or PATH, not \"%s\" and \"%s\"", what, argv[i]);
		} else {
			what = argv[i];
		}
	}
	tally_view_format wanted = format_named(format);
	if (what == NULL) {
		if (formatted)
			fail("--format needs a PID or PATH; tally cat alone lists the programs that count");
		return list_programs();
	}
	tally_view *view;
	int pid = pid_of(what);
	int error = pid != 0 ? tally_view_open_pid(pid, &view) : tally_view_open_path(what, &view);
	if (error != 0)
		fail("%s%s: %s", pid != 0 ? "process " : "", what, tally_view_error(error));
	error = tally_view_print(view, wanted, stdout);
	tally_view_close(view);
	if (error != 0)
		fail("cannot write to standard output: %s", strerror(errno));
	return 0;
}
