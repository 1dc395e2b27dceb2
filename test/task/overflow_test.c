/* A task that overflows its stack is named; every other fault is left to whoever would get it without tally. */
#include "child.h"
#include "scale.h"

#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_waitgroup group;
static tally_atomic_bool go_on;
static tally_atomic_uptr nowhere; /* an address without memory that no compiler sees through */

/* Not a tail call, and more than nothing on each frame. */
static __attribute__((noinline)) unsigned recurse(unsigned depth)
{
	volatile char frame[256];
	frame[depth % 256] = (char)depth;
	if (depth == UINT32_MAX)
		return 0;
	return recurse(depth + 1) + (unsigned)frame[depth % 256];
}

static void overflow(void *arg)
{
	(void)arg;
	exit((int)recurse(0));
}

static void overflow_after_a_block(void *arg)
{
	tally_yield();
	overflow(arg);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void overflow_with_others_waiting(void *arg)
{
	tally_waitgroup own = {0};
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(&own, nothing, NULL);
	tally_waitgroup_wait(&own);
	overflow(arg);
}

struct where {
	void (*fn)(void *);
	const char *size; /* TALLY_STACK_SIZE, or NULL */
	bool main;        /* main runs it while it waits */
};

static void start(void *arg)
{
	const struct where *where = arg;
	if (where->size != NULL)
		setenv("TALLY_STACK_SIZE", where->size, 1);
	if (where->main) {
		/* With one permit, which main has: the worker has none. */
		tally_set_workers(1);
		for (int i = 0; i < 20; i++)
			tally_waitgroup_go(&group, where->fn, NULL);
		tally_waitgroup_wait(&group);
	}
	tally_go(where->fn, NULL);
	for (;;)
		pause_for(1000000000);
}

static void an_overflow_names_the_task_and_the_size(void **state)
{
	(void)state;
	void (*fns[])(void *) = {overflow, overflow_after_a_block, overflow_with_others_waiting};
	for (int i = 0; i < 3; i++)
		for (int main = 0; main < 2; main++) {
			assert_dies(
				start, &(struct where){fns[i], NULL, main},
				"tally: stack overflow in task # (function 0x#): its stack of 65536 bytes is "
				"full; set TALLY_STACK_SIZE to more bytes, or keep large data elsewhere");
			assert_dies(
				start, &(struct where){fns[i], "200000", main},
				"tally: stack overflow in task # (function 0x#): its stack of 200704 bytes "
				"is full; set TALLY_STACK_SIZE to more bytes, or keep large data elsewhere");
		}
}

/* A frame with a large array that is not touched from its beginning jumps over one page, not over the guard. */
static void large_frame(void *arg)
{
	(void)arg;
	/* Its size is not known to the compiler, which else might not make one. */
	tally_atomic_uptr_store(&nowhere, 70 * 1024);
	size_t bytes = tally_atomic_uptr_load(&nowhere);
	char *frame = __builtin_alloca(bytes);
	frame[1024] = (char)bytes;
	tally_atomic_uptr_store(&nowhere, (uintptr_t)frame);
	exit(frame[1024]);
}

static void a_large_frame_does_not_jump_over_the_guard(void **state)
{
	(void)state;
	if (UNDER_ASAN) {
		print_message("AddressSanitizer writes all of the frame itself\n");
		skip();
	}
	assert_dies(start, &(struct where){large_frame, NULL, false},
		    "tally: stack overflow in task # (function *");
}

/* --- other faults --- */

static void end_by_a_signal(void (*body)(void *), void *arg, int signal)
{
	struct child_end end = child_run(body, arg);
	if (!WIFSIGNALED(end.status) || WTERMSIG(end.status) != signal || strstr(end.text, "tally:") != NULL) {
		print_error("wanted: signal %d and not a word from tally\n", signal);
		child_describe(&end);
		fail();
	}
}

static void start_runtime(void)
{
	tally_waitgroup_go(&group, nothing, NULL);
	tally_waitgroup_wait(&group);
}

static void overflow_main(void *arg)
{
	struct rlimit small = {1024 * 1024, 1024 * 1024};
	setrlimit(RLIMIT_STACK, &small);
	start_runtime();
	overflow(arg);
}

static void touch_nothing(void *arg)
{
	(void)arg;
	tally_atomic_uptr_store(&nowhere, 8);
	*(char *)tally_atomic_uptr_load(&nowhere) = 1;
}

static void touch_nothing_in_main(void *arg)
{
	start_runtime();
	touch_nothing(arg);
}

static void touch_nothing_in_a_task(void *arg)
{
	(void)arg;
	start(&(struct where){touch_nothing, NULL, false});
}

static void segv_is_sent(void *arg)
{
	(void)arg;
	start_runtime();
	raise(SIGSEGV);
}

static void other_faults_end_the_program_as_ever(void **state)
{
	(void)state;
	if (UNDER_ASAN || UNDER_TSAN) {
		print_message("sanitizers have handlers of their own\n");
		skip();
	}
	end_by_a_signal(overflow_main, NULL, SIGSEGV);
	end_by_a_signal(touch_nothing_in_main, NULL, SIGSEGV);
	end_by_a_signal(touch_nothing_in_a_task, NULL, SIGSEGV);
	end_by_a_signal(segv_is_sent, NULL, SIGSEGV);
}

static void own_handler(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (signal == SIGSEGV && info->si_addr == (void *)8 && write(STDERR_FILENO, "mine\n", 5) == 5)
		_exit(44);
	_exit(45);
}

static void install_own_handler(void)
{
	struct sigaction action = {.sa_sigaction = own_handler, .sa_flags = SA_SIGINFO};
	sigemptyset(&action.sa_mask);
	CHECK_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
}

struct handler {
	bool first; /* installed before the runtime starts */
	void (*body)(void *);
};

static void fault_with_own_handler(void *arg)
{
	const struct handler *handler = arg;
	if (handler->first)
		install_own_handler();
	start_runtime();
	if (!handler->first)
		install_own_handler();
	handler->body(NULL);
}

static void a_handler_of_the_program_gets_other_faults(void **state)
{
	(void)state;
	void (*bodies[])(void *) = {touch_nothing_in_main, touch_nothing_in_a_task};
	for (int first = 0; first < 2; first++)
		for (int i = 0; i < 2; i++) {
			struct child_end end =
				child_run(fault_with_own_handler, &(struct handler){first, bodies[i]});
			if (!WIFEXITED(end.status) || WEXITSTATUS(end.status) != 44 ||
			    strcmp(end.text, "mine\n") != 0) {
				child_describe(&end);
				fail();
			}
		}
}

/* ... and one that was there first does not get what is explained. */
static void overflow_with_own_handler(void *arg)
{
	install_own_handler();
	start(arg);
}

static void an_overflow_is_explained_before_a_handler_that_was_there_first(void **state)
{
	(void)state;
	assert_dies(overflow_with_own_handler, &(struct where){overflow, NULL, false},
		    "tally: stack overflow in task # (function *");
}

/* An overflow on a worker while others are at work, and in the 1,000th task. */
static void busy(void *arg)
{
	(void)arg;
	while (!tally_atomic_bool_load(&go_on))
		tally_yield();
}

static void overflow_in_a_crowd(void *arg)
{
	tally_set_workers(4);
	for (int i = 0; i < 1000; i++)
		tally_waitgroup_go(&group, busy, NULL);
	tally_waitgroup_go(&group, overflow_after_a_block, arg);
	tally_waitgroup_wait(&group);
}

static void an_overflow_is_explained_in_a_crowd(void **state)
{
	(void)state;
	assert_dies(overflow_in_a_crowd, NULL,
		    "tally: stack overflow in task # (function 0x#): its stack of 65536*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_overflow_names_the_task_and_the_size),
		cmocka_unit_test(a_large_frame_does_not_jump_over_the_guard),
		cmocka_unit_test(other_faults_end_the_program_as_ever),
		cmocka_unit_test(a_handler_of_the_program_gets_other_faults),
		cmocka_unit_test(an_overflow_is_explained_before_a_handler_that_was_there_first),
		cmocka_unit_test(an_overflow_is_explained_in_a_crowd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
