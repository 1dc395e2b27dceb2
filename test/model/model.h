/* model.h - explores how the threads of a small program may interleave, and what they may read.
 *
 * A model is a few functions that run as virtual threads, on contexts of their own in one thread of the
 * system. It is built with test/model/include first on the include path, so that each atomic operation, futex
 * call, clock read and allocation of the library's own source becomes a point where another thread may go on.
 * Who goes on, what a load reads and what fails is chosen from a seed; the same seed gives the same run.
 *
 *     static tally_atomic_u32 ops;
 *
 *     static void add(void) { tally_atomic_u32_add(&ops, 1); }
 *     static void check(void) { model_assert(tally_atomic_u32_load(&ops) == 2); }
 *
 *     static const struct model models[] = {
 *             {.name = "counter", .threads = {add, add}, .check = check},
 *     };
 *
 *     MODEL_MAIN(models)
 *
 * Every variable of the program (static, or thread-local) is as at the program's start when a schedule begins.
 * Memory comes from model_alloc, malloc or tally__pages_map and is gone at the schedule's end; once freed it is
 * not given out again in that schedule, so that a late access to it is seen.
 *
 * What counts as a failure: a failed model_assert, tally__die, a deadlock, more steps than the cap, an access
 * to freed memory or to the stack of a call that has returned, a data race between marked plain accesses
 * (platform/plain.h, model_read, model_write), memory still allocated if the model says `.no_leaks`.
 *
 * The program runs each model under each strategy and each memory it asks for, from fixed seeds and then for a
 * quarter as long from fresh ones; on a failure it prints the seed and the steps of that schedule and ends
 * with 1. Environment: TALLY_SEED=n runs the schedule of that seed only, with its trace; TALLY_MODEL=name that
 * model only; TALLY_TIMES=x multiplies the schedules; TALLY_FRESH=x says how many of them, beside the fixed
 * ones, are fresh; TALLY_MINUTES=m repeats the whole, with new fresh seeds, until so much time has passed.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/atomic.h>

#define MODEL_THREADS_MAX 11 /* virtual threads besides the one of setup and check */

/* What a load may read. */
enum model_memory {
	MODEL_SC = 1,   /* the last store */
	MODEL_WEAK = 2, /* what C++20 allows, as far as doc/design/test-back-ends.md says */
};

enum model_strategy {
	MODEL_RANDOM = 1, /* any thread, at any step */
	MODEL_PCT = 2,    /* the thread of the highest priority; some priorities fall on the way */
	MODEL_DFS = 4,    /* one schedule after another, within the bounds below */
};

/* What may go wrong, besides what always may (a futex wait that returns for no reason). */
enum model_fault {
	MODEL_FAULT_ALLOC = 1,  /* malloc and tally__pages_map return NULL */
	MODEL_FAULT_THREAD = 2, /* tally__thread_start returns -EAGAIN */
	MODEL_FAULT_EXIT = 4    /* tally__thread_at_exit returns -ENOMEM */
};

struct model {
	const char *name;
	void (*setup)(void);                          /* runs first, alone */
	void (*threads[MODEL_THREADS_MAX + 1])(void); /* run side by side; the last is NULL */
	void (*check)(void);                          /* runs last, alone, when all threads have ended */
	enum model_memory memory;                     /* 0: both */
	enum model_strategy strategies;               /* 0: random and PCT */
	enum model_fault faults;
	unsigned schedules; /* for each memory and strategy; 0: 20,000 */
	unsigned steps;     /* the cap of one schedule; 0: 100,000 */
	int preemptions;    /* DFS: how often a thread that could go on may be stopped; 0: 2, -1: any number */
	int stale;          /* DFS: how many loads may read another value than the last; 0: 2, -1: any number */
	bool exhaustive;    /* DFS that does not come to its end within the schedules fails */
	bool no_spurious;   /* futex waits return only for a reason; DFS: always so */
	bool heavy_barrier; /* tally__heavy_barrier_ready() is true */
	bool no_leaks;      /* what was allocated is freed when check returns */
	unsigned cpus;      /* what tally__cpus_usable returns; 0: 2 */
	unsigned variant;   /* what model_variant returns: for models that differ in little */
};

