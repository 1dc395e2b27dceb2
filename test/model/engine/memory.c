/* memory.c - atomic operations, and what a load may read.
 *
 * Memory itself always holds the last store of each location. With MODEL_WEAK each location also has its last
 * stores, and a load may read any of them that C++20 allows:
 *
 * - The modification order of a location is the order in which stores were made here.
 * - A load reads no store older than one that the thread has seen there, by reading or writing, or that
 *   another had seen in an operation that happens before the load (coherence).
 * - seq_cst operations have one order that all agree on: order.c.
 * - A read-modify-write reads the last store.
 * - An acquire load learns the clock that the store carries: a release store carries its thread's clock, a
 *   read-modify-write that of the store that it read, and its thread's if it is a release. A relaxed store
 *   carries none, the same thread's earlier release or not.
 *
 * A thread that has read an old value three times in a row at a place in memory reads the last one next, since
 * stores become visible in finite time. */
#include "engine.h"
#include <stdio.h>
#include <string.h>

void clock_join(struct clock *to, const struct clock *from)
{
	for (unsigned i = 0; i < engine->thread_count; i++) {
		if (to->at[i] < from->at[i])
			to->at[i] = from->at[i];
	}
}

void memory_begin(void)
{
	engine->location_count = 0;
	order_begin();
}

uint64_t memory_peek(const void *p, unsigned bytes)
{
	if (bytes == 4) {
		uint32_t word;

		memcpy(&word, p, 4);
		return word;
	}
	uint64_t value;
	memcpy(&value, p, 8);
	return value;
}

static void poke(void *p, unsigned bytes, uint64_t value)
{
	if (bytes == 4) {
		uint32_t word = (uint32_t)value;

		memcpy(p, &word, 4);
	} else {
		memcpy(p, &value, 8);
	}
}

static unsigned slot_of(uintptr_t address)
{
	return (unsigned)(((address >> 2) * UINT64_C(0x9e3779b97f4a7c15)) >> 51) & (LOCATIONS - 1);
}

/* The newest store is one that every thread knows of. */
static void begin_location(struct location *location, uint64_t value)
{
	location->count = 1;
	location->touched = 0;
	location->floor = 0;
	location->order_count = 0;
	location->oldest = 0;
	location->dead = false;
	location->stores[0].value = value;
	location->stores[0].tick = 0;
	location->stores[0].thread = 0;
	location->stores[0].carries = false;
}

static struct location *lookup(uintptr_t address)
{
	unsigned i = slot_of(address);

	while (engine->locations[i].epoch == engine->epoch) {
		if (engine->locations[i].address == address)
			return &engine->locations[i];
		i = (i + 1) & (LOCATIONS - 1);
	}
	return NULL;
}

static struct location *find(const void *p, unsigned bytes)
{
	uintptr_t address = (uintptr_t)p;
	unsigned i = slot_of(address);
	uint64_t now = memory_peek(p, bytes);

	while (engine->locations[i].epoch == engine->epoch) {
		struct location *location = &engine->locations[i];

		if (location->address == address) {
			if (location->bytes != bytes) {
				if (!location->dead)
					fail(MODEL_MISUSE, "%s: atomic operations of two sizes",
					     address_text(p));
				location->bytes = (uint8_t)bytes;
			}
			/* Plain memory may have been written over it: then it is a new object. */
			if (location->dead || location->stores[(location->count - 1) % HISTORY].value != now)
				begin_location(location, now);
			return location;
		}
		i = (i + 1) & (LOCATIONS - 1);
	}
	if (++engine->location_count > LOCATIONS / 2)
		fail(MODEL_MISUSE, "more than %d atomic variables in one schedule", LOCATIONS / 2);
	struct location *location = &engine->locations[i];
	location->epoch = engine->epoch;
	location->address = address;
	location->bytes = (uint8_t)bytes;
	begin_location(location, now);
	return location;
}

/* Plain memory from start on was written, or has ended: atomic variables in it end there. Who has used one
 * without an order to this is in a race. */
