/* order.c - the single order of all seq_cst operations, as far as it is decided.
 *
 * There must be one order of them all that agrees with happens-before and, at each location, with coherence: A
 * comes before B if both store and A does so first, or if A read something older than what B stored. That a
 * load read what a weaker operation stored puts it after nothing, but by happens-before: C++20's words do, yet
 * neither x86 nor any compiler keeps that (LWG issue 3941), for a thread may read its own store before others
 * do. RC11 has it as it is here.
 *
 * It need not be the order in which they are made here: a load may read an old value after a newer one was
 * stored, if it can be put before that store. So the order is kept as a graph, each operation with all that
 * must come before it, and an old value is allowed where no circle comes of it. */
#include "engine.h"
#include <string.h>

#define WORDS (ORDER_EVENTS / 64)

struct set {
	uint64_t words[WORDS];
};

static struct set *before_of(unsigned event)
{
	return (struct set *)(void *)engine->order_before[event];
}

static bool has(const struct set *set, unsigned event)
{
	return (set->words[event / 64] >> event % 64 & 1) != 0;
}

static unsigned words_used(void)
{
	return engine->order_count / 64 + 1;
}

/* The event and all that come before it. */
static void add_with_past(struct set *set, unsigned event)
{
	const struct set *past = before_of(event);

	for (unsigned i = 0; i < words_used(); i++)
		set->words[i] |= past->words[i];
	set->words[event / 64] |= UINT64_C(1) << event % 64;
}

void order_begin(void)
{
	engine->order_count = 0;
	for (unsigned i = 0; i < THREADS; i++)
		engine->threads[i].order_count = 0;
}

/* There is no more room: what has been so far stays in the order in which it was made. */
static void forget(void)
{
	for (unsigned i = 0; i < LOCATIONS; i++) {
		struct location *location = &engine->locations[i];

		if (location->epoch != engine->epoch)
			continue;
		for (unsigned j = 0; j < location->order_count; j++) {
			if (location->floor < location->order[j].index)
				location->floor = location->order[j].index;
		}
		location->order_count = 0;
	}
	order_begin();
}

/* What a clock knows of: of each thread, its last event by then. Those before it are in its past. */
static void add_known(struct set *set, const struct clock *clock)
{
	for (unsigned i = 0; i < engine->thread_count; i++) {
		const struct order_event *events = engine->threads[i].order;
		uint32_t tick = clock->at[i];
		unsigned low = 0, high = engine->threads[i].order_count;

		while (low < high) {
			unsigned middle = (low + high) / 2;

			if (events[middle].tick <= tick)
				low = middle + 1;
			else
				high = middle;
		}
		if (low > 0)
			add_with_past(set, events[low - 1].number);
	}
}

/* What comes before the next store: all that stored or read there so far. */
static void add_coherent(struct set *set, const struct location *location)
{
	for (unsigned i = 0; i < location->order_count; i++)
		add_with_past(set, location->order[i].number);
}

/* Whether a seq_cst load of the running thread may read store number `index`. */
bool order_allows(const struct location *location, uint32_t index)
{
	const struct store *store = &location->stores[index % HISTORY];
	struct set past;

	if (index == location->count - 1)
		return true;
	if (index < location->floor)
		return false;
	memset(&past, 0, words_used() * sizeof(uint64_t));
	add_known(&past, &self()->clock);
	if (store->carries)
		add_known(&past, &store->clock);
	for (unsigned i = 0; i < location->order_count; i++) {
		const struct order_access *access = &location->order[i];

		/* It would have to come after the load, and comes before it. */
		if (access->store && access->index > index && has(&past, access->number))
			return false;
	}
	return true;
}

/* A seq_cst operation that has read, or stored, store number `index`. */
void order_note(struct location *location, uint32_t index, bool store)
{
	if (engine->order_count == ORDER_EVENTS - 1 || location->order_count == ORDER_ACCESSES)
		forget();

	unsigned number = engine->order_count;
	struct set *past = before_of(number);
	struct thread *thread = self();

	memset(past, 0, sizeof(*past));
	add_known(past, &thread->clock);
	if (store)
		add_coherent(past, location);
	engine->order_count++;

	/* What it must come before learns of it, and so do those after that. */
	struct set with = *past;
	with.words[number / 64] |= UINT64_C(1) << number % 64;
	for (unsigned i = 0; i < location->order_count && !store; i++) {
		unsigned after = location->order[i].number;

		if (!location->order[i].store || location->order[i].index <= index)
			continue;
		for (unsigned j = 0; j < number; j++) {
			if (j != after && !has(before_of(j), after))
				continue;
			for (unsigned k = 0; k < words_used(); k++)
				before_of(j)->words[k] |= with.words[k];
		}
	}

	thread->order[thread->order_count++] =
		(struct order_event){.tick = thread->clock.at[engine->self], .number = number};
	location->order[location->order_count++] =
		(struct order_access){.number = number, .index = index, .store = store};
}
