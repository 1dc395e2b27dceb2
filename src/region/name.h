/* region/name.h - what the names and help texts in a region are made of. Who writes them and who reads them ask
 * here. */
#ifndef TALLY_REGION_NAME_H_
#define TALLY_REGION_NAME_H_

#include <stdbool.h>
#include <stddef.h>

/* Whether all of it, of at least one byte, is letters, digits, _ and :, and the first is no digit. */
bool tally__name_is_made_of_letters(const char *name, size_t length);

/* The length of a name without an ending _total, if there is something before that. Metrics are the same if
 * their names are so far: a counter x_total is shown as the family x. */
size_t tally__name_stem(const char *name, size_t length);

/* The length of the UTF-8 character at the start of a text that ends in a zero byte; 0: there is none, or none
 * that is valid. Nothing behind the end is read. */
size_t tally__utf8_length(const char *text);

#endif
