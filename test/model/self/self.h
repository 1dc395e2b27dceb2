/* self.h - for the explorer's own tests: what a model must show, and what it must not. */
#ifndef MODEL_SELF_H
#define MODEL_SELF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <model.h>

static inline struct model_result explore_all(const struct model *model, enum model_memory memory)
{
	struct model all = *model;

	all.preemptions = all.stale = -1;
	all.schedules = 5000000;
	return model_explore(&all, memory, MODEL_DFS, 1, false);
}

/* Every schedule of the model passes. */
static inline void holds(const struct model *model, enum model_memory memory)
{
	struct model_result result = explore_all(model, memory);

	if (result.failure)
		fail_msg("%s: %s", model->name, result.text);
	if (!result.exhausted)
		fail_msg("%s: not all within %llu schedules", model->name, result.schedules);
	printf("           %s: %llu schedules, all\n", model->name, result.schedules);
}

/* Some schedule of the model fails so. */
static inline void fails(const struct model *model, enum model_memory memory, enum model_failure failure)
{
	struct model_result result = explore_all(model, memory);

	if (result.failure != failure)
		fail_msg("%s: failure %d, not %d, after %llu schedules: %s", model->name, (int)result.failure,
			 (int)failure, result.schedules, result.text);
	printf("           %s: found by DFS %llu", model->name, result.schedules);

	/* The same by chance, and again from its seed. */
	for (enum model_strategy strategy = MODEL_RANDOM; strategy <= MODEL_PCT; strategy *= 2) {
		struct model many = *model;

		many.schedules = 200000;
		result = model_explore(&many, memory, strategy, 1, false);
		printf(", %s %llu", strategy == MODEL_RANDOM ? "random" : "pct", result.schedules);
		if (result.failure != failure)
			fail_msg("%s: strategy %d: failure %d, not %d: %s", model->name, (int)strategy,
				 (int)result.failure, (int)failure, result.text);
		many.schedules = 1;
		struct model_result again = model_explore(&many, memory, strategy, result.seed, false);
		if (again.failure != failure)
			fail_msg("%s: seed %llu does not replay", model->name, result.seed);
		assert_string_equal(again.text, result.text);
	}
	printf("\n");
}

#endif
