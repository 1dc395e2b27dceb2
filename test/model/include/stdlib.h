/* stdlib.h as models see it: memory comes from the explorer. */
#ifndef MODEL_STDLIB_H
#define MODEL_STDLIB_H
#pragma GCC system_header
#include <model.h>
#include_next <stdlib.h>

#ifndef MODEL_ENGINE
#define malloc(bytes)          model__alloc(MODEL_HERE, (bytes), 16, false)
#define calloc(count, bytes)   model__alloc(MODEL_HERE, (size_t)(count) * (bytes), 16, true)
#define aligned_alloc(a, size) model__alloc(MODEL_HERE, (size), (a), false)
#define free(start)            model__free(MODEL_HERE, (start))
#endif

#endif
