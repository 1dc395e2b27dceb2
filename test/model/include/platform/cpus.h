/* platform/cpus.h as models see it: each call with its place in the source. */
#ifndef MODEL_PLATFORM_CPUS_H
#define MODEL_PLATFORM_CPUS_H
#pragma GCC system_header
#include <model.h>
#include_next <platform/cpus.h>

void model__heavy_barrier(const struct model_place *at);

#define tally__cpu_relax()     model__yield(MODEL_HERE)
#define tally__heavy_barrier() model__heavy_barrier(MODEL_HERE)

#endif
