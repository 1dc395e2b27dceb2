/* engine.h - what the parts of the explorer share.
 *
 * All state is in one mapping, outside the program's own variables, since those are put back to their first
 * values before each schedule (explore.c). */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include <model.h>
#include <setjmp.h>
#include <stdarg.h>

enum {
	THREADS = MODEL_THREADS_MAX + 1,
	STACK_BYTES = 64 * 1024,
	HISTORY = 8,           /* stores kept of each location */
	LOCATIONS = 1 << 13,   /* slots of the hash table; a power of two */
	PLAIN_WORDS = 1 << 13, /* the same, for words that plain marks name */
	PLAIN_USED_MAX = 5000,
	PATH_MAX_CHOICES = 1 << 16,
	ORDER_EVENTS = 512,    /* seq_cst operations of which the order is kept open */
	ORDER_ACCESSES = 32,   /* of them, of one location */
	BLOCKS = 1 << 12,      /* allocations of one schedule */
	RESERVED_PAGES = 4096, /* of shared memory, in one schedule */
	TRACE_LINES = 4000,
	RUN_MAX = 300 /* steps that a thread makes in a row while others could go on */
};

/* How much of each thread's past is known: operations of thread i up to number at[i]. */
struct clock {
	uint32_t at[THREADS];
};

/* A seq_cst operation, in its thread's list and in its location's. */
struct order_event {
	uint32_t tick;
	unsigned number;
};

struct order_access {
	unsigned number;
	uint32_t index; /* of the store that it read or made */
	bool store;
};

enum thread_state { THREAD_NONE, THREAD_READY, THREAD_ASLEEP, THREAD_DONE };

struct thread {
	jmp_buf bottom; /* where its stack begins: it takes the next function to run from here */
	jmp_buf here;   /* where it was when another was chosen */
	char *stack;
	void *locals;    /* its copy of the program's thread-local variables */
	uintptr_t frame; /* of its last switch: what lies below is no one's */
	enum thread_state state;
	bool helper; /* started by tally__thread_start: a schedule does not wait for its end */
	bool void_function;
	union {
		void (*plain)(void);
		void (*with)(void *);
	} run;
	void *argument;
	void (*at_exit)(void *);
	void *at_exit_argument;
	void *watched_value;
	struct clock clock;
	unsigned order_count;
	struct order_event order[ORDER_EVENTS];
	uint32_t priority; /* PCT */
	const void *word;  /* it sleeps on */
	int64_t deadline;  /* of that sleep, TALLY__FOREVER: none */
	int woken_with;
	const struct model_place *at;
	const char *doing;
};

/* A store to a location. */
struct store {
	uint64_t value;
	uint32_t tick; /* number of the writer's operation */
	uint8_t thread;
	bool carries; /* `clock` is what an acquire load of this store learns */
	struct clock clock;
};

/* The newest store that a thread had seen, by reading or writing, at its operation `tick`. */
struct seen {
	uint32_t tick;
	uint32_t index;
};

struct seen_by {
	uint32_t count; /* of entries so far; the last HISTORY are kept */
	uint32_t last;  /* its last operation here */
	uint32_t stale; /* old values read in a row */
	const struct model_place *at;
	struct seen entries[HISTORY];
};

/* An atomic variable. Store number i, counted from 0, the value found at first sight, is in stores[i %
 * HISTORY]. */
struct location {
	uintptr_t address;
	uint32_t epoch; /* of the schedule; another: the slot is free */
	uint8_t bytes;
	bool dead; /* the memory has ended; a new object may begin here */
	uint32_t count;
	uint32_t touched; /* threads, a bit each */
	uint32_t floor;   /* no seq_cst load reads an older store; order.c */
	unsigned order_count;
	struct order_access order[ORDER_ACCESSES];
	uint32_t oldest; /* no load at all does: the last store when a heavy barrier was passed */
	struct store stores[HISTORY];
	struct seen_by by[THREADS];
};

/* A 4-byte word that plain marks have named. */
struct plain_access {
	uint32_t tick;
	const struct model_place *at;
};

struct plain_word {
	uintptr_t address;
	uint32_t epoch;
	bool ended;
	uint32_t touched;
	unsigned ended_by;
	const struct model_place *ended_at;
	struct plain_access reads[THREADS], writes[THREADS];
};

