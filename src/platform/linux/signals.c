/* Catching faults of memory beside whoever else catches them. */
#include "platform/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include <tally/atomic.h>

#include "platform/lock.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#ifndef BUS_MCEERR_AO
#define BUS_MCEERR_AO 5
#endif

enum { HANDLER_BYTES = 16 * 1024 }; /* for what runs on a signal stack, beside the registers saved there */

/* Who handled the signal before us. action is written before our handler can run, and never again. */
struct previous {
	struct sigaction action;
	tally_atomic_bool spent; /* it asked to be called once (SA_RESETHAND), and has been */
};
static struct previous previous_segv, previous_bus;

static tally_atomic_uptr fault_callback; /* a bool (*)(void *) */
static struct tally__lock install_lock;
static bool installed; /* under install_lock */

/* The next action for the signal is the system's own: it ends the program, and says truly why. */
static void leave_to_system(int signal, bool comes_again)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	sigemptyset(&standard.sa_mask);
	sigaction(signal, &standard, NULL);
	if (!comes_again)
		raise(signal); /* blocked as long as this handler runs */
}

/* Calls the handler with those signals blocked that would be if the system had called it. When ours returns,
 * the system puts back the mask of the interrupted code. */
static void call_previous(const struct sigaction *action, int signal, siginfo_t *info, void *context)
{
	sigset_t mask = ((ucontext_t *)context)->uc_sigmask;

	sigorset(&mask, &mask, &action->sa_mask);
	if (!(action->sa_flags & SA_NODEFER))
		sigaddset(&mask, signal);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(signal, info, context);
	else
		action->sa_handler(signal);
}

static void chain(struct previous *previous, bool raised, int signal, siginfo_t *info, void *context)
{
	const struct sigaction *action = &previous->action;

	if (action->sa_handler == SIG_DFL || tally_atomic_bool_load(&previous->spent)) {
		leave_to_system(signal, raised);
	} else if (action->sa_handler == SIG_IGN) {
		/* An access that faults cannot be ignored; the system ends the program then. */
		if (raised)
			leave_to_system(signal, true);
	} else {
		/* Of threads that fault at once, one finds the handler still there, as with the system. */
		if ((action->sa_flags & (int)SA_RESETHAND) && tally_atomic_bool_swap(&previous->spent, true))
			leave_to_system(signal, raised);
		else
			call_previous(action, signal, info, context);
	}
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	int saved = errno;
	/* Raised by an access, which will fault again if it is tried again. Others were sent, or tell of broken
	 * memory that nobody has touched yet. */
	bool raised = info->si_code > 0 && !(signal == SIGBUS && info->si_code == BUS_MCEERR_AO);
	bool (*callback)(void *) = (bool (*)(void *))tally_atomic_uptr_load(&fault_callback);

	if (!raised || !callback || !callback(info->si_addr))
		chain(signal == SIGBUS ? &previous_bus : &previous_segv, raised, signal, info, context);
	errno = saved;
}

static int install(int signal, struct previous *previous)
{
	struct sigaction ours = {.sa_sigaction = on_fault};

	/* Asked first: our handler may run as soon as it is installed. */
	if (sigaction(signal, NULL, &previous->action) != 0)
		return -errno;
	ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous->action.sa_flags & SA_RESTART);
	sigemptyset(&ours.sa_mask);
	return sigaction(signal, &ours, NULL) == 0 ? 0 : -errno;
}

int tally__signal_faults_install(bool (*callback)(void *fault_address))
{
	int saved = errno;
	int result = 0;

	tally_atomic_uptr_store(&fault_callback, (uintptr_t)callback);
	tally__lock_acquire(&install_lock);
	/* Once only: a second time we might chain to somebody who chains to us. */
	if (!installed) {
		result = install(SIGSEGV, &previous_segv);
		if (result == 0)
			result = install(SIGBUS, &previous_bus);
		installed = true;
	}
	tally__lock_release(&install_lock);
	errno = saved;
	return result;
}

size_t tally__signal_stack_size(void)
{
	int saved = errno;
	unsigned long least = getauxval(AT_MINSIGSTKSZ);

	errno = saved;
	/* 0 before Linux 5.14; the registers of any CPU that it ran on fit in 4 KiB but for AVX-512's. */
	return (least ? (size_t)least : 4096) + HANDLER_BYTES;
}

int tally__signal_stack_install(void *memory, size_t bytes)
{
	stack_t stack = {.ss_sp = memory, .ss_size = bytes};
	stack_t present;
	int saved = errno;
	int result = 0;

	if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE))
		result = -EEXIST;
	else if (sigaltstack(&stack, NULL) != 0)
		result = -errno;
	errno = saved;
	return result;
}

void tally__signal_stack_remove(const void *memory)
{
	stack_t present;
	int saved = errno;

	if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE) && present.ss_sp == memory)
		sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
	errno = saved;
}
