/* tally/counter.h - count from any number of threads and tasks at once: exact, and for a third of a nanosecond.
 *
 *     tally_counter    only grows: requests, bytes, errors
 *     tally_updown     grows and shrinks: connections open, bytes in use
 *     tally_gauge      is set: a temperature, the time of the last success
 *
 * An object that is all zero bytes is ready. It counts for this process alone, and nobody else sees it:
 *
 *     tally_counter hits = {0};
 *     tally_counter_inc(&hits);
 *     printf("%" PRIu64 "\n", tally_counter_load(&hits));
 *     tally_counter_destroy(&hits);
 *
 * One with a name is defined at file scope. It can be seen from outside (`tally cat`, `tally top`), at 0, from
 * the start of the program, and is shared by all processes on one region (tally/region.h):
 *
 *     TALLY_COUNTER(requests, "http_requests_total", "Requests served.");
 *     static TALLY_UPDOWN(open, "http_connections", "Connections that are open now.");
 *     TALLY_GAUGE(loaded, "config_loaded_seconds", "When the configuration was read last.");
 *
 *     tally_counter_inc(&requests);
 *
 * In another file: `extern tally_counter requests;`. The same name and kind defined twice, in two libraries or
 * two processes, is one counter. A name matches [a-zA-Z_:][a-zA-Z0-9_:]* and has at most 255 bytes. A counter's
 * name ends in _total: where it does not, _total is added, as Prometheus's own clients do. Other names must not
 * end so, and none may end in _created. The help text is UTF-8 of at most 1,023 bytes. A name that breaks these
 * rules, or that already is one of another kind, ends the program with the reason.
 *
 * Adding. Never fails, never blocks, allocates nothing, orders nothing: a counter is not a flag. Safe in signal
 * handlers on x86-64. Elsewhere, a handler that counts on what the code it interrupts counts on can lose one
 * of the two. Values wrap around modulo 2^64. When there is no room (no memory for the region, too many
 * counters), that is one warning on standard error; the counter then counts in its own object, as exactly but
 * with a locked instruction, and is not seen from outside.
 *
 * Reading. What _load returns:
 * - Once every add happens before it (after a join, or a wait for the group of the tasks that add): the exact
 *   total.
 * - While others add: no less than all that had happened before the call, no more than what had been added when
 *   it returns. Two loads by one reader never go backwards, nor do two that are ordered otherwise. With adds of
 *   1 only, it is the value at one instant during the call (linearizable); with larger ones it lies between the
 *   values at the start and at the end.
 * - _bounds returns two numbers with the true value at one instant during the call between them, ends
 *   included. Equal ends: exact at that instant.
 * - Nothing is promised across two counters.
 *
 * An up-down counter is two counters, of ups and of downs. Its _load is exact once all is done. While others
 * count it is no less than the value at one instant during the call, and exceeds it by no more than what was
 * added or taken off meanwhile; so it shows nothing below 0 if each _sub happens after the _add that it
 * undoes. For more use _bounds.
 *
 * fork. What an anonymous counter holds is copied, as all memory is: parent and child count apart from then on.
 * Named counters go on in one region: each sees what both count.
 *
 * Cost: an add is a load of a thread-local, one test and one add that is not locked. Each thread's cells take 8
 * bytes a counter, in pages that have been touched. What is counted by a thread stays counted when it ends.
 */
#ifndef TALLY_COUNTER_H_
#define TALLY_COUNTER_H_

#include <tally/atomic.h>
#include <tally/cell.h>

TALLY_BEGIN_DECLS

/* What all three are. Only src/count changes it, but for a user's zeroing. */
struct tally__metric {
	/* Bit 63 and the offset of the metric's cell from the start of a slot; 0 before the first use. The
	 * other values are those of src/count/metric.h. */
	tally_atomic_u64 cell_;
	tally_atomic_u64 link_;   /* anonymous: what its cells held when it got them; named: the next one */
	const char *text_;        /* NULL, or the kind, the name, a zero byte, the help text */
	tally_atomic_u64 own_[2]; /* what is counted while there is no cell */
};

typedef struct tally_counter {
	struct tally__metric metric_;
} tally_counter;

typedef struct tally_updown {
	struct tally__metric metric_;
} tally_updown;

typedef struct tally_gauge {
	struct tally__metric metric_;
} tally_gauge;

#ifdef __cplusplus
#define TALLY__STATIC_ASSERT static_assert
#else
#define TALLY__STATIC_ASSERT _Static_assert
#endif

