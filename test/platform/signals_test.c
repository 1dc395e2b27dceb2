/* Faults of memory: who is asked, in which order, and what they find. Each in a child, which ends well or dies
 * as the test says. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "platform/pages.h"
#include "platform/signals.h"

#include "child.h"

static size_t page;
static char *closed; /* a page that faults until it is opened */

/* What callbacks and handlers note, while the code that faults seems to touch nothing of it. */
static struct {
	int asked, called;
	void *asked_about;
	sigset_t mask, context_mask;
	siginfo_t info;
} seen;

static void map_closed(void)
{
	closed = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHILD_EXPECT(closed != MAP_FAILED);
}

static void open_it(void)
{
	mprotect(closed, page, PROT_READ | PROT_WRITE);
}

static __attribute__((noinline)) void touch(char *at)
{
	__asm__("" : "+r"(at) : "r"(&seen) : "memory");
	*at = 1;
	__asm__("" ::"r"(&seen) : "memory");
}

static bool opens(void *address)
{
	seen.asked++;
	seen.asked_about = address;
	open_it();
	errno = 5;
	return true;
}

static bool declines(void *address)
{
	seen.asked++;
	seen.asked_about = address;
	return false;
}

/* Installs ours over what handled SIGSEGV before. */
static void install_over(struct sigaction *before, bool (*callback)(void *))
{
	if (before)
		CHILD_EXPECT(sigaction(SIGSEGV, before, NULL) == 0);
	errno = 77;
	CHILD_EXPECT(tally__signal_faults_install(callback) == 0);
	CHILD_EXPECT(errno == 77);
	map_closed();
}

static void repaired(void *arg)
{
	(void)arg;
	install_over(NULL, opens);
	errno = 77;
	touch(closed + 123);
	CHILD_EXPECT(errno == 77);
	CHILD_EXPECT(seen.asked == 1 && seen.asked_about == closed + 123 && closed[123] == 1);
}

static void a_repaired_access_goes_on(void **state)
{
	struct child child = child_run(repaired, NULL);

	(void)state;
	child_expect_well(&child);
}

/* Beyond the end of a file that is mapped. */
static char *map_beyond(void)
{
	int fd = memfd_create("empty", 0);
	char *start = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHILD_EXPECT(fd >= 0 && start != MAP_FAILED);
	return start;
}

static char *beyond;

