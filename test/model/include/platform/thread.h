/* platform/thread.h as models see it: each call with its place in the source. */
#ifndef MODEL_PLATFORM_THREAD_H
#define MODEL_PLATFORM_THREAD_H
#pragma GCC system_header
#include <model.h>
#include_next <platform/thread.h>

int model__thread_start(const struct model_place *at, void (*fn)(void *), void *arg);

#define tally__thread_start(fn, arg) model__thread_start(MODEL_HERE, (fn), (arg))
#define tally__thread_yield()        model__yield(MODEL_HERE)

#endif
