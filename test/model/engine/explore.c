/* explore.c - runs the schedules of a model, and says what came out. */
#include "engine.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

struct engine *engine;

/* The program's variables, as the linker lays them out. */
extern char data_start[], _end[];

_Noreturn void schedule_over(void)
{
	_longjmp(engine->explorer, 1);
}

_Noreturn void fail(enum model_failure failure, const char *format, ...)
{
	va_list list;

	engine->result.failure = failure;
	va_start(list, format);
	vsnprintf(engine->result.text, sizeof(engine->result.text), format, list);
	va_end(list);
	schedule_over();
}

_Noreturn void model__fail_assert(const struct model_place *at, const char *condition)
{
	trace(at, "assertion fails: %s", condition);
	fail(MODEL_ASSERTION, "assertion fails at %s: %s", place_text(at), condition);
}

unsigned model_thread(void)
{
	return engine->self;
}

unsigned model_variant(void)
{
	return engine->model->variant;
}

/* The program follows a pointer that leads nowhere: that is a failure like others. */
static void crashed(int number, siginfo_t *info, void *context)
{
	const struct thread *thread = self();

	(void)number;
	(void)context;
	if (!engine->running)
		abort();
	fail(MODEL_CRASH, "crash: access to %p by thread %u, some time after %s at %s", info->si_addr,
	     engine->self, thread->doing, place_text(thread->at));
}

static void catch_crashes(struct sigaction before[2])
{
	const stack_t stack = {.ss_sp = engine->signal_stack, .ss_size = sizeof(engine->signal_stack)};
	struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGSEGV, &action, &before[0]) != 0 ||
	    sigaction(SIGBUS, &action, &before[1]) != 0)
		abort();
}

