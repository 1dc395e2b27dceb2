/* test/include/steps.h - stops at a given instruction: what may happen between any two of them can be made to
 * happen there, one after the other. By the processor's single-step flag, on x86-64. Instructions of the
 * program and of what is linked into it count, those of shared libraries do not.
 */
#ifndef TALLY_TEST_STEPS_H_
#define TALLY_TEST_STEPS_H_

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef __x86_64__
#define STEPS_POSSIBLE 1
#else
#define STEPS_POSSIBLE 0
#endif

enum { STEPS_FLAG = 0x100 };

static __thread long steps_left;    /* until the action */
static __thread bool steps_reached; /* it has happened */
static void (*volatile steps_action)(void);

#if STEPS_POSSIBLE

/* Of the linker. */
extern char __executable_start[], etext[];

static void steps_on_trap(int number, siginfo_t *information, void *context)
{
	ucontext_t *interrupted = context;

	(void)number;
	(void)information;
	uintptr_t at = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
	if (at < (uintptr_t)__executable_start || at >= (uintptr_t)etext || steps_left-- > 0)
		return;
	/* From here on it runs freely, in the child of a fork too. */
	interrupted->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)STEPS_FLAG;
	steps_reached = true;
	steps_action();
}

static inline void steps_prepare(void (*action)(void))
{
	struct sigaction trap = {.sa_sigaction = steps_on_trap, .sa_flags = SA_SIGINFO};

	steps_action = action;
	if (sigaction(SIGTRAP, &trap, NULL) != 0)
		abort();
}

/* From here on each instruction counts; after `steps` of them the action is called, once. */
#define steps_begin(steps)                                                                                     \
	do {                                                                                                   \
		steps_left = (steps);                                                                          \
		steps_reached = false;                                                                         \
		__asm__ __volatile__("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");             \
	} while (0)

#define steps_end() __asm__ __volatile__("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc")

#else

static inline void steps_prepare(void (*action)(void))
{
	steps_action = action;
}

#define steps_begin(steps) ((void)(steps))
#define steps_end()        ((void)0)

#endif

#endif
