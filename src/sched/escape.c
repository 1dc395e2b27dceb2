/* sched/escape.c - an exception that nothing in its task catches ends the program, and the task is named. */
#include <stddef.h>
#include <stdint.h>

#include "platform/context.h"
#include "platform/die.h"
#include "sched/thread.h"

/* Of the C++ ABI for Itanium, section 1: what the unwinder does, and what it is to do then. */
enum {
	SEARCHES_FOR_A_HANDLER = 1,
	CONTINUE_UNWIND = 8,
};

int tally__context_personality(int version, int actions, uint64_t language, void *exception, void *context)
{
	(void)version;
	(void)language;
	(void)exception;
	(void)context;
	struct tally__thread *thread = tally__thread_self();
	/* Nothing has been unwound yet. Who threw it is told that nobody handles it, and ends the program: C++
	 * by std::terminate, which says what it was. */
	if ((actions & SEARCHES_FOR_A_HANDLER) && thread != NULL && thread->current != NULL)
		tally__warn("an exception left task %u (function %p): a task ends by returning",
			    thread->current->id, thread->current->call.address);
	return CONTINUE_UNWIND;
}
