/* tally/tally.h - the whole library. */
#ifndef TALLY_TALLY_H_
#define TALLY_TALLY_H_

#include <tally/atomic.h>
#include <tally/counter.h>
#include <tally/region.h>
#include <tally/task.h>
#include <tally/view.h>
#include <tally/waitgroup.h>

#endif