static bool maps_over(void *address)
{
	seen.asked_about = address;
	return mmap(beyond, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	       beyond;
}

static void bus_error(void *arg)
{
	install_over(NULL, arg ? maps_over : declines);
	beyond = map_beyond();
	touch(beyond + 7);
	CHILD_EXPECT(seen.asked_about == beyond + 7 && beyond[7] == 1);
}

static void bus_errors_are_asked_about_too(void **state)
{
	struct child child = child_run(bus_error, &page);

	(void)state;
	child_expect_well(&child);
	assert_int_equal(child_run(bus_error, NULL).signal, SIGBUS);
}

static void bus_handler(int signal)
{
	_exit(signal == SIGBUS ? 55 : 56);
}

static void bus_error_declined(void *arg)
{
	(void)arg;
	signal(SIGBUS, bus_handler);
	install_over(NULL, declines);
	touch(map_beyond());
}

static void each_signal_has_its_own_handler_before(void **state)
{
	(void)state;
	assert_int_equal(child_run(bus_error_declined, NULL).exit, 55);
}

static void declined(void *arg)
{
	struct sigaction before = {.sa_handler = arg ? SIG_IGN : SIG_DFL};

	install_over(&before, declines);
	touch(closed);
}

static void a_declined_fault_ends_the_program_as_ever(void **state)
{
	(void)state;
	assert_int_equal(child_run(declined, NULL).signal, SIGSEGV);
	/* That access cannot be ignored. */
	assert_int_equal(child_run(declined, &page).signal, SIGSEGV);
}

static void sent(void *arg)
{
	struct sigaction before = {.sa_handler = arg ? SIG_IGN : SIG_DFL};

	install_over(&before, declines);
	kill(getpid(), SIGSEGV); /* once: it must not get lost on the way */
	CHILD_EXPECT(seen.asked == 0);
}

static void a_sent_signal_is_no_fault(void **state)
{
	struct child child = child_run(sent, &page);

	(void)state;
	child_expect_well(&child);
	child = child_run(sent, NULL);
	assert_string_equal(child.text, "");
	assert_int_equal(child.signal, SIGSEGV);
}

static void plain_handler(int signal)
{
	CHILD_EXPECT(signal == SIGSEGV);
	seen.called++;
	pthread_sigmask(SIG_SETMASK, NULL, &seen.mask);
	open_it();
}

static void full_handler(int signal, siginfo_t *info, void *context)
{
	seen.info = *info;
	seen.context_mask = ((ucontext_t *)context)->uc_sigmask;
	plain_handler(signal);
}

/* What the handler before finds must be what it found without us: the child looks twice. */
static void look(sigset_t *mask, siginfo_t *info, sigset_t *context)
{
	int before = seen.called;

	mprotect(closed, page, PROT_NONE);
	touch(closed + 5);
	CHILD_EXPECT(seen.called == before + 1);
	*mask = seen.mask;
	*info = seen.info;
	*context = seen.context_mask;
}

static void compare(void *arg)
{
	struct sigaction *action = arg;
	sigset_t usual, mask, mask_with_us, context, context_with_us, now;
	siginfo_t info, info_with_us;

	sigemptyset(&usual);
	sigaddset(&usual, SIGUSR2);
	CHILD_EXPECT(pthread_sigmask(SIG_SETMASK, &usual, NULL) == 0);
	map_closed();
	CHILD_EXPECT(sigaction(SIGSEGV, action, NULL) == 0);
	look(&mask, &info, &context);
	install_over(NULL, declines);
	look(&mask_with_us, &info_with_us, &context_with_us);
	CHILD_EXPECT(seen.asked == 1);
	for (int i = 1; i < SIGRTMAX && !UNDER_SANITIZER; i++) { /* ThreadSanitizer has masks of its own */
		CHILD_EXPECT(sigismember(&mask, i) == sigismember(&mask_with_us, i));
		CHILD_EXPECT(sigismember(&context, i) == sigismember(&context_with_us, i));
	}
	CHILD_EXPECT(sigismember(&mask, SIGUSR2));
	if (action->sa_flags & SA_SIGINFO) {
		CHILD_EXPECT(info_with_us.si_signo == SIGSEGV);
		CHILD_EXPECT(info_with_us.si_code == info.si_code);
		CHILD_EXPECT(info_with_us.si_addr == closed + 5);
	}
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	CHILD_EXPECT(sigismember(&now, SIGUSR2) && !sigismember(&now, SIGSEGV) && !sigismember(&now, SIGUSR1));
}

static void the_handler_before_finds_all_as_without_us(void **state)
{
	const int flags[] = {0, SA_NODEFER, SA_RESTART, SA_NODEFER | SA_RESTART};

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		for (int full = 0; full <= 1; full++) {
			for (int masks = 0; masks <= 1; masks++) {
				struct sigaction action = {.sa_flags = flags[i] | (full ? SA_SIGINFO : 0)};
				struct child child;

				if (full)
					action.sa_sigaction = full_handler;
				else
					action.sa_handler = plain_handler;
				sigemptyset(&action.sa_mask);
				if (masks)
					sigaddset(&action.sa_mask, SIGUSR1);
				child = child_run(compare, &action);
				child_expect_well(&child);
			}
		}
	}
}

static void once(void *arg)
{
	struct sigaction before = {.sa_handler = plain_handler, .sa_flags = (int)SA_RESETHAND};

	(void)arg;
	install_over(&before, declines);
	touch(closed);
	CHILD_EXPECT(seen.called == 1);
	mprotect(closed, page, PROT_NONE);
	touch(closed);
}

static void a_handler_for_one_time_is_called_once(void **state)
{
	struct child child = child_run(once, NULL);

	(void)state;
	assert_string_equal(child.text, "");
	assert_int_equal(child.signal, SIGSEGV);
}

static sigjmp_buf out;

static void jumping_handler(int signal)
{
	(void)signal;
	seen.called++;
	siglongjmp(out, 1);
}

