/* Runs the compiler, and becomes the program. */
#ifndef TALLY_COMMAND_PROCESS_H_
#define TALLY_COMMAND_PROCESS_H_

#include "text.h"

/* Ends the command in the way that a signal wants while compilers run: they get it too, and clean_up is called
 * first. Signals that are ignored stay so. */
void process_catch_signals(void (*clean_up)(void));
/* Back to what was before; a signal that has come takes effect now. */
void process_release_signals(void);

/* Runs a program, with the text as its standard input, which is at its end where there is none. What it prints
 * goes to standard error, or nowhere if it is to be quiet. Returns its exit code, or -n when signal n killed
 * it. A program that cannot be started is a failure of the command. */
int process_run(const struct list *words, const struct text *input, bool quiet);

#endif