void memory_forget(uintptr_t start, size_t bytes, const struct model_place *at, bool ended)
{
	if (engine->location_count == 0)
		return;
	for (uintptr_t address = start & ~(uintptr_t)3; address < start + bytes; address += 4) {
		struct location *location = lookup(address);

		if (location == NULL || location->dead)
			continue;
		for (unsigned i = 0; i < engine->thread_count; i++) {
			if (!(location->touched & bit(i)) || i == engine->self ||
			    location->by[i].last <= self()->clock.at[i])
				continue;
			trace(at, "%s of %s", ended ? "end" : "plain write", address_text((void *)address));
			fail(ended ? MODEL_USE_AFTER_FREE : MODEL_RACE,
			     "data race on %s: %s at %s, atomic operation of thread %u at %s",
			     address_text((void *)address), ended ? "end of its life" : "plain write",
			     place_text(at), i, place_text(location->by[i].at));
		}
		location->dead = true;
	}
}

/* The oldest store that the running thread may still read. */
static uint32_t oldest_readable(const struct location *location)
{
	const struct clock *clock = &self()->clock;
	uint32_t oldest = location->count > HISTORY ? location->count - HISTORY : 0;

	if (oldest < location->oldest)
		oldest = location->oldest;
	for (uint32_t left = location->touched; left; left &= left - 1) {
		unsigned thread = (unsigned)__builtin_ctz(left);
		const struct seen_by *by = &location->by[thread];
		uint32_t end = by->count > HISTORY ? by->count - HISTORY : 0;

		for (uint32_t i = by->count; i > end; i--) {
			const struct seen *seen = &by->entries[(i - 1) % HISTORY];

			if (seen->index < oldest)
				break;
			if (seen->tick <= clock->at[thread]) {
				oldest = seen->index;
				break;
			}
		}
	}
	return oldest;
}

/* Every thread has seen the last store of each location, as if each had passed a barrier. Reads of theirs learn
 * no clock by it: what a plain access needs is made by acquire and release. */
void memory_barrier(void)
{
	for (unsigned i = 0; i < LOCATIONS; i++) {
		struct location *location = &engine->locations[i];

		if (location->epoch == engine->epoch)
			location->oldest = location->count - 1;
	}
}

static void note_seen(struct location *location, uint32_t index, const struct model_place *at)
{
	struct seen_by *by = &location->by[engine->self];
	uint32_t tick = self()->clock.at[engine->self];

	if (!(location->touched & bit(engine->self))) {
		location->touched |= bit(engine->self);
		by->count = 0;
		by->stale = 0;
	}
	by->last = tick;
	by->at = at;
	if (by->count == 0 || by->entries[(by->count - 1) % HISTORY].index < index) {
		by->entries[by->count % HISTORY] = (struct seen){tick, index};
		by->count++;
	}
}

/* The kernel has read a futex word for a thread, or has woken it there: the thread reads nothing older of the
 * word. */
void memory_seen(unsigned thread, const void *word, const struct model_place *at)
{
	unsigned me = engine->self;

	if (engine->memory == MODEL_SC)
		return;
	struct location *location = find(word, 4);
	engine->self = thread;
	self()->clock.at[thread]++;
	note_seen(location, location->count - 1, at);
	engine->self = me;
}

static struct store *append(struct location *location, uint64_t value, const struct model_place *at)
{
	struct store *store = &location->stores[location->count % HISTORY];

	store->value = value;
	store->tick = self()->clock.at[engine->self];
	store->thread = (uint8_t)engine->self;
	note_seen(location, location->count, at);
	location->by[engine->self].stale = 0;
	location->count++;
	return store;
}

static bool acquires(enum model_order order)
{
	return order == MODEL_ACQUIRE || order == MODEL_ACQ_REL || order == MODEL_SEQ_CST;
}

static bool releases(enum model_order order)
{
	return order == MODEL_RELEASE || order == MODEL_ACQ_REL || order == MODEL_SEQ_CST;
}

static const char *order_text(enum model_order order)
{
	static const char *const text[] = {"relaxed", "acquire", "release", "acq_rel", "seq_cst"};

	return text[order];
}

/* The stores that a load may read, newest first; their number. */
static unsigned readable(const struct location *location, enum model_order order, uint32_t candidates[HISTORY])
{
	uint32_t oldest = oldest_readable(location);
	unsigned count = 0;

	for (uint32_t i = location->count; i > oldest; i--) {
		if (order != MODEL_SEQ_CST || order_allows(location, i - 1))
			candidates[count++] = i - 1;
	}
	return count;
}

