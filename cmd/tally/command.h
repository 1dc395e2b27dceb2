/* What the files of the command share: its verbs, and how they fail. */
#ifndef TALLY_COMMAND_H_
#define TALLY_COMMAND_H_

/* The exit code of the command's own failures: what cannot be confused with a program's, as env and timeout
 * have it. */
enum { COMMAND_FAILED = 125 };

/* Each verb gets its own words: argv[0] is the verb. Returns the exit code. */
int command_run(int argc, char **argv);
int command_cat(int argc, char **argv);

/* Ends the command: prints `tally: `, the text and a line feed on standard error. The text says what to do. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a verb's help on standard output; what it returns is the exit code. */
int print_help(const char *text);

#endif