static void start(void)
{
	size_t bytes = sizeof(struct engine);

	if (engine)
		return;
	engine = mmap((void *)0x100000000000, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (engine == MAP_FAILED)
		abort();
	contexts_start();
	heap_start();
	engine->variables = data_start;
	engine->variable_bytes = (size_t)(_end - data_start);
	engine->first_values = malloc(engine->variable_bytes);
	if (engine->first_values == NULL)
		abort();
	memcpy(engine->first_values, engine->variables, engine->variable_bytes);
}

/* The setup or the check of the model, on thread 0. */
static void run_alone(void (*function)(void))
{
	struct thread *thread = &engine->threads[0];

	if (function == NULL || engine->result.failure)
		return;
	engine->alone = true;
	engine->ready = 0;
	if (_setjmp(engine->explorer) == 0) {
		context_begin(0, function, NULL, NULL);
		context_enter(0);
	}
	thread->state = THREAD_DONE;
	engine->alone = false;
}

static void run_threads(const struct model *model)
{
	unsigned count = 0;

	if (engine->result.failure)
		return;
	engine->ready = engine->timed = engine->waited_for = 0;
	for (; model->threads[count]; count++) {
		unsigned number = count + 1;
		struct thread *thread = &engine->threads[number];

		engine->threads[0].clock.at[0]++;
		thread->clock = engine->threads[0].clock;
		thread->clock.at[number] = 1;
		context_begin(number, model->threads[count], NULL, NULL);
		engine->waited_for |= bit(number);
	}
	engine->self = 0;
	if (_setjmp(engine->explorer) == 0)
		context_enter(choose_first());
	engine->self = 0;
	for (unsigned i = 1; i < engine->thread_count; i++) {
		if (engine->threads[i].state == THREAD_DONE)
			clock_join(&engine->threads[0].clock, &engine->threads[i].clock);
	}
}

static void run_schedule(unsigned long long number)
{
	const struct model *model = engine->model;
	unsigned count = 0;

	memcpy(engine->variables, engine->first_values, engine->variable_bytes);
	engine->epoch++;
	engine->steps = 0;
	engine->run = 0;
	engine->step_cap = model->steps ? model->steps : 100000;
	engine->now = 1;
	engine->spurious_left = 2;
	engine->faults_left = 2;
	engine->name_count = 0;
	engine->expected_death = NULL;
	engine->warnings = 0;
	engine->result.failure = MODEL_PASSED;
	engine->result.seed = number;
	memory_begin();
	plain_begin();
	heap_begin();
	while (model->threads[count])
		count++;
	engine->thread_count = count + 1;
	for (unsigned i = 0; i < THREADS; i++) {
		engine->threads[i].state = THREAD_NONE;
		memset(&engine->threads[i].clock, 0, sizeof(struct clock));
	}
	memcpy(engine->threads[0].locals, engine->first_locals, engine->local_bytes);
	choose_begin(number);
	engine->running = true;
	run_alone(model->setup);
	run_threads(model);
	run_alone(model->check);
	if (model->no_leaks && !engine->result.failure && _setjmp(engine->explorer) == 0)
		heap_check_leaks();
	engine->running = false;
	engine->result.schedules++;
	engine->result.steps += engine->steps;
}

struct model_result model_explore(const struct model *model, enum model_memory memory,
				  enum model_strategy strategy, unsigned long long first, bool tracing)
{
	unsigned long long schedules = tracing ? 1 : model->schedules ? model->schedules : 20000;

	struct sigaction before[2];

	start();
	catch_crashes(before);
	engine->model = model;
	engine->memory = memory;
	engine->strategy = strategy;
	engine->result = (struct model_result){.failure = MODEL_PASSED};
	engine->path_length = 0;
	engine->tracing = false;
	if (strategy == MODEL_DFS) {
		/* Numbers count the schedules from the first on: each needs the one before. */
		if (tracing)
			schedules = first;
		first = 1;
	}
	for (unsigned long long i = 0; i < schedules; i++) {
		engine->tracing = tracing && i + 1 == schedules;
		engine->line_count = 0;
		run_schedule(first + i);
		if (engine->result.failure)
			break;
		if (strategy == MODEL_DFS && !choose_next_path()) {
			engine->result.exhausted = true;
			break;
		}
	}
	if (tracing)
		trace_print(getenv("TALLY_SEED") ? TRACE_LINES : 250);
	engine->tracing = false;
	sigaction(SIGSEGV, &before[0], NULL);
	sigaction(SIGBUS, &before[1], NULL);
	return engine->result;
}

/* What a user types to see a schedule again: its number, the strategy and the memory in one. */
static unsigned long long seed_of(unsigned long long number, enum model_memory memory,
				  enum model_strategy strategy)
{
	return number * 8 +
	       (strategy == MODEL_RANDOM ? 0U
		: strategy == MODEL_PCT  ? 1U
					 : 2U) *
		       2 +
	       (memory == MODEL_WEAK);
}

static void split_seed(unsigned long long seed, unsigned long long *number, enum model_memory *memory,
		       enum model_strategy *strategy)
{
	static const enum model_strategy strategies[] = {MODEL_RANDOM, MODEL_PCT, MODEL_DFS, MODEL_DFS};

	*number = seed / 8;
	*strategy = strategies[seed / 2 % 4];
	*memory = seed % 2 ? MODEL_WEAK : MODEL_SC;
}

static const char *strategy_text(enum model_strategy strategy)
{
	return strategy == MODEL_RANDOM ? "random" : strategy == MODEL_PCT ? "pct" : "dfs";
}

static const char *failure_text(enum model_failure failure)
{
	static const char *const texts[] = {"passed",         "assertion", "death", "deadlock", "livelock",
					    "use after free", "race",      "leak",  "crash",    "misuse"};

	return texts[failure];
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool explore_and_tell(const struct model *model, enum model_memory memory, enum model_strategy strategy,
			     unsigned long long first, bool fresh)
{
	double begin = seconds();
	struct model_result result = model_explore(model, memory, strategy, first, false);
	double took = seconds() - begin;

	printf("%-28s %-4s %-6s %9llu schedules%s %6.2f s%s, %.0f steps each\n", model->name,
	       memory == MODEL_SC ? "sc" : "weak", strategy_text(strategy), result.schedules,
	       result.exhausted ? ", all:" : ":", took, fresh ? ", fresh" : "",
	       (double)result.steps / (double)result.schedules);
	fflush(stdout);
	if (!result.failure && model->exhaustive && strategy == MODEL_DFS && !result.exhausted) {
		fprintf(stderr, "%s: there are more schedules than that\n", model->name);
		return false;
	}
	if (!result.failure)
		return true;

	unsigned long long seed = seed_of(result.seed, memory, strategy);
	fprintf(stderr, "%s: %s\n%s\nTALLY_MODEL='%s' TALLY_SEED=%llu shows it again. Its steps:\n",
		model->name, failure_text(result.failure), result.text, model->name, seed);
	model_explore(model, memory, strategy, result.seed, true);
	fprintf(stderr, "%s: %s: %s\n", model->name, failure_text(result.failure), result.text);
	return false;
}

static bool run_seed(const struct model *model, const char *text)
{
	unsigned long long number;
	enum model_memory memory;
	enum model_strategy strategy;

	split_seed(strtoull(text, NULL, 0), &number, &memory, &strategy);
	struct model_result result = model_explore(model, memory, strategy, number, true);
	fprintf(stderr, "%s: %s %s\n", model->name, failure_text(result.failure), result.text);
	return !result.failure;
}

static bool run_model(const struct model *model, unsigned long long first, bool fresh)
{
	const char *only = getenv("TALLY_MEMORY");

	for (enum model_memory memory = MODEL_SC; memory <= MODEL_WEAK; memory++) {
		if (model->memory && !(model->memory & memory))
			continue;
		if (only && strcmp(only, memory == MODEL_SC ? "sc" : "weak") != 0)
			continue;
		for (enum model_strategy strategy = MODEL_RANDOM; strategy <= MODEL_DFS; strategy *= 2) {
			if (!((model->strategies ? model->strategies : MODEL_RANDOM | MODEL_PCT) & strategy))
				continue;
			if (fresh && strategy == MODEL_DFS)
				continue;
			if (!explore_and_tell(model, memory, strategy, first, fresh))
				return false;
		}
	}
	return true;
}

static unsigned long long fresh_number(void)
{
	unsigned number = 0;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = (unsigned)time(NULL);
	return 1000000ULL + number;
}

static double environment(const char *name, double otherwise)
{
	const char *text = getenv(name);

	return text ? strtod(text, NULL) : otherwise;
}

int model_main(const struct model *models, size_t count)
{
	const char *seed = getenv("TALLY_SEED"), *only = getenv("TALLY_MODEL");
	double times = environment("TALLY_TIMES", 1), fresh = environment("TALLY_FRESH", 0.25);
	double until = seconds() + 60 * environment("TALLY_MINUTES", 0);
	unsigned run = 0;

	start();
	for (bool again = false; !again || (run && !seed && seconds() < until); again = true) {
		for (size_t i = 0; i < count; i++) {
			struct model model = models[i];
			double schedules = (model.schedules ? model.schedules : 20000) * times;

			if (only && strcmp(only, model.name) != 0)
				continue;
			run++;
			/* Fewer schedules were asked for. */
			model.exhaustive = model.exhaustive && times >= 1;
			if (seed) {
				if (!run_seed(&model, seed))
					return 1;
				continue;
			}
			/* The fixed seeds say nothing new the second time. */
			model.schedules = again ? 0 : (unsigned)schedules;
			if (model.schedules && !run_model(&model, 1, false))
				return 1;
			model.schedules = (unsigned)(again ? schedules : schedules * fresh);
			if (model.schedules && !run_model(&model, fresh_number(), true))
				return 1;
		}
	}
	if (run == 0)
		fprintf(stderr, "no model of this name\n");
	return run == 0 ? 2 : 0;
}
