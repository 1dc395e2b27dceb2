/* platform/context.h - leave one stack and go on with another.
 *
 * A suspended context is the stack pointer below which its callee-saved registers lie. The floating-point
 * environment and the signal mask are not part of it.
 */
#ifndef TALLY_PLATFORM_CONTEXT_H_
#define TALLY_PLATFORM_CONTEXT_H_

#include <stdint.h>

/* Suspends the caller, whose context goes to *from, and resumes the context `to`. Returns when somebody
 * resumes *from. */
void tally__context_switch(void **from, void *to);

/* Suspends the caller likewise and calls entry() on an empty stack that ends at stack_top (a multiple of
 * 16). entry must not return. A debugger's backtrace of it ends there. */
void tally__context_start(void **from, void *stack_top, void (*entry)(void));

/* Defined where tasks are (src/sched): called by the unwinder for the base of a stack, where it has found no
 * handler of an exception on it. The personality routine of the C++ ABI. */
int tally__context_personality(int version, int actions, uint64_t language, void *exception, void *context);

#endif
