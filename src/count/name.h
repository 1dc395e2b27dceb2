/* count/name.h - what metrics may be called. */
#ifndef TALLY_COUNT_NAME_H_
#define TALLY_COUNT_NAME_H_

#include "region/directory.h"

/* Fills in the definition from the text of a metric (tally/counter.h: kind, name, zero byte, help, zero byte).
 * `room`, of TALLY__NAME_MAX + 1 bytes, is for the name if it has to be changed. Returns NULL, or what is wrong
 * with it. */
const char *tally__name_check(const char *text, struct tally__definition *definition, char *room);

const char *tally__kind_name(uint32_t kind);

#endif