struct block {
	char *start;
	size_t bytes;
	bool freed, large;
	bool shared; /* only what is in `reserved` may be touched */
	const struct model_place *allocated_at, *freed_at;
};

enum strategy_costs { FREE_CHOICE, PREEMPTION, STALE };

struct choice {
	uint16_t chosen, count;
};

struct engine {
	const struct model *model;
	enum model_memory memory;
	enum model_strategy strategy;
	jmp_buf explorer; /* where a schedule ends */
	char signal_stack[32768];
	struct thread threads[THREADS];
	unsigned self, thread_count;
	uint32_t ready; /* threads, a bit each */
	uint32_t timed; /* sleepers with a deadline */
	uint32_t waited_for;
	bool alone; /* setup or check runs */
	bool tracing;
	bool running; /* a schedule */
	uint32_t epoch;
	uint64_t steps, step_cap;
	unsigned run; /* steps in a row of the thread that runs */
	int64_t now;
	unsigned spurious_left, faults_left;
	unsigned warnings;

	/* strategies (choose.c) */
	uint64_t random[2];
	uint64_t change_at[2];
	struct choice path[PATH_MAX_CHOICES];
	unsigned path_length, path_at;
	int preemptions_left, stale_left;

	/* memory */
	uint32_t location_count, plain_count, ended_count;
	struct location locations[LOCATIONS];
	struct plain_word plain[PLAIN_WORDS];

	unsigned order_count;
	uint64_t order_before[ORDER_EVENTS][ORDER_EVENTS / 64];

	/* heap */
	char *heap, *heap_next;
	char *large, *large_next;
	uint8_t *heap_state; /* of each 16 bytes */
	uint8_t *reserved;   /* of each page of `large`, for shared memory */
	uint32_t reserved_pages[RESERVED_PAGES];
	unsigned reserved_count;
	void (*exit_watch)(void *);
	unsigned block_count;
	struct block blocks[BLOCKS];

	/* the program's variables */
	char *variables, *first_values;
	size_t variable_bytes;
	void *locals, *first_locals;
	size_t local_bytes;

	const char *expected_death;
	struct model_result result;
	struct {
		const void *address;
		const char *name;
	} names[64];
	unsigned name_count;
	unsigned line_count; /* of the trace */
	char lines[TRACE_LINES][320];
};

extern struct engine *engine;

static inline uint32_t bit(unsigned thread)
{
	return UINT32_C(1) << thread;
}

static inline struct thread *self(void)
{
	return &engine->threads[engine->self];
}

/* contexts.c */
void contexts_start(void);
void context_begin(unsigned thread, void (*plain)(void), void (*with)(void *), void *argument);
_Noreturn void context_enter(unsigned thread); /* from the explorer */
void context_switch(unsigned thread);

/* choose.c: what happens next */
void choose_begin(unsigned long long number);
bool choose_next_path(void);
unsigned choose(unsigned n, enum strategy_costs cost);
bool choose_rarely(unsigned one_in);
unsigned choose_first(void);
void point(const struct model_place *at, const char *doing);
void yield_point(const struct model_place *at, const char *doing);
void sleep_here(const struct model_place *at, const char *doing);
_Noreturn void thread_ended(void);

/* memory.c */
void memory_begin(void);
uint64_t memory_peek(const void *p, unsigned bytes);
void memory_forget(uintptr_t start, size_t bytes, const struct model_place *at, bool ended);
void memory_barrier(void);
void memory_seen(unsigned thread, const void *word, const struct model_place *at);
void clock_join(struct clock *to, const struct clock *from);

/* order.c */
void order_begin(void);
bool order_allows(const struct location *location, uint32_t index);
void order_note(struct location *location, uint32_t index, bool store);

/* plain.c */
void plain_begin(void);
void check_alive(const struct model_place *at, const void *p, size_t bytes);

/* heap.c */
void heap_start(void);
void heap_begin(void);
void heap_check_leaks(void);
void *heap_map_shared(size_t bytes);
void heap_reserve(uintptr_t start, size_t bytes);
bool heap_is_reserved(const struct block *block, uintptr_t address, size_t bytes);
bool heap_is_dead(uintptr_t address, size_t bytes, const struct block **block);

/* explore.c */
_Noreturn void fail(enum model_failure failure, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void schedule_over(void);

/* trace.c */
void trace(const struct model_place *at, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace_print(unsigned most);
const char *place_text(const struct model_place *at);
const char *address_text(const void *address);

#endif
