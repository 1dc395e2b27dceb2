/* view/text.h - the formats in which a view is printed. */
#ifndef TALLY_VIEW_TEXT_H_
#define TALLY_VIEW_TEXT_H_

#include <tally/view.h>

void tally__print_openmetrics(const tally_view *view, FILE *out);
void tally__print_prometheus(const tally_view *view, FILE *out);
void tally__print_json(const tally_view *view, FILE *out);

/* Prints a text: control characters become spaces, what is not UTF-8 becomes U+FFFD; a line feed becomes \n,
 * and a backslash goes before each backslash and each of the characters in `escaped`. */
void tally__print_escaped(const char *text, const char *escaped, FILE *out);

#endif