static bool is_fed_up(const struct location *location)
{
	return (location->touched & bit(engine->self)) && location->by[engine->self].stale >= 3;
}

/* Which store does a load read? */
static uint32_t choose_store(const struct location *location, enum model_order order)
{
	uint32_t candidates[HISTORY];

	/* Most often there is nothing to choose, or it will be the last one: find out for little. */
	if (is_fed_up(location) || (engine->strategy != MODEL_DFS && choose(2, STALE) == 0))
		return location->count - 1;
	return candidates[choose(readable(location, order, candidates), STALE)];
}

/* Which store does a compare and swap read that fails: one of another value than it expects. UINT32_MAX: none,
 * it stores. */
static uint32_t choose_other_store(const struct location *location, enum model_order order, uint64_t expected)
{
	uint32_t last = location->count - 1;
	bool stores = location->stores[last % HISTORY].value == expected;
	uint32_t all[HISTORY], candidates[HISTORY + 1];
	unsigned count = 0;

	if (stores)
		candidates[count++] = UINT32_MAX;
	if (is_fed_up(location) || (engine->strategy != MODEL_DFS && choose(stores ? 8 : 2, STALE) != 0))
		return stores ? UINT32_MAX : last;
	for (unsigned i = 0, number = readable(location, order, all); i < number; i++) {
		if (location->stores[all[i] % HISTORY].value != expected)
			candidates[count++] = all[i];
	}
	return candidates[choose(count, STALE)];
}

static uint64_t read_store(struct location *location, uint32_t index, enum model_order order,
			   const struct model_place *at)
{
	struct store *store = &location->stores[index % HISTORY];

	note_seen(location, index, at);
	if (index == location->count - 1)
		location->by[engine->self].stale = 0;
	else
		location->by[engine->self].stale++;
	if (acquires(order) && store->carries)
		clock_join(&self()->clock, &store->clock);
	if (order == MODEL_SEQ_CST)
		order_note(location, index, false);
	return store->value;
}

static const char *age_text(const struct location *location, uint32_t index)
{
	static char text[48];
	uint32_t age = location->count - 1 - index;

	if (age == 0)
		return "";
	snprintf(text, sizeof(text), " (old: %u newer)", age);
	return text;
}

uint64_t model__load(const struct model_place *at, const void *p, unsigned bytes, enum model_order order)
{
	uint64_t value;

	point(at, "load");
	check_alive(at, p, bytes);
	if (engine->memory == MODEL_SC) {
		value = memory_peek(p, bytes);
		if (engine->tracing)
			trace(at, "load %s -> %#llx", address_text(p), (unsigned long long)value);
		return value;
	}
	self()->clock.at[engine->self]++;

	struct location *location = find(p, bytes);
	uint32_t index = choose_store(location, order);
	value = read_store(location, index, order, at);
	if (engine->tracing)
		trace(at, "load %s %s -> %#llx%s", order_text(order), address_text(p),
		      (unsigned long long)value, age_text(location, index));
	return value;
}

void model__store(const struct model_place *at, void *p, unsigned bytes, uint64_t value, enum model_order order)
{
	point(at, "store");
	check_alive(at, p, bytes);
	if (bytes == 4)
		value = (uint32_t)value;
	if (engine->tracing)
		trace(at, "store %s %s <- %#llx", order_text(order), address_text(p),
		      (unsigned long long)value);
	if (engine->memory == MODEL_WEAK) {
		self()->clock.at[engine->self]++;
		struct location *location = find(p, bytes);
		struct store *store = append(location, value, at);

		store->carries = releases(order);
		if (store->carries)
			store->clock = self()->clock;
		if (order == MODEL_SEQ_CST)
			order_note(location, location->count - 1, true);
	}
	poke(p, bytes, value);
}

/* A read-modify-write that stores: reads the last store, learns from it, appends. */
static void update_last(struct location *location, uint64_t value, enum model_order order,
			const struct model_place *at)
{
	const struct store *last = &location->stores[(location->count - 1) % HISTORY];
	struct clock carried = last->clock;
	bool carries = last->carries;

	if (acquires(order) && carries)
		clock_join(&self()->clock, &carried);
	struct store *store = append(location, value, at);
	if (releases(order)) {
		store->clock = self()->clock;
		if (carries)
			clock_join(&store->clock, &carried);
		store->carries = true;
	} else {
		store->carries = carries;
		store->clock = carried;
	}
	if (order == MODEL_SEQ_CST)
		order_note(location, location->count - 1, true);
}

