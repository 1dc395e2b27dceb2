/* choose.c - the strategies: which thread goes on, and every other choice. */
#include "engine.h"
#include "platform/clock.h"

static uint64_t next_random(void)
{
	/* xorshift128+ */
	uint64_t a = engine->random[0], b = engine->random[1];

	engine->random[0] = b;
	a ^= a << 23;
	engine->random[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
	return engine->random[1] + b;
}

static unsigned below(unsigned n)
{
	return (unsigned)(((next_random() >> 32) * n) >> 32);
}

static uint64_t scramble(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void choose_begin(unsigned long long number)
{
	engine->random[0] = scramble(number);
	engine->random[1] = scramble(engine->random[0]) | 1;
	engine->path_at = 0;
	engine->preemptions_left = engine->model->preemptions ? engine->model->preemptions : 2;
	engine->stale_left = engine->model->stale ? engine->model->stale : 2;
	if (engine->strategy == MODEL_PCT) {
		/* The length of a schedule is not known: each seed assumes one, from 8 steps to 512. */
		unsigned length = 8U << below(7);

		for (unsigned i = 0; i < THREADS; i++)
			engine->threads[i].priority = 16 + below(1 << 20);
		for (unsigned i = 0; i < 2; i++)
			engine->change_at[i] = 1 + below(length);
	}
}

/* DFS: the next path, in which the last choice that has another way takes it. False: there is none. */
bool choose_next_path(void)
{
	while (engine->path_length > 0) {
		struct choice *last = &engine->path[engine->path_length - 1];

		if (++last->chosen < last->count)
			return true;
		engine->path_length--;
	}
	return false;
}

static unsigned choose_on_path(unsigned n)
{
	if (engine->path_at == engine->path_length) {
		if (engine->path_length == PATH_MAX_CHOICES)
			fail(MODEL_MISUSE, "too many choices for DFS");
		engine->path[engine->path_length++] = (struct choice){.count = (uint16_t)n};
	}
	return engine->path[engine->path_at++].chosen;
}

/* Under DFS 0 is free, and any other answer costs. */
unsigned choose(unsigned n, enum strategy_costs cost)
{
	if (n <= 1)
		return 0;
	if (engine->strategy != MODEL_DFS)
		return below(n);

	int *left = cost == PREEMPTION ? &engine->preemptions_left : &engine->stale_left;
	if (cost == FREE_CHOICE)
		return choose_on_path(n);
	if (*left == 0)
		return 0;

	unsigned chosen = choose_on_path(n);
	if (chosen && *left > 0)
		--*left;
	return chosen;
}

/* A fault or another rare event. Under DFS it costs as much as a preemption. */
bool choose_rarely(unsigned one_in)
{
	if (engine->strategy == MODEL_DFS)
		return choose(2, PREEMPTION) != 0;
	return below(one_in) == 0;
}

unsigned model_choose(unsigned n)
{
	return choose(n, FREE_CHOICE);
}

static unsigned nth_bit(uint32_t set, unsigned n)
{
	while (n--)
		set &= set - 1;
	return (unsigned)__builtin_ctz(set);
}

static unsigned highest_priority(uint32_t set)
{
	unsigned best = (unsigned)__builtin_ctz(set);

	for (set &= set - 1; set; set &= set - 1) {
		unsigned i = (unsigned)__builtin_ctz(set);

		if (engine->threads[i].priority > engine->threads[best].priority)
			best = i;
	}
	return best;
}

static void wake_by_time(unsigned number)
{
	struct thread *thread = &engine->threads[number];

	if (engine->now < thread->deadline)
		engine->now = thread->deadline;
	thread->state = THREAD_READY;
	thread->woken_with = -110; /* ETIMEDOUT */
	thread->word = NULL;
	engine->ready |= bit(number);
	engine->timed &= ~bit(number);
}

static unsigned first_deadline(void)
{
	uint32_t set = engine->timed;
	unsigned best = (unsigned)__builtin_ctz(set);

	for (set &= set - 1; set; set &= set - 1) {
		unsigned i = (unsigned)__builtin_ctz(set);

		if (engine->threads[i].deadline < engine->threads[best].deadline)
			best = i;
	}
	return best;
}

static _Noreturn void deadlock(void)
{
	for (unsigned i = 0; i < engine->thread_count; i++) {
		struct thread *thread = &engine->threads[i];

		if (thread->state == THREAD_ASLEEP) {
			engine->self = i;
			trace(thread->at, "asleep: %s %s", thread->doing, address_text(thread->word));
		}
	}
	fail(MODEL_DEADLOCK, "deadlock: no thread can go on");
}

/* Who goes on? `current` may, if it is ready and not `unwilling`. */
static unsigned pick(unsigned current, bool unwilling)
{
	if (engine->timed && (engine->ready == 0 || choose_rarely(8)))
		wake_by_time(first_deadline());

	uint32_t others = engine->ready & ~bit(current);
	bool can_stay = (engine->ready & bit(current)) != 0;
	if (others == 0) {
		if (!can_stay)
			deadlock();
		return current;
	}
	if (unwilling)
		engine->run = 0;
	if (!can_stay || unwilling) {
		if (engine->strategy == MODEL_PCT)
			return highest_priority(others);
		return nth_bit(others, choose((unsigned)__builtin_popcount(others), FREE_CHOICE));
	}
	if (engine->strategy == MODEL_PCT)
		return highest_priority(engine->ready);
	if (engine->strategy == MODEL_RANDOM)
		return nth_bit(engine->ready, below((unsigned)__builtin_popcount(engine->ready)));

	unsigned chosen = choose(1 + (unsigned)__builtin_popcount(others), PREEMPTION);
	return chosen == 0 ? current : nth_bit(others, chosen - 1);
}

unsigned choose_first(void)
{
	return pick(0, true);
}

static void step(const struct model_place *at, const char *doing)
{
	struct thread *me = self();

	me->at = at;
	me->doing = doing;
	if (++engine->steps > engine->step_cap)
		fail(MODEL_LIVELOCK, "livelock: %llu steps", (unsigned long long)engine->steps);
}

/* Before each operation. */
void point(const struct model_place *at, const char *doing)
{
	if (engine->alone)
		return;
	step(at, doing);
	if (engine->strategy == MODEL_PCT) {
		for (unsigned i = 0; i < 2; i++) {
			if (engine->steps == engine->change_at[i])
				self()->priority = 8 + i;
		}
	}
	if (engine->ready == bit(engine->self) && engine->timed == 0)
		return;

	/* A loop that waits without saying so must not keep the others from running for ever. */
	unsigned next = pick(engine->self, ++engine->run > RUN_MAX);
	if (next != engine->self)
		context_switch(next);
}

/* The thread has nothing to do before another has done something. */
void yield_point(const struct model_place *at, const char *doing)
{
	if (engine->alone)
		return;
	step(at, doing);
	if (engine->strategy == MODEL_PCT) {
		/* below all, and the one that yielded last lowest */
		for (unsigned i = 0; i < engine->thread_count; i++)
			engine->threads[i].priority++;
		self()->priority = 0;
	}

	unsigned next = pick(engine->self, true);
	if (next != engine->self)
		context_switch(next);
}

/* The thread has put itself to sleep. Returns when it has been woken. */
void sleep_here(const struct model_place *at, const char *doing)
{
	struct thread *me = self();

	me->at = at;
	me->doing = doing;
	if (engine->alone)
		fail(MODEL_DEADLOCK, "deadlock: setup or check sleeps");
	me->state = THREAD_ASLEEP;
	engine->ready &= ~bit(engine->self);
	if (me->deadline != TALLY__FOREVER)
		engine->timed |= bit(engine->self);

	unsigned next = pick(engine->self, true);
	if (next != engine->self)
		context_switch(next);
}

/* The running thread's function has returned. */
void model_stop(unsigned number)
{
	struct thread *thread = &engine->threads[number];

	if (number == engine->self || thread->state == THREAD_NONE)
		fail(MODEL_MISUSE, "model_stop(%u) by thread %u", number, engine->self);
	thread->state = THREAD_DONE;
	engine->ready &= ~bit(number);
	engine->timed &= ~bit(number);
	engine->waited_for &= ~bit(number);
	clock_join(&self()->clock, &thread->clock);
}

_Noreturn void thread_ended(void)
{
	self()->state = THREAD_DONE;
	engine->ready &= ~bit(engine->self);
	engine->waited_for &= ~bit(engine->self);
	if (engine->alone || engine->waited_for == 0)
		schedule_over();
	context_enter(pick(engine->self, true));
}