static void jump(void *arg)
{
	struct sigaction before = {.sa_handler = jumping_handler};
	sigset_t now;

	(void)arg;
	install_over(&before, declines);
	for (int i = 0; i < 3; i++) {
		if (sigsetjmp(out, 1) == 0)
			touch(closed);
	}
	CHILD_EXPECT(seen.called == 3);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	CHILD_EXPECT(!sigismember(&now, SIGSEGV));
}

static void a_handler_may_jump_out(void **state)
{
	struct child child = child_run(jump, NULL);

	(void)state;
	child_expect_well(&child);
}

static struct sigaction theirs;

static void later_handler(int signal, siginfo_t *info, void *context)
{
	if (++seen.called > 5)
		_exit(44);
	theirs.sa_sigaction(signal, info, context);
}

static void install_again(void *arg)
{
	struct sigaction later = {.sa_sigaction = later_handler, .sa_flags = SA_SIGINFO};

	(void)arg;
	install_over(NULL, opens);
	CHILD_EXPECT(sigaction(SIGSEGV, &later, &theirs) == 0);
	install_over(NULL, declines);
	/* Had ours been installed over theirs, the two would call each other for ever. */
	touch(closed);
}

static void installing_again_only_changes_the_callback(void **state)
{
	struct child child = child_run(install_again, NULL);

	(void)state;
	assert_string_equal(child.text, "");
	assert_int_equal(child.signal, SIGSEGV);
}

static void later_chains_to_us(void *arg)
{
	struct sigaction later = {.sa_sigaction = later_handler, .sa_flags = SA_SIGINFO};

	(void)arg;
	install_over(NULL, opens);
	CHILD_EXPECT(sigaction(SIGSEGV, &later, &theirs) == 0);
	touch(closed);
	CHILD_EXPECT(seen.called == 1 && seen.asked == 1);
}

static void who_comes_later_may_chain_to_us(void **state)
{
	struct child child = child_run(later_chains_to_us, NULL);

	(void)state;
	child_expect_well(&child);
}

static void empty_handler(int signal)
{
	(void)signal;
}

/* A read that a sent signal meets ends with EINTR, or goes on, as the handler before wanted. */
static void interrupt_read(void *arg)
{
	struct sigaction before = {.sa_handler = empty_handler, .sa_flags = arg ? SA_RESTART : 0};
	pid_t parent = getpid();
	int ends[2];
	char byte;

	install_over(&before, declines);
	CHILD_EXPECT(pipe(ends) == 0);
	if (fork() == 0) {
		/* Where it goes on, after some signals; where not, until the parent has met one and is gone. */
		for (int i = 0; (i < 5 || !arg) && getppid() == parent; i++) {
			usleep(10000);
			kill(parent, SIGSEGV);
		}
		usleep(10000);
		CHILD_EXPECT(write(ends[1], "x", 1) == 1);
		_exit(0);
	}
	if (arg)
		CHILD_EXPECT(read(ends[0], &byte, 1) == 1);
	else
		CHILD_EXPECT(read(ends[0], &byte, 1) == -1 && errno == EINTR);
}

static void calls_are_restarted_as_the_handler_before_wanted(void **state)
{
	struct child child = child_run(interrupt_read, NULL);

	(void)state;
	child_expect_well(&child);
	child = child_run(interrupt_read, &page);
	child_expect_well(&child);
}

static char *signal_stack;

static bool looks_where_it_runs(void *address)
{
	char here;
	char *at = &here;

	(void)address;
	__asm__("" : "+r"(at));
	CHILD_EXPECT(at >= signal_stack && at < signal_stack + tally__signal_stack_size());
	open_it();
	return true;
}

static void no_signal_stack(void)
{
	CHILD_EXPECT(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL) == 0); /* a sanitizer has one */
}

static void on_signal_stack(void *arg)
{
	(void)arg;
	no_signal_stack();
	signal_stack = tally__pages_map(tally__signal_stack_size());
	CHILD_EXPECT(tally__signal_stack_install(signal_stack, tally__signal_stack_size()) == 0);
	install_over(NULL, looks_where_it_runs);
	touch(closed);
}

