/* Each call of the system that can fail fails, the k-th time for every k: what happens is what the headers say,
 * and where it is an error code, the same call succeeds when the cause is gone.
 */
#include "faults.h"

#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_waitgroup group, gate;
static tally_atomic_u64 total, arrived;

static void count_one(void *arg)
{
	(void)arg;
	tally_atomic_u64_add(&total, 1);
}

static void block(void *arg, size_t index)
{
	(void)index;
	tally_atomic_u64_add(&arrived, 1);
	tally_waitgroup_wait(&gate);
	count_one(arg);
}

/* A refusal is one of these two; when there is no cause for it any more, the call must succeed. */
static void start_one(void)
{
	int error = tally_try_go(count_one, NULL);
	if (error == 0)
		return;
	CHECK(error == -ENOMEM || error == -EAGAIN);
	fault_disarm();
	CHECK_EQUAL(tally_try_go(count_one, NULL), 0);
}

static void *start_in_a_thread(void *arg)
{
	for (int i = 0; i < 10; i++)
		start_one();
	tally_waitgroup own = {0};
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(&own, count_one, arg);
	tally_waitgroup_wait(&own);
	return NULL;
}

/* A bit of everything: the first use, deques that grow, threads that come and go, more than one slab of stacks,
 * deadlines, sleep and wake. */
static void do_everything(bool rest)
{
	pthread_t thread;
	tally_set_workers(3);
	for (int i = 0; i < 300; i++)
		start_one();
	/* The C library's own, not the library's: the test wants its thread. */
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	*(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
	CHECK_EQUAL(create(&thread, NULL, start_in_a_thread, NULL), 0);
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go_n(&group, 100, block, NULL);
	while (tally_atomic_u64_load(&arrived) < 100)
		CHECK_EQUAL(tally_waitgroup_wait_until(&gate, now() + 100000), -ETIMEDOUT);
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
	pthread_join(thread, NULL);
	/* Long enough for workers to fall asleep for good. */
	if (rest)
		pause_for(15000000);
	for (int i = 0; i < 10; i++)
		tally_waitgroup_go(&group, count_one, NULL);
	tally_waitgroup_wait(&group);
	while (tally_atomic_u64_load(&total) < 300 + 20 + 100 + 10)
		pause_for(100000);
	CHECK_EQUAL(tally_atomic_u64_load(&total), 300 + 20 + 100 + 10);
}

#define NOT_REACHED 3

struct plan {
	enum fault fault;
	uint64_t first;
	uint64_t last;
	bool no_advice; /* guards by mprotect: all of madvise fails */
};

static void do_everything_with(void *arg)
{
	const struct plan *plan = arg;
	if (plan->no_advice)
		fault_arm(FAULT_MADVISE, 1, UINT64_MAX);
	fault_arm(plan->fault, plan->first, plan->last);
	/* At rest, workers do what can only then be refused. */
	do_everything(plan->fault == FAULT_MEMBARRIER || plan->fault == FAULT_FUTEX_WAIT);
	if (fault_count(plan->fault) == 0)
		_exit(NOT_REACHED);
}

static const char *const ends[] = {
	"tally: cannot start a task: no memory",
	"tally: cannot start a task: the system refuses a thread to run it; raise the limit on processes",
	"tally: no memory for a stack of 65536 bytes: task # cannot block",
	"tally: no memory for a task of wait group 0x#",
	"tally: no memory for a thread that waits for 0x#",
	"tally: no memory to start",
	"tally: the system takes back its memory barrier: error 1",
};

static const char warning[] =
	"tally: no guards below further task stacks: the limit on memory mappings is reached; "
	"raise vm.max_map_count\n";

/* It counted right, or it said in one line why it could not. A warning may come before, once. */
static bool good_end(const struct child_end *end)
{
	char text[sizeof(end->text)];
	strcpy(text, end->text);
	char *rest = text;
	if (strncmp(rest, warning, strlen(warning)) == 0)
		rest += strlen(warning);
	if (WIFEXITED(end->status))
		return (WEXITSTATUS(end->status) == 0 || WEXITSTATUS(end->status) == NOT_REACHED) &&
		       *rest == '\0';
	char *line_end = strchr(rest, '\n');
	if (WTERMSIG(end->status) != SIGABRT || line_end == NULL || line_end[1] != '\0')
		return false;
	*line_end = '\0';
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (text_fits(rest, ends[i]))
			return true;
	return false;
}

/* Returns how many of the k were reached. */
static uint64_t for_every_k(enum fault fault, bool once, bool no_advice)
{
	for (uint64_t k = 1;; k++) {
		struct child_end end = child_run(do_everything_with,
						 &(struct plan){fault, k, once ? k : UINT64_MAX, no_advice});
		if (!good_end(&end)) {
			print_error("%s, call %d%s:\n", fault_names[fault], (int)k,
				    once ? "" : " and all later");
			child_describe(&end);
			fail();
		}
		if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == NOT_REACHED) {
			print_message("%s: %d calls\n", fault_names[fault], (int)k - 1);
			return k - 1;
		}
		assert_true(k < 1000);
	}
}

