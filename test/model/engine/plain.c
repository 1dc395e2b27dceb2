/* plain.c - plain accesses that are marked: races by vector clocks; and whether memory is alive.
 *
 * Races are looked for with MODEL_WEAK, in words of 4 bytes: two smaller variables in one word count as one. */
#include "engine.h"

void plain_begin(void)
{
	engine->plain_count = 0;
	engine->ended_count = 0;
}

static struct plain_word *find(uintptr_t address, bool create)
{
	unsigned i = (unsigned)(((address >> 2) * UINT64_C(0x9e3779b97f4a7c15)) >> 51) & (PLAIN_WORDS - 1);

	while (engine->plain[i].epoch == engine->epoch) {
		if (engine->plain[i].address == address)
			return &engine->plain[i];
		i = (i + 1) & (PLAIN_WORDS - 1);
	}
	if (!create)
		return NULL;
	if (++engine->plain_count > PLAIN_USED_MAX)
		fail(MODEL_MISUSE, "more than %d words with plain marks in one schedule", PLAIN_USED_MAX);
	struct plain_word *word = &engine->plain[i];
	word->epoch = engine->epoch;
	word->address = address;
	word->ended = false;
	word->touched = 0;
	return word;
}

static bool on_dead_stack(uintptr_t address)
{
	uintptr_t first = (uintptr_t)engine->threads[0].stack - 4096;
	uintptr_t stride = STACK_BYTES + 4096;

	if (address < first || address >= first + THREADS * stride)
		return false;
	unsigned owner = (unsigned)((address - first) / stride);
	const struct thread *thread = &engine->threads[owner];

	if (owner == engine->self)
		return false;
	if (thread->state == THREAD_NONE || thread->state == THREAD_DONE)
		return true;
	/* It may be on another stack now, of a task. */
	return address < thread->frame && thread->frame < (uintptr_t)thread->stack + STACK_BYTES;
}

/* Fails if [p, p + bytes) is freed, not allocated, on the stack of a call that has returned, or ended. */
void check_alive(const struct model_place *at, const void *p, size_t bytes)
{
	uintptr_t address = (uintptr_t)p;
	const struct block *block = NULL;

	if (heap_is_dead(address, bytes, &block)) {
		trace(at, "use after free: %s", address_text(p));
		fail(MODEL_USE_AFTER_FREE, "use after free of %s at %s; allocated at %s, freed at %s",
		     address_text(p), place_text(at), block ? place_text(block->allocated_at) : "?",
		     block ? place_text(block->freed_at) : "?");
	}
	if (block != NULL && !heap_is_reserved(block, address, bytes)) {
		trace(at, "memory that is not there: %s", address_text(p));
		fail(MODEL_CRASH, "%s at %s: nobody has reserved memory there", address_text(p),
		     place_text(at));
	}
	if (on_dead_stack(address)) {
		trace(at, "use of a dead stack: %s", address_text(p));
		fail(MODEL_USE_AFTER_FREE, "use of the stack of a call that has returned: %s at %s",
		     address_text(p), place_text(at));
	}
	if (engine->ended_count == 0)
		return;
	struct plain_word *word = find(address & ~(uintptr_t)3, false);
	if (word != NULL && word->ended && word->ended_by == engine->self) {
		/* Whoever ended it has something new there: the next call's variables on the same stack. */
		word->ended = false;
		word->touched = 0;
		engine->ended_count--;
	}
	if (word != NULL && word->ended) {
		trace(at, "use after the end: %s", address_text(p));
		fail(MODEL_USE_AFTER_FREE, "use of %s at %s, after its end at %s", address_text(p),
		     place_text(at), place_text(word->ended_at));
	}
}

static _Noreturn void race(const struct plain_word *word, const struct model_place *at, bool write,
			   unsigned other, bool other_writes)
{
	const struct plain_access *access = other_writes ? &word->writes[other] : &word->reads[other];

	trace(at, "plain %s of %s", write ? "write" : "read", address_text((void *)word->address));
	fail(MODEL_RACE, "data race on %s: plain %s of thread %u at %s, plain %s of thread %u at %s",
	     address_text((void *)word->address), write ? "write" : "read", engine->self, place_text(at),
	     other_writes ? "write" : "read", other, place_text(access->at));
}

static void touch(struct plain_word *word, const struct model_place *at, bool write)
{
	const struct clock *clock = &self()->clock;

	for (uint32_t left = word->touched & ~bit(engine->self); left; left &= left - 1) {
		unsigned other = (unsigned)__builtin_ctz(left);

		if (word->writes[other].tick > clock->at[other])
			race(word, at, write, other, true);
		if (write && word->reads[other].tick > clock->at[other])
			race(word, at, write, other, false);
	}
	if (!(word->touched & bit(engine->self))) {
		word->touched |= bit(engine->self);
		word->reads[engine->self].tick = 0;
		word->writes[engine->self].tick = 0;
	}
	struct plain_access *access = write ? &word->writes[engine->self] : &word->reads[engine->self];
	access->tick = clock->at[engine->self];
	access->at = at;
}

static void mark(const struct model_place *at, const void *start, size_t bytes, bool write, bool end)
{
	uintptr_t address = (uintptr_t)start;

	if (!end)
		point(at, write ? "plain write" : "plain read");
	if (engine->tracing)
		trace(at, "plain %s of %s, %zu bytes",
		      end     ? "end"
		      : write ? "write"
			      : "read",
		      address_text(start), bytes);
	self()->clock.at[engine->self]++;
	if (write)
		memory_forget(address, bytes, at, end);
	for (uintptr_t word = address & ~(uintptr_t)3; word < address + bytes; word += 4) {
		struct plain_word *found = find(word, true);

		if (write && !end && found->ended) {
			found->ended = false;
			engine->ended_count--;
			found->touched = 0;
		}
		check_alive(at, (void *)word, 4);
		if (engine->memory == MODEL_WEAK)
			touch(found, at, write);
		if (end) {
			found->ended = true;
			found->ended_at = at;
			found->ended_by = engine->self;
			engine->ended_count++;
		}
	}
}

void model__plain_read(const struct model_place *at, const void *start, size_t bytes)
{
	mark(at, start, bytes, false, false);
}

void model__plain_write(const struct model_place *at, const void *start, size_t bytes)
{
	mark(at, start, bytes, true, false);
}

void model__plain_end(const struct model_place *at, const void *start, size_t bytes)
{
	mark(at, start, bytes, true, true);
}
