/* platform/signals.h - faults of memory, and the stack on which they are handled. */
#ifndef TALLY_PLATFORM_SIGNALS_H_
#define TALLY_PLATFORM_SIGNALS_H_

#include <stdbool.h>
#include <stddef.h>

/* From the first call on, callback(address) is called on the faulting thread, on its signal stack if it has
 * one, when a memory access faults (SIGSEGV, SIGBUS). It must be async-signal-safe. If it returns true, the
 * access is tried again. If it returns false, or the signal was sent and not raised by an access, whatever
 * handled the signal before does so now: same arguments, same mask, same flags, except that it may run on the
 * signal stack. A later call only replaces the callback. Returns 0 or -errno. */
int tally__signal_faults_install(bool (*callback)(void *fault_address));

/* Bytes that a signal stack should have on this CPU. */
size_t tally__signal_stack_size(void);

/* Makes the memory the signal stack of the calling thread. Returns 0; -EEXIST if the thread has one already,
 * which stays, and the memory is not used; or -errno. */
int tally__signal_stack_install(void *memory, size_t bytes);

/* Takes the calling thread's signal stack away if it is this memory; does nothing else. Not to be called on
 * the signal stack. */
void tally__signal_stack_remove(const void *memory);

#endif