/* What is called only while the runtime starts, or at sleep, has few calls; sleeps have no fixed number. */
static void fails_once_and_for_good(enum fault fault, uint64_t least)
{
	assert_true(for_every_k(fault, true, false) >= least);
	assert_true(for_every_k(fault, false, false) >= least);
}

static void memory_is_refused(void **state)
{
	(void)state;
	/* Threads, tasks, stacks twice, a deque that grows. */
	fails_once_and_for_good(FAULT_MMAP, 6);
}

static void guards_are_refused(void **state)
{
	(void)state;
	fails_once_and_for_good(FAULT_MADVISE, 2);
	assert_true(for_every_k(FAULT_MPROTECT, true, true) >= 64);
	assert_true(for_every_k(FAULT_MPROTECT, false, true) >= 64);
}

static void threads_are_refused(void **state)
{
	(void)state;
	fails_once_and_for_good(FAULT_THREAD_CREATE, 1);
}

static void hooks_are_refused(void **state)
{
	(void)state;
	fails_once_and_for_good(FAULT_KEY_CREATE, 1);
	fails_once_and_for_good(FAULT_SETSPECIFIC, 3);
}

/* Overflows are not explained then; all else is as ever. */
static void signal_stacks_are_refused(void **state)
{
	(void)state;
	fails_once_and_for_good(FAULT_SIGALTSTACK, 1);
	fails_once_and_for_good(FAULT_SIGACTION, 1);
}

static void barriers_are_refused(void **state)
{
	(void)state;
	fails_once_and_for_good(FAULT_MEMBARRIER, 2);
}

/* A sleep may end for no reason: once, at each k up to some, or every time but then and when. */
static void sleeps_are_interrupted(void **state)
{
	(void)state;
	/* How often threads sleep is their affair: a k that is not reached is no failure. */
	for (uint64_t k = 1; k <= 20; k++) {
		struct child_end end =
			child_run(do_everything_with, &(struct plan){FAULT_FUTEX_WAIT, k, k, false});
		assert_true(WIFEXITED(end.status));
		assert_true(WEXITSTATUS(end.status) == 0 || WEXITSTATUS(end.status) == NOT_REACHED);
	}
	static const uint64_t many[] = {100, 1000, 10000};
	for (int i = 0; i < 3; i++)
		assert_passes(do_everything_with, &(struct plan){FAULT_FUTEX_WAIT, 1, many[i], false});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_refused),         cmocka_unit_test(guards_are_refused),
		cmocka_unit_test(threads_are_refused),       cmocka_unit_test(hooks_are_refused),
		cmocka_unit_test(signal_stacks_are_refused), cmocka_unit_test(barriers_are_refused),
		cmocka_unit_test(sleeps_are_interrupted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
