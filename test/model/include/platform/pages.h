/* platform/pages.h as models see it: each call with its place in the source. */
#ifndef MODEL_PLATFORM_PAGES_H
#define MODEL_PLATFORM_PAGES_H
#pragma GCC system_header
#include <model.h>
#include_next <platform/pages.h>

void *model__pages_map(const struct model_place *at, size_t bytes);
void model__pages_unmap(const struct model_place *at, void *start, size_t bytes);

#define tally__pages_map(bytes)          model__pages_map(MODEL_HERE, (bytes))
#define tally__pages_unmap(start, bytes) model__pages_unmap(MODEL_HERE, (start), (bytes))

#endif
