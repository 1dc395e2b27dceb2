/* view/name.h - the names that a metric may have outside. */
#ifndef TALLY_VIEW_NAME_H_
#define TALLY_VIEW_NAME_H_

#include <tally/view.h>

/* [a-zA-Z_:][a-zA-Z0-9_:]*; a counter's ends in _total and has something before that; no other's does. */
bool tally__name_is_valid(const char *name, tally_view_kind kind);

/* The length of the metric's family name: without _total where it is a counter. */
size_t tally__name_family(const char *name, tally_view_kind kind);

#endif
