/* platform/clock.h as models see it: each call with its place in the source. */
#ifndef MODEL_PLATFORM_CLOCK_H
#define MODEL_PLATFORM_CLOCK_H
#pragma GCC system_header
#include <model.h>
#include_next <platform/clock.h>

int64_t model__clock_now(const struct model_place *at);

#define tally__clock_now() model__clock_now(MODEL_HERE)

#endif
