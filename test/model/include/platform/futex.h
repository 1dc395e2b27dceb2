/* platform/futex.h as models see it: each call with its place in the source. */
#ifndef MODEL_PLATFORM_FUTEX_H
#define MODEL_PLATFORM_FUTEX_H
#pragma GCC system_header
#include <model.h>
#include_next <platform/futex.h>

int model__futex_wait(const struct model_place *at, void *word, uint32_t expected, int64_t deadline);
void model__futex_wake(const struct model_place *at, void *word, int count);

#define tally__futex_wait(word, expected, deadline)                                                            \
	model__futex_wait(MODEL_HERE, &(word)->value_, (expected), (deadline))
#define tally__futex_wake(word, count) model__futex_wake(MODEL_HERE, &(word)->value_, (count))

#endif
