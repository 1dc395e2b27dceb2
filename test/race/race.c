/* Programs with a race, which must be told. */
#include "cases.h"

static int x;
static tally_waitgroup group, gate;
static flag raised;

static void nothing(void *arg)
{
	(void)arg;
}

static void increment(void *arg)
{
	(void)arg;
	x++; /* RACY */
}

static void read_x(void *arg)
{
	(void)arg;
	EXPECT(x >= 0); /* RACY */
}

static void write_and_raise(void *arg)
{
	(void)arg;
	x = 1; /* RACY */
	raise_flag(&raised);
}

/* The seed's program with a plain counter. */
static void count_plainly(void *arg)
{
	int *ops = arg;
	for (int i = 0; i < 1000; i++) /* RACY */
		(*ops)++;              /* RACY */
}

CASE(race_plain_increments)
{
	int ops = 0;
	tally_waitgroup wg = {0};
	for (int i = 0; i < 50; i++)
		tally_waitgroup_go(&wg, count_plainly, &ops);
	tally_waitgroup_wait(&wg);
}

static void count_plainly_by_index(void *arg, size_t index)
{
	int *ops = arg;
	(void)index;
	(*ops)++; /* RACY */
}

CASE(race_plain_increments_by_index)
{
	int ops = 0;
	tally_waitgroup wg = {0};
	tally_waitgroup_go_n(&wg, 50, count_plainly_by_index, &ops);
	tally_waitgroup_wait(&wg);
}

CASE(race_two_siblings)
{
	tally_waitgroup_go(&group, increment, NULL);
	tally_waitgroup_go(&group, read_x, NULL);
	tally_waitgroup_wait(&group);
}

CASE(race_parent_writes_while_child_runs)
{
	tally_waitgroup_go(&group, read_x, NULL);
	x = 1; /* RACY */
	tally_waitgroup_wait(&group);
}

CASE(race_parent_reads_while_child_runs)
{
	tally_waitgroup_go(&group, increment, NULL);
	EXPECT(x >= 0); /* RACY */
	tally_waitgroup_wait(&group);
}

/* On one worker they run one after the other; that is luck. */
CASE(race_task_after_task)
{
	tally_go(write_and_raise, NULL);
	await_flag(&raised, 1);
	tally_go(write_and_raise, NULL);
	await_flag(&raised, 2);
}

CASE(race_with_the_end_of_a_task_without_group)
{
	tally_go(write_and_raise, NULL);
	await_flag(&raised, 1);
	EXPECT(x == 1); /* RACY */
}

static void yield_and_increment(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++) {
		tally_yield();
		x++; /* RACY */
	}
}

CASE(race_yield_is_no_order)
{
	tally_waitgroup_go(&group, yield_and_increment, NULL);
	tally_waitgroup_go(&group, yield_and_increment, NULL);
	tally_waitgroup_wait(&group);
}

static void write_and_block(void *arg)
{
	(void)arg;
	x = 1; /* RACY */
	raise_flag(&raised);
	tally_waitgroup_wait(&gate);
}

CASE(race_after_wait_until_gave_up)
{
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go(&group, write_and_block, NULL);
	await_flag(&raised, 1);
	EXPECT(tally_waitgroup_wait_until(&group, now() + 1000000) == -ETIMEDOUT);
	EXPECT(x == 1); /* RACY */
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
}

static void touch_after_done(void *arg)
{
	(void)arg;
	tally_waitgroup_done(&group);
	x = 1; /* RACY */
	raise_flag(&raised);
}

CASE(race_touched_after_done)
{
	tally_waitgroup_add(&group, 1);
	tally_go(touch_after_done, NULL);
	tally_waitgroup_wait(&group);
	EXPECT(x >= 0); /* RACY */
	await_flag(&raised, 1);
}

