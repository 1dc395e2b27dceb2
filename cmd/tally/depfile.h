/* Reads the rule in which a compiler lists the files that it has read (-MD). */
#ifndef TALLY_COMMAND_DEPFILE_H_
#define TALLY_COMMAND_DEPFILE_H_

#include "text.h"

/* Adds the files that the rule's target depends on, those that are new, and no pseudo files such as <stdin>.
 * False if the text is no such rule. */
bool depfile_parse(const char *text, struct list *files);

#endif