static void faults_are_handled_on_the_signal_stack(void **state)
{
	struct child child = child_run(on_signal_stack, NULL);

	(void)state;
	child_expect_well(&child);
}

static __attribute__((noinline)) int overflow(int depth)
{
	char frame[1024];
	char *at = frame;

	__asm__("" : "+r"(at)::"memory");
	at[0] = (char)depth;
	if (depth < 1000000) /* never that deep */
		depth = overflow(depth + 1) + at[0];
	__asm__("" : "+r"(at)::"memory");
	return depth;
}

static char *thread_stack;

static bool knows_the_guard(void *address)
{
	CHILD_EXPECT((char *)address >= thread_stack && (char *)address < thread_stack + page);
	_exit(33);
}

static void *overflowing_thread(void *arg)
{
	no_signal_stack();
	CHILD_EXPECT(tally__signal_stack_install(signal_stack, tally__signal_stack_size()) == 0);
	return (void *)(uintptr_t)overflow(arg != NULL);
}

static void overflow_a_stack(void *arg)
{
	pthread_attr_t attributes;
	pthread_t thread;
	size_t bytes = 64 * page;

	(void)arg;
	signal_stack = tally__pages_map(tally__signal_stack_size());
	thread_stack = tally__pages_map(bytes);
	CHILD_EXPECT(tally__pages_guard(thread_stack, page) == 0);
	install_over(NULL, knows_the_guard);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, thread_stack, bytes);
	CHILD_EXPECT(pthread_create(&thread, &attributes, overflowing_thread, NULL) == 0);
	pthread_join(thread, NULL);
}

static void a_stack_that_overflows_is_a_fault_in_its_guard(void **state)
{
	struct child child = child_run(overflow_a_stack, NULL);

	(void)state;
	if (child.exit != 33)
		print_error("%s", child.text);
	assert_int_equal(child.exit, 33);
}

static void one_signal_stack(void *arg)
{
	size_t bytes = tally__signal_stack_size();
	char *first = tally__pages_map(bytes), *second = tally__pages_map(bytes);
	stack_t now;

	(void)arg;
	no_signal_stack();
	errno = 77;
	CHILD_EXPECT(tally__signal_stack_install(first, 16) == -ENOMEM);
	CHILD_EXPECT(tally__signal_stack_install(first, bytes) == 0);
	CHILD_EXPECT(tally__signal_stack_install(second, bytes) == -EEXIST);
	tally__signal_stack_remove(second);
	CHILD_EXPECT(sigaltstack(NULL, &now) == 0);
	CHILD_EXPECT(now.ss_sp == first && now.ss_size == bytes && !(now.ss_flags & SS_DISABLE));
	tally__signal_stack_remove(first);
	CHILD_EXPECT(sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE));
	tally__signal_stack_remove(first);
	CHILD_EXPECT(tally__signal_stack_install(second, bytes) == 0);
	CHILD_EXPECT(errno == 77);
}

static void a_thread_keeps_the_signal_stack_it_has(void **state)
{
	struct child child = child_run(one_signal_stack, NULL);

	(void)state;
	child_expect_well(&child);
	assert_true(tally__signal_stack_size() >= 16384 + 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repaired_access_goes_on),
		cmocka_unit_test(bus_errors_are_asked_about_too),
		cmocka_unit_test(each_signal_has_its_own_handler_before),
		cmocka_unit_test(a_declined_fault_ends_the_program_as_ever),
		cmocka_unit_test(a_sent_signal_is_no_fault),
		cmocka_unit_test(the_handler_before_finds_all_as_without_us),
		cmocka_unit_test(a_handler_for_one_time_is_called_once),
		cmocka_unit_test(a_handler_may_jump_out),
		cmocka_unit_test(installing_again_only_changes_the_callback),
		cmocka_unit_test(who_comes_later_may_chain_to_us),
		cmocka_unit_test(calls_are_restarted_as_the_handler_before_wanted),
		cmocka_unit_test(faults_are_handled_on_the_signal_stack),
		cmocka_unit_test(a_stack_that_overflows_is_a_fault_in_its_guard),
		cmocka_unit_test(a_thread_keeps_the_signal_stack_it_has),
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