/* Where an operation stands in the source. */
struct model_place {
	const char *file;
	const char *function;
	int line;
};

#define MODEL_HERE                                                                                             \
	(__extension__({                                                                                       \
		static const struct model_place model_here_ = {__FILE__, __func__, __LINE__};                  \
		&model_here_;                                                                                  \
	}))

#define model_assert(condition) ((condition) ? (void)0 : model__fail_assert(MODEL_HERE, #condition))

/* Plain accesses, as tally__plain_read and tally__plain_write. */
#define model_read(pointer) (model__plain_read(MODEL_HERE, (pointer), sizeof(*(pointer))), *(pointer))
#define model_write(pointer, value)                                                                            \
	((void)(*(pointer) = (value)), model__plain_write(MODEL_HERE, (pointer), sizeof(*(pointer))))

/* Zeroed memory, or NULL if the model asks for failing allocations. */
#define model_alloc(bytes)  model__alloc(MODEL_HERE, (bytes), 16, true)
#define model_free(pointer) model__free(MODEL_HERE, (pointer))

/* Lets others go on: the thread itself is not chosen again before one of them has. */
#define model_yield() model__yield(MODEL_HERE)

/* Waits until a bool function of the model's own says true. It is asked after every step of other threads. */
#define model_wait_until(condition)                                                                            \
	do {                                                                                                   \
		while (!(condition))                                                                           \
			model__yield(MODEL_HERE);                                                              \
	} while (0)

/* A number below n, chosen by the strategy. */
unsigned model_choose(unsigned n);

/* Ends another thread where it stands, as the end of its process would. All that it did happens before what the
 * caller does next: the kernel tells of a death only when that is so. */
void model_stop(unsigned thread);

/* The number of the virtual thread: 0 in setup and check, then 1, 2, ... as listed in the model. */
unsigned model_thread(void);

unsigned model_variant(void);

/* A name for the trace. */
void model_name(const void *address, const char *name);

/* Nanoseconds of the model's clock, without a step. */
int64_t model_now(void);
void model_advance(int64_t nanoseconds);

/* How often tally__warn has been called in this schedule. */
unsigned model_warnings(void);

/* From here on tally__die does not fail the schedule: it ends it, well, if the text contains this. */
void model_expect_death(const char *text);

enum model_failure {
	MODEL_PASSED,
	MODEL_ASSERTION,
	MODEL_DEATH,
	MODEL_DEADLOCK,
	MODEL_LIVELOCK,
	MODEL_USE_AFTER_FREE,
	MODEL_RACE,
	MODEL_LEAK,
	MODEL_CRASH,
	MODEL_MISUSE, /* of the tool: mixed sizes, too many threads */
};

struct model_result {
	enum model_failure failure;
	unsigned long long schedules; /* run, the failing one included */
	unsigned long long steps;
	unsigned long long seed; /* of the failing one */
	bool exhausted;          /* DFS came to its end */
	char text[512];
};

/* One memory and one strategy of a model, from the seed's number `first` on. */
struct model_result model_explore(const struct model *model, enum model_memory memory,
				  enum model_strategy strategy, unsigned long long first, bool trace);

int model_main(const struct model *models, size_t count);

#define MODEL_MAIN(models)                                                                                     \
	int main(void)                                                                                         \
	{                                                                                                      \
		return model_main(models, sizeof(models) / sizeof(*(models)));                                 \
	}

_Noreturn void model__fail_assert(const struct model_place *at, const char *condition);
void model__plain_read(const struct model_place *at, const void *start, size_t bytes);
void model__plain_write(const struct model_place *at, const void *start, size_t bytes);
void model__plain_end(const struct model_place *at, const void *start, size_t bytes);
void *model__alloc(const struct model_place *at, size_t bytes, size_t alignment, bool zeroed);
void model__free(const struct model_place *at, void *start);
void model__yield(const struct model_place *at);

#endif
