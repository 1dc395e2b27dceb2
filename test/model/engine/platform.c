/* platform.c - the library's platform calls, as models have them. */
#include "engine.h"
#include "platform/clock.h"
#include "platform/cpus.h"
#include "platform/die.h"
#include "platform/futex.h"
#include "platform/pages.h"
#include "platform/sanitizer.h"
#include "platform/signals.h"
#include "platform/thread.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel reads the word and queues the caller in one step: it reads the last store. */
int model__futex_wait(const struct model_place *at, void *word, uint32_t expected, int64_t deadline)
{
	struct thread *me = self();

	point(at, "futex_wait");
	check_alive(at, word, 4);
	memory_seen(engine->self, word, at);
	uint32_t now = (uint32_t)memory_peek(word, 4);
	if (now != expected) {
		if (engine->tracing)
			trace(at, "futex_wait %s: holds %#x, not %#x", address_text(word), now, expected);
		return -EAGAIN;
	}
	if (!engine->model->no_spurious && engine->strategy != MODEL_DFS && engine->spurious_left &&
	    choose_rarely(16)) {
		bool signal = choose(2, FREE_CHOICE) != 0;

		engine->spurious_left--;
		if (engine->tracing)
			trace(at, "futex_wait %s: returns for %s", address_text(word),
			      signal ? "a signal" : "no reason");
		return signal ? -EINTR : 0;
	}
	if (deadline != TALLY__FOREVER && deadline <= engine->now)
		return -ETIMEDOUT;
	if (engine->tracing)
		trace(at, "futex_wait %s: sleeps while %#x", address_text(word), now);
	me->word = word;
	me->deadline = deadline;
	me->woken_with = 0;
	sleep_here(at, "futex_wait");
	if (engine->tracing)
		trace(at, "futex_wait %s: %s", address_text(word), me->woken_with ? "deadline" : "woken");
	return me->woken_with;
}

void model__futex_wake(const struct model_place *at, void *word, int count)
{
	int woken = 0;

	point(at, "futex_wake");
	while (woken < count) {
		uint32_t asleep = 0;

		for (unsigned i = 0; i < engine->thread_count; i++) {
			if (engine->threads[i].state == THREAD_ASLEEP && engine->threads[i].word == word)
				asleep |= bit(i);
		}
		if (asleep == 0)
			break;
		for (unsigned n = choose((unsigned)__builtin_popcount(asleep), FREE_CHOICE); n > 0; n--)
			asleep &= asleep - 1;
		unsigned i = (unsigned)__builtin_ctz(asleep);
		memory_seen(i, word, at);
		engine->threads[i].state = THREAD_READY;
		engine->threads[i].word = NULL;
		engine->ready |= bit(i);
		engine->timed &= ~bit(i);
		woken++;
	}
	if (engine->tracing)
		trace(at, "futex_wake %s: %d woken", address_text(word), woken);
}

int64_t model__clock_now(const struct model_place *at)
{
	point(at, "clock_now");
	engine->now += choose_rarely(8) ? 1000 : 1;
	if (engine->tracing)
		trace(at, "clock_now: %lld", (long long)engine->now);
	return engine->now;
}

int64_t model_now(void)
{
	return engine->now;
}

void model__yield(const struct model_place *at)
{
	yield_point(at, "yield");
}

int model__thread_start(const struct model_place *at, void (*fn)(void *), void *arg)
{
	point(at, "thread_start");
	if ((engine->model->faults & MODEL_FAULT_THREAD) && engine->faults_left && choose_rarely(4)) {
		engine->faults_left--;
		trace(at, "thread_start: refused");
		return -EAGAIN;
	}
	if (engine->thread_count == THREADS)
		fail(MODEL_MISUSE, "more than %d threads", THREADS);
	unsigned number = engine->thread_count++;
	if (engine->tracing)
		trace(at, "thread_start: thread %u", number);
	context_begin(number, NULL, fn, arg);
	engine->threads[number].helper = true;
	self()->clock.at[engine->self]++;
	engine->threads[number].clock = self()->clock;
	engine->threads[number].clock.at[number] = 1;
	return 0;
}

uint32_t tally__thread_number(void)
{
	return engine->self + 1;
}

/* Without the thread of setup and check. Who sees that a thread has ended sees what it did. */
int tally__thread_count(void)
{
	int count = 0;

	for (unsigned i = 1; i < engine->thread_count; i++) {
		if (engine->threads[i].state == THREAD_DONE)
			clock_join(&self()->clock, &engine->threads[i].clock);
		else
			count++;
	}
	return count;
}

int tally__thread_at_exit(void (*fn)(void *), void *arg)
{
	if ((engine->model->faults & MODEL_FAULT_EXIT) && engine->faults_left && choose_rarely(4)) {
		engine->faults_left--;
		trace(NULL, "thread_at_exit: refused");
		return -ENOMEM;
	}
	self()->at_exit = fn;
	self()->at_exit_argument = arg;
	return 0;
}

