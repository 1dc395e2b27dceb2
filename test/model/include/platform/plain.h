/* platform/plain.h as models see it: each mark goes to the explorer, with its place in the source. */
#ifndef TALLY_PLATFORM_PLAIN_H_
#define TALLY_PLATFORM_PLAIN_H_

#include <model.h>

#define tally__plain_read(start, bytes)  model__plain_read(MODEL_HERE, (start), (bytes))
#define tally__plain_write(start, bytes) model__plain_write(MODEL_HERE, (start), (bytes))
#define tally__plain_end(start, bytes)   model__plain_end(MODEL_HERE, (start), (bytes))

#endif