static uint64_t updated(unsigned bytes, enum model_update update, uint64_t old, uint64_t value)
{
	int64_t signed_old = bytes == 4 ? (int32_t)old : (int64_t)old;
	int64_t signed_value = bytes == 4 ? (int32_t)value : (int64_t)value;

	switch (update) {
	case MODEL_SWAP:
		return value;
	case MODEL_ADD:
		return old + value;
	case MODEL_SUB:
		return old - value;
	case MODEL_AND:
		return old & value;
	case MODEL_OR:
		return old | value;
	case MODEL_XOR:
		return old ^ value;
	case MODEL_MIN:
		return value < old ? value : old;
	case MODEL_MAX:
		return value > old ? value : old;
	case MODEL_MIN_SIGNED:
		return signed_value < signed_old ? value : old;
	case MODEL_MAX_SIGNED:
		return signed_value > signed_old ? value : old;
	}
	return value;
}

static const char *const update_names[] = {"swap", "add", "sub", "and", "or",
					   "xor",  "min", "max", "min", "max"};

static enum model_order failed_order(enum model_order order)
{
	switch (order) {
	case MODEL_ACQ_REL:
		return MODEL_ACQUIRE;
	case MODEL_RELEASE:
		return MODEL_RELAXED;
	default:
		return order;
	}
}

uint64_t model__update(const struct model_place *at, void *p, unsigned bytes, enum model_update update,
		       uint64_t value, enum model_order order)
{
	uint64_t mask = bytes == 4 ? UINT32_MAX : UINT64_MAX;

	point(at, update_names[update]);
	check_alive(at, p, bytes);
	value &= mask;
	uint64_t old = memory_peek(p, bytes);
	uint64_t new = updated(bytes, update, old, value) & mask;

	if (engine->memory == MODEL_WEAK) {
		self()->clock.at[engine->self]++;
		struct location *location = find(p, bytes);

		if (update >= MODEL_MIN) {
			/* It is a loop: a load, and a compare and swap if there is something to store. */
			uint32_t index = choose_store(location, failed_order(order));
			uint64_t seen = location->stores[index % HISTORY].value;

			if ((updated(bytes, update, seen, value) & mask) == seen) {
				read_store(location, index, failed_order(order), at);
				if (engine->tracing)
					trace(at, "%s %s %s -> %#llx, kept%s", update_names[update],
					      order_text(order), address_text(p), (unsigned long long)seen,
					      age_text(location, index));
				return seen;
			}
			if (new == old) {
				read_store(location, location->count - 1, failed_order(order), at);
				return old;
			}
		}
		update_last(location, new, order, at);
	}
	poke(p, bytes, new);
	if (engine->tracing)
		trace(at, "%s %s %s, %#llx: %#llx -> %#llx", update_names[update], order_text(order),
		      address_text(p), (unsigned long long)value, (unsigned long long)old,
		      (unsigned long long)new);
	return old;
}

bool model__compare_and_swap(const struct model_place *at, void *p, unsigned bytes, uint64_t old,
			     uint64_t value, enum model_order order)
{
	uint64_t mask = bytes == 4 ? UINT32_MAX : UINT64_MAX;

	point(at, "compare_and_swap");
	check_alive(at, p, bytes);
	old &= mask;
	value &= mask;
	uint64_t now = memory_peek(p, bytes);
	bool stores = now == old;

	if (engine->memory == MODEL_WEAK) {
		self()->clock.at[engine->self]++;
		struct location *location = find(p, bytes);
		uint32_t index = choose_other_store(location, failed_order(order), old);

		if (index == UINT32_MAX) {
			update_last(location, value, order, at);
		} else {
			stores = false;
			now = read_store(location, index, failed_order(order), at);
		}
	}
	if (stores)
		poke(p, bytes, value);
	if (engine->tracing)
		trace(at, "compare_and_swap %s %s %s, %#llx -> %#llx: found %#llx", order_text(order),
		      address_text(p), stores ? "stored" : "failed", (unsigned long long)old,
		      (unsigned long long)value, (unsigned long long)now);
	return stores;
}