CASE(race_waited_for_another_group)
{
	static tally_waitgroup other;
	tally_waitgroup_go(&other, write_and_raise, NULL);
	tally_waitgroup_go(&group, nothing, NULL);
	tally_waitgroup_wait(&group);
	await_flag(&raised, 1);
	EXPECT(x == 1); /* RACY */
	tally_waitgroup_wait(&other);
}

static void read_by_index(void *arg, size_t index)
{
	(void)arg;
	(void)index;
	EXPECT(x >= 0); /* RACY */
}

static void nothing_by_index(void *arg, size_t index)
{
	(void)arg;
	(void)index;
}

/* The second go_n must not order the first one's tasks, which start after it. */
CASE(race_between_two_spawns_into_one_group)
{
	tally_waitgroup_go_n(&group, 8, read_by_index, NULL);
	x = 1; /* RACY */
	tally_waitgroup_go_n(&group, 8, nothing_by_index, NULL);
	tally_waitgroup_wait(&group);
}

static void write_and_spawn(void *arg)
{
	(void)arg;
	x = 1; /* RACY */
	tally_waitgroup_go(&group, nothing, NULL);
}

static void spawn_reader(void *arg)
{
	(void)arg;
	tally_waitgroup_go(&group, read_x, NULL);
}

/* The reader's spawner is no relative of the writer, though its memory may have been the task's that the writer
 * spawned. */
CASE(race_with_a_stranger_that_spawned_before)
{
	tally_waitgroup_go(&group, spawn_reader, NULL);
	tally_waitgroup_go(&group, write_and_spawn, NULL);
	tally_waitgroup_wait(&group);
}

static __attribute__((noinline)) void run_and_wait(void (*fn)(void *))
{
	tally_waitgroup wg = {0};
	tally_waitgroup_go(&wg, fn, NULL);
	tally_waitgroup_wait(&wg);
}

static void run_writer(void *arg)
{
	(void)arg;
	run_and_wait(increment);
}

static void read_after_own_wait(void *arg)
{
	(void)arg;
	run_and_wait(nothing);
	EXPECT(x >= 0); /* RACY */
}

/* Two wait groups of different tasks, which may have had the same address one after the other. */
CASE(race_with_the_child_of_another)
{
	tally_waitgroup_go(&group, read_after_own_wait, NULL);
	tally_waitgroup_go(&group, run_writer, NULL);
	tally_waitgroup_wait(&group);
}

static void add_first(void *arg)
{
	(void)arg;
	tally_waitgroup_add(&gate, 1); /* RACY */
	raise_flag(&raised);
	yield_to_flag(&raised, 2);
	tally_waitgroup_done(&gate);
}

static void wait_for_what_was_added(void *arg)
{
	(void)arg;
	yield_to_flag(&raised, 1);
	raise_flag(&raised);
	tally_waitgroup_wait(&gate); /* RACY */
}

/* The first add comes before the wait by luck only. */
CASE(race_first_add_with_wait)
{
	tally_waitgroup_go(&group, add_first, NULL);
	tally_waitgroup_go(&group, wait_for_what_was_added, NULL);
	tally_waitgroup_wait(&group);
}

static void *write_then_attach(void *arg)
{
	x = 1; /* RACY */
	tally_waitgroup_add(&gate, 1);
	EXPECT(tally_waitgroup_wait_until(&gate, now() + 1000) == -ETIMEDOUT);
	raise_flag(&raised);
	return arg;
}

static void *attach_then_read(void *arg)
{
	await_flag(&raised, 1);
	EXPECT(tally_waitgroup_wait_until(&gate, now() + 1000) == -ETIMEDOUT);
	EXPECT(x == 1); /* RACY */
	return arg;
}

/* A thread's first call of the library orders it after no other's. */
CASE(race_of_threads_that_only_use_the_library)
{
	pthread_t writer, reader;
	pthread_create(&writer, NULL, write_then_attach, NULL);
	pthread_create(&reader, NULL, attach_then_read, NULL);
	pthread_join(writer, NULL);
	pthread_join(reader, NULL);
}