/* No model forks. */
int tally__thread_after_fork(void (*fn)(void))
{
	(void)fn;
	return 0;
}

int tally__cpus_usable(void)
{
	return engine->model->cpus ? (int)engine->model->cpus : 2;
}

int tally__cpus_in_mask(void)
{
	return tally__cpus_usable();
}

void tally__heavy_barrier_start(void)
{
}

bool tally__heavy_barrier_ready(void)
{
	return engine->model->heavy_barrier;
}

/* Each thread passes a full barrier: no load may read a store older than the last ones of now. */
void model__heavy_barrier(const struct model_place *at)
{
	point(at, "heavy_barrier");
	if (engine->tracing)
		trace(at, "heavy_barrier");
	if (engine->model->heavy_barrier)
		memory_barrier();
}

void *model__pages_map(const struct model_place *at, size_t bytes)
{
	return model__alloc(at, bytes, TALLY__PAGE_SIZE, true);
}

void model__pages_unmap(const struct model_place *at, void *start, size_t bytes)
{
	(void)bytes;
	model__free(at, start);
}

int tally__pages_guard(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
	return 0;
}

void tally__pages_discard(void *start, size_t bytes)
{
	memset(start, 0, bytes);
}

void tally__pages_no_huge(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
}

/* Signals and tools that are told of stacks do not exist here. */
int tally__signal_faults_install(bool (*callback)(void *fault_address))
{
	(void)callback;
	return 0;
}

size_t tally__signal_stack_size(void)
{
	return 4096;
}

int tally__signal_stack_install(void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
	return 0;
}

void tally__signal_stack_remove(const void *memory)
{
	(void)memory;
}

void tally__stack_leave(void **saved, const void *bottom, size_t size)
{
	(void)saved;
	(void)bottom;
	(void)size;
}

void tally__stack_enter(void *saved, const void **own_bottom, size_t *own_size)
{
	(void)saved;
	(void)own_bottom;
	(void)own_size;
}

bool tally__leaks_know_running(void)
{
	return true;
}

void tally__leaks_keep(const void *start, const void *end, void *fake_stack)
{
	(void)start;
	(void)end;
	(void)fake_stack;
}

void tally__stack_register(void *bottom, void *top)
{
	(void)bottom;
	(void)top;
}

void tally__stack_forget(void *bottom, void *top)
{
	(void)bottom;
	(void)top;
}

unsigned model_warnings(void)
{
	return engine->warnings;
}

void model_advance(int64_t nanoseconds)
{
	engine->now += nanoseconds;
}

void model_expect_death(const char *text)
{
	engine->expected_death = text;
}

static void add_list(struct tally__line *line, const char *format, va_list list)
{
	char *end = line->text + line->length;
	size_t left = sizeof(line->text) - line->length;

	/* %u is a uint64_t in the library's format; all that a model needs of it is the text around it. */
	for (; *format && left > 1; format++) {
		char piece[32] = {*format, 0};
		const char *text = piece;

		if (*format == '%') {
			switch (*++format) {
			case 's':
				text = va_arg(list, const char *);
				break;
			case 'd':
				snprintf(piece, sizeof(piece), "%d", va_arg(list, int));
				break;
			case 'u':
				snprintf(piece, sizeof(piece), "%llu",
					 (unsigned long long)va_arg(list, uint64_t));
				break;
			case 'p':
				snprintf(piece, sizeof(piece), "%p", va_arg(list, void *));
				break;
			default:
				piece[0] = *format;
				break;
			}
		}
		size_t length = strlen(text);
		if (length > left - 1)
			length = left - 1;
		memcpy(end, text, length);
		end += length;
		left -= length;
	}
	*end = 0;
	line->length = sizeof(line->text) - left;
}

void tally__line_add_list(struct tally__line *line, const char *format, va_list list)
{
	add_list(line, format, list);
}

void tally__line_add(struct tally__line *line, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add_list(line, format, list);
	va_end(list);
}

void tally__line_write(struct tally__line *line, int fd)
{
	(void)fd;
	trace(NULL, "says: %s", line->text);
	line->length = 0;
}

void tally__warn(const char *format, ...)
{
	struct tally__line line = {0};
	va_list list;

	va_start(list, format);
	add_list(&line, format, list);
	va_end(list);
	trace(NULL, "warns: %s", line.text);
	engine->warnings++;
	/* What follows a warning of a deadlock is the list of who waits: not what led to it. */
	if (strstr(line.text, "deadlock"))
		engine->tracing = false;
}

_Noreturn void tally__die(const char *format, ...)
{
	struct tally__line line = {0};
	va_list list;

	va_start(list, format);
	add_list(&line, format, list);
	va_end(list);
	trace(NULL, "dies: %s", line.text);
	if (engine->expected_death && strstr(line.text, engine->expected_death))
		schedule_over();
	fail(MODEL_DEATH, "tally__die: %s", line.text);
}
