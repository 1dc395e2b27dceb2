/* platform/sharedfile.h as models see it: reserving memory is a step. */
#ifndef MODEL_PLATFORM_SHAREDFILE_H
#define MODEL_PLATFORM_SHAREDFILE_H
#pragma GCC system_header
#include <model.h>
#include_next <platform/sharedfile.h>

int model__shared_reserve(const struct model_place *at, void *start, size_t bytes);

#define tally__shared_reserve(start, bytes) model__shared_reserve(MODEL_HERE, (start), (bytes))
#define tally__shared_allow(start, bytes)   model__shared_reserve(MODEL_HERE, (start), (bytes))

#endif