static void *spawn_from_thread(void *arg)
{
	tally_waitgroup_go(&group, read_x, NULL);
	raise_flag(&raised);
	pause_a_little();
	return arg;
}

/* Main runs the task of another's in its wait, but is not what the task comes after. */
CASE(race_with_the_thread_that_helps)
{
	pthread_t thread;
	tally_waitgroup_add(&group, 1);
	pthread_create(&thread, NULL, spawn_from_thread, NULL);
	await_flag(&raised, 1);
	x = 1; /* RACY */
	tally_waitgroup_done(&group);
	tally_waitgroup_wait(&group);
	pthread_join(thread, NULL);
}

static void write_through(void *arg)
{
	*(int *)arg = 1; /* RACY */
}

static void lend_a_local(void *arg)
{
	int local = 0;
	(void)arg;
	tally_waitgroup_go(&group, write_through, &local);
	local++; /* RACY */
	tally_waitgroup_wait(&group);
}

CASE(race_on_a_local_that_was_lent)
{
	static tally_waitgroup outer;
	tally_waitgroup_go(&outer, lend_a_local, NULL);
	tally_waitgroup_wait(&outer);
}

static void free_it(void *arg)
{
	free(arg); /* RACY */
}

/* It is the first that uses the library, after the write. */
static void *write_then_help(void *arg)
{
	await_flag(&raised, 1);
	x = 1; /* RACY */
	tally_waitgroup_wait(&group);
	return arg;
}

CASE(race_with_the_first_thread_of_all)
{
	pthread_t thread;
	tally_waitgroup_add(&group, 1);
	pthread_create(&thread, NULL, write_then_help, NULL);
	raise_flag(&raised);
	for (int i = 0; i < 5; i++)
		pause_a_little();
	tally_waitgroup_go(&group, read_x, NULL);
	tally_waitgroup_done(&group);
	tally_waitgroup_wait(&group);
	pthread_join(thread, NULL);
}

CASE(race_of_a_write_with_free)
{
	int *memory = malloc(sizeof(*memory));
	tally_waitgroup_go(&group, free_it, memory);
	*memory = 1; /* RACY */
	tally_waitgroup_wait(&group);
}

static void block_then_increment(void *arg)
{
	(void)arg;
	tally_waitgroup_wait(&gate);
	x++; /* RACY */
}

/* Both were let go by one done; that orders them after it, not one after the other. */
CASE(race_of_two_that_were_woken)
{
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go(&group, block_then_increment, NULL);
	tally_waitgroup_go(&group, block_then_increment, NULL);
	pause_a_little();
	tally_waitgroup_done(&gate);
	tally_waitgroup_wait(&group);
}

static void write_after_wait(void *arg)
{
	(void)arg;
	tally_waitgroup_wait(&gate);
	x = 1; /* RACY */
}

/* Only what the done's caller did before it is ordered. */
CASE(race_after_the_done_that_woke)
{
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_go(&group, write_after_wait, NULL);
	pause_a_little();
	tally_waitgroup_done(&gate);
	x = 2; /* RACY */
	tally_waitgroup_wait(&group);
}

static void exit_in_task(void *arg)
{
	(void)arg;
	x++; /* RACY */
	exit(0);
}

CASE(race_then_exit_in_the_task)
{
	tally_waitgroup_go(&group, exit_in_task, NULL);
	x++; /* RACY */
	tally_waitgroup_wait(&group);
}

static void recurse(void *arg);

static void increment_at_the_end(int depth)
{
	tally_waitgroup wg = {0};
	if (depth == 0) {
		x++; /* RACY */
		return;
	}
	for (int i = 0; i < 2; i++)
		tally_waitgroup_go(&wg, recurse, (void *)(intptr_t)(depth - 1));
	tally_waitgroup_wait(&wg);
}

static void recurse(void *arg)
{
	increment_at_the_end((int)(intptr_t)arg);
}

CASE(race_of_the_leaves_of_a_tree)
{
	increment_at_the_end(6);
}
