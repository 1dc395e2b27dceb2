/* sched/timer.c - the pairing heap of deadlines. */
#include "sched/timer.h"

#include "platform/clock.h"
#include "sched/thread.h"

/* Joins two heaps; either may be empty. */
static struct tally__timer *meld(struct tally__timer *a, struct tally__timer *b)
{
	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (b->deadline < a->deadline) {
		struct tally__timer *swap = a;
		a = b;
		b = swap;
	}
	b->previous = a;
	b->sibling = a->child;
	if (a->child != NULL)
		a->child->previous = b;
	a->child = b;
	return a;
}

/* Joins a list of siblings, two by two and then from the last pair back: that keeps later removals cheap. */
static struct tally__timer *meld_siblings(struct tally__timer *first)
{
	struct tally__timer *pairs = NULL;
	while (first != NULL) {
		struct tally__timer *a = first, *b = a->sibling;
		first = b != NULL ? b->sibling : NULL;
		a->sibling = NULL;
		if (b != NULL)
			b->sibling = NULL;
		struct tally__timer *pair = meld(a, b);
		pair->sibling = pairs;
		pairs = pair;
	}
	struct tally__timer *heap = NULL;
	while (pairs != NULL) {
		struct tally__timer *pair = pairs;
		pairs = pair->sibling;
		pair->sibling = NULL;
		heap = meld(heap, pair);
	}
	if (heap != NULL)
		heap->previous = NULL;
	return heap;
}

void tally__timer_add(struct tally__thread *thread, struct tally__timer *timer)
{
	timer->child = timer->sibling = timer->previous = NULL;
	thread->timers = meld(thread->timers, timer);
	thread->timers->previous = NULL;
}

void tally__timer_remove(struct tally__thread *thread, struct tally__timer *timer)
{
	struct tally__timer *rest = meld_siblings(timer->child);
	if (timer == thread->timers) {
		thread->timers = rest;
		return;
	}
	if (timer->previous->child == timer)
		timer->previous->child = timer->sibling;
	else
		timer->previous->sibling = timer->sibling;
	if (timer->sibling != NULL)
		timer->sibling->previous = timer->previous;
	thread->timers = meld(thread->timers, rest);
	thread->timers->previous = NULL;
	thread->timers->sibling = NULL;
}

int64_t tally__timer_first(const struct tally__thread *thread)
{
	return thread->timers != NULL ? thread->timers->deadline : TALLY__FOREVER;
}

bool tally__timer_is_due(const struct tally__thread *thread)
{
	return thread->timers != NULL && thread->timers->deadline <= tally__clock_now();
}

void tally__timer_run(struct tally__thread *thread)
{
	while (tally__timer_is_due(thread)) {
		struct tally__timer *timer = thread->timers;
		struct tally__waiter *waiter = timer->waiter;
		tally__timer_remove(thread, timer);
		timer->waiter = NULL; /* the waiter is told that its timer is gone */
		if (tally__waiter_expire(waiter)) {
			waiter->task->next = thread->ready;
			thread->ready = waiter->task;
		}
	}
}
