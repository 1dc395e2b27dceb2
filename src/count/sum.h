/* count/sum.h - the sum of one cell over all slots. */
#ifndef TALLY_COUNT_SUM_H_
#define TALLY_COUNT_SUM_H_

#include <stdint.h>

/* Reads the cell at that offset in every slot that may have counted, once. What comes after it in the program
 * reads later. */
uint64_t tally__sum_acquire(uint64_t offset);

#endif
