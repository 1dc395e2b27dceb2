/* count/cells.h - the cells of anonymous metrics: which are in use. */
#ifndef TALLY_COUNT_CELLS_H_
#define TALLY_COUNT_CELLS_H_

#include <stdint.h>

#define TALLY__CELLS_NONE UINT32_MAX

/* Takes 1 or 2 neighbouring cells that nobody uses; returns the first, or TALLY__CELLS_NONE. */
uint32_t tally__cells_take(uint32_t count);

/* Gives them back. What the caller has seen counted there, the next to take them sees. */
void tally__cells_give(uint32_t cell, uint32_t count);

#endif