#define TALLY__DEFINE(type, variable, kind, name, help)                                                        \
	type variable = {{{0}, {0}, kind name "\0" help, {{0}, {0}}}};                                         \
	__attribute__((constructor)) static void tally__define_##variable(void)                                \
	{                                                                                                      \
		tally__metric_define(&variable.metric_);                                                       \
	}                                                                                                      \
	TALLY__STATIC_ASSERT(sizeof(name) > 1 && sizeof(help) > 0, "a metric has a name and a help text")

/* Define, at file scope, a metric with a name. `static` may stand before them. */
#define TALLY_COUNTER(variable, name, help) TALLY__DEFINE(tally_counter, variable, "c", name, help)
#define TALLY_UPDOWN(variable, name, help)  TALLY__DEFINE(tally_updown, variable, "u", name, help)
#define TALLY_GAUGE(variable, name, help)   TALLY__DEFINE(tally_gauge, variable, "g", name, help)

/* What the calls below do when there is no cell or no slot yet. which: 0 ups, 1 downs. */
TALLY_API void tally__metric_define(struct tally__metric *metric);
TALLY_API void tally__counter_add_slow(tally_counter *counter, uint64_t n);
TALLY_API void tally__updown_add_slow(tally_updown *updown, unsigned which, uint64_t n);

/* Adds n. */
static inline void tally_counter_add(tally_counter *counter, uint64_t n)
{
	/* Pairs with nothing: whoever stored the offset has put memory behind every slot before. */
	uint64_t cell = tally__slot + tally_atomic_u64_load_relaxed(&counter->metric_.cell_);

	if (__builtin_expect((int64_t)cell <= 0, 0))
		tally__counter_add_slow(counter, n);
	else
		/* Pairs with nothing: a counter orders nothing. */
		tally__cell_add_relaxed((tally_atomic_u64 *)(uintptr_t)cell, n);
}

/* Adds 1. */
static inline void tally_counter_inc(tally_counter *counter)
{
	tally_counter_add(counter, 1);
}

/* The total; see above. */
TALLY_API uint64_t tally_counter_load(const tally_counter *counter);

/* Two totals with the true one between them: *low <= it <= *high. */
TALLY_API void tally_counter_bounds(const tally_counter *counter, uint64_t *low, uint64_t *high);

/* Gives back the cell of an anonymous counter, which is all zeros and may be used anew afterwards. Nobody may
 * use it during the call. An anonymous counter that goes out of scope without this holds its cell, one of some
 * 32,000, until the process ends. A counter with a name stays: misuse, ends the program. */
TALLY_API void tally_counter_destroy(tally_counter *counter);

/* Adds n. */
static inline void tally_updown_add(tally_updown *updown, uint64_t n)
{
	/* Pairs with nothing: whoever stored the offset has put memory behind every slot before. */
	uint64_t cell = tally__slot + tally_atomic_u64_load_relaxed(&updown->metric_.cell_);

	if (__builtin_expect((int64_t)cell <= 0, 0))
		tally__updown_add_slow(updown, 0, n);
	else
		/* Pairs with nothing: who undoes this add has seen it happen. */
		tally__cell_add_relaxed((tally_atomic_u64 *)(uintptr_t)cell, n);
}

/* Takes n off. */
static inline void tally_updown_sub(tally_updown *updown, uint64_t n)
{
	/* Pairs with nothing: whoever stored the offset has put memory behind every slot before. */
	uint64_t cell = tally__slot + tally_atomic_u64_load_relaxed(&updown->metric_.cell_);

	if (__builtin_expect((int64_t)cell <= 0, 0))
		tally__updown_add_slow(updown, 1, n);
	else
		/* Pairs with src/count/sum.c:cell_acquire: who counts this sees the add that it undoes.
		 */
		tally__cell_add_release((tally_atomic_u64 *)(uintptr_t)cell + 1, n);
}

TALLY_API int64_t tally_updown_load(const tally_updown *updown);
TALLY_API void tally_updown_bounds(const tally_updown *updown, int64_t *low, int64_t *high);
TALLY_API void tally_updown_destroy(tally_updown *updown); /* as tally_counter_destroy */

/* One value that all share: the last one set, and what was added since. Sequentially consistent, as
 * tally/atomic.h; nothing to destroy. An anonymous gauge is a tally_atomic_i64 by another name. */
TALLY_API void tally_gauge_set(tally_gauge *gauge, int64_t value);
TALLY_API void tally_gauge_add(tally_gauge *gauge, int64_t n);
TALLY_API int64_t tally_gauge_load(const tally_gauge *gauge);

TALLY_END_DECLS

#endif
