/* The whole runtime: spawn, steal, block, park, sleep and wake, on workers that it starts itself. */
#include "tasks.h"

static void indexed_task(void *arg, size_t index)
{
	int *all = arg;

	model_assert(model_read(&all[index]) == 0);
	model_write(&all[index], 1);
	tally_atomic_u32_add_relaxed(&runs, 1);
}

static void spawns_two(void)
{
	for (unsigned i = 0; i < 2; i++) {
		prepare(&work[i]);
		tally_waitgroup_go(&group, task, &work[i]);
	}
	tally_waitgroup_wait(&group);
	see(0, 2);
}

static void spawns_many(void)
{
	for (unsigned i = 0; i < 3; i++)
		prepare(&work[i]);
	tally_waitgroup_go_n(&group, 3, indexed_task, work);
	tally_waitgroup_wait(&group);
	see(0, 3);
}

/* Two plain threads spawn into one group that both wait for. The tasks have different numbers. */
static uint64_t ids[2];

static void task_and_done(void *arg)
{
	task(arg);
	model_write(&ids[(int *)arg - work], tally_task_id());
	tally_waitgroup_done(&group);
}

static void spawns_one(void)
{
	unsigned i = model_thread() - 1;

	prepare(&work[i]);
	tally_go(task_and_done, &work[i]);
	tally_waitgroup_wait(&group);
	see(0, 2);
}

static void ids_differ(void)
{
	model_assert(ids[0] != ids[1]);
}

/* A task that waits for tasks of its own. */
static void parent(void *arg)
{
	(void)arg;
	prepare(&work[0]);
	tally_waitgroup_go(&inner, task, &work[0]);
	tally_waitgroup_wait(&inner);
	see(0, 1);
	model_write(&work[1], 1);
}

static void nests(void)
{
	tally_waitgroup_go(&group, parent, NULL);
	tally_waitgroup_wait(&group);
	see(0, 2);
}

/* Tasks that block on a gate, which a plain thread opens. */
static void through_the_gate(void *arg)
{
	tally_waitgroup_wait(&gate);
	model_assert(model_read(&work[2]) == 5);
	task(arg);
}

static void blocks_two(void)
{
	for (unsigned i = 0; i < 2; i++) {
		prepare(&work[i]);
		tally_waitgroup_go(&group, through_the_gate, &work[i]);
	}
	tally_waitgroup_wait(&group);
	see(0, 2);
}

/* Two gates and one worker: whoever opens them sends to the same thread, perhaps at once. */
static tally_waitgroup gates[2];

static void through_gate(void *arg, size_t index)
{
	tally_waitgroup_wait(&gates[index]);
	indexed_task(arg, index);
}

static void close_two_gates(void)
{
	tally_set_workers(1);
	tally_waitgroup_add(&gates[0], 1);
	tally_waitgroup_add(&gates[1], 1);
}

static void blocks_at_both(void)
{
	prepare(&work[0]);
	prepare(&work[1]);
	tally_waitgroup_go_n(&group, 2, through_gate, work);
	tally_waitgroup_wait(&group);
	see(0, 2);
}

static void opens_one(void)
{
	tally_waitgroup_done(&gates[model_thread() - 2]);
}

/* Yields between tasks. */
static void yielding(void *arg)
{
	tally_yield();
	task(arg);
	tally_yield();
}

static void spawns_yielding(void)
{
	for (unsigned i = 0; i < 2; i++) {
		prepare(&work[i]);
		tally_waitgroup_go(&group, yielding, &work[i]);
	}
	tally_waitgroup_wait(&group);
	see(0, 2);
}

static void spawns_and_sleeps(void)
{
	tally_go(tell, &work[0]);
	await_runs(1);
	see(0, 1);
}

/* The same again while workers are about to go to sleep for good, after a long silence. */
static void spawns_in_silence(void)
{
	tally_go(tell, &work[0]);
	await_runs(1);
	model_advance(20000000);
	for (unsigned i = model_choose(30); i > 0; i--)
		model_yield();
	tally_go(tell, &work[1]);
	await_runs(2);
	see(0, 2);
	model_advance(20000000);
	for (unsigned i = model_choose(30); i > 0; i--)
		model_yield();
	tally_go(tell, &work[2]);
	await_runs(3);
	see(0, 3);
}

/* A task that holds its worker until another task has run: another worker must come for that one. */
static void holds_its_worker(void *arg)
{
	await_runs(1);
	tell(arg);
}

static void spawns_a_holder(void)
{
	tally_go(holds_its_worker, &work[0]);
	tally_go(tell, &work[1]);
	await_runs(2);
	see(0, 2);
}

/* The spawner of the second ends while the workers are about to go to sleep. */
static void spawns_in_silence_and_ends(void)
{
	tally_go(tell, &work[1]);
	await_runs(1);
	model_advance(20000000);
	for (unsigned i = model_choose(30); i > 0; i--)
		model_yield();
	tally_go(tell, &work[0]);
}

/* A deadline in a task against the done. */
static void wait_until_task(void *arg)
{
	int64_t deadline = model_now() + 1500;
	int result = tally_waitgroup_wait_until(&gate, deadline);

	if (result == 0)
		model_assert(model_read(&work[2]) == 5);
	else
		model_assert(model_now() >= deadline);
	task(arg);
}

static void spawns_until(void)
{
	prepare(&work[0]);
	tally_waitgroup_go(&group, wait_until_task, &work[0]);
	tally_waitgroup_wait(&group);
	see(0, 1);
}

/* The number of workers changes meanwhile. */
static void changes_workers(void)
{
	tally_set_workers(1);
	tally_set_workers(3);
	tally_set_workers(2);
}

static void one_worker(void)
{
	expect_two();
	tally_set_workers(1);
}

/* A thread that ends leaves what it has spawned to others. */
static void spawns_and_ends(void)
{
	tally_go(tell, &work[0]);
}

static void waits_for_it(void)
{
	await_runs(1);
	see(0, 1);
}

static const struct model models[] = {
	{.name = "two tasks", .schedules = 6000, .threads = {spawns_two}},
	{.name = "indexed tasks", .schedules = 6000, .threads = {spawns_many}},
	{.name = "two spawners",
	 .schedules = 6000,
	 .setup = expect_two,
	 .threads = {spawns_one, spawns_one},
	 .check = ids_differ},
	{.name = "nested", .schedules = 6000, .threads = {nests}},
	{.name = "gate", .schedules = 6000, .setup = close_the_gate, .threads = {blocks_two, opens_the_gate}},
	{.name = "two gates",
	 .setup = close_two_gates,
	 .threads = {blocks_at_both, opens_one, opens_one},
	 .schedules = 6000},
	{.name = "yields", .schedules = 6000, .threads = {spawns_yielding}},
	{.name = "stranger", .schedules = 6000, .threads = {spawns_and_sleeps}},
	{.name = "silence", .schedules = 6000, .threads = {spawns_in_silence}},
	{.name = "holder", .schedules = 6000, .threads = {spawns_a_holder}},
	{.name = "holder, heavy barrier",
	 .schedules = 6000,
	 .threads = {spawns_a_holder},
	 .heavy_barrier = true},
	{.name = "silence, spawner ends",
	 .schedules = 6000,
	 .threads = {spawns_in_silence_and_ends, waits_for_both}},
	{.name = "silence, heavy barrier",
	 .schedules = 6000,
	 .threads = {spawns_in_silence},
	 .heavy_barrier = true},
	{.name = "deadline in a task",
	 .schedules = 6000,
	 .setup = close_the_gate,
	 .threads = {spawns_until, opens_the_gate}},
	{.name = "workers change", .schedules = 6000, .threads = {spawns_two, changes_workers}},
	{.name = "one worker", .schedules = 6000, .setup = one_worker, .threads = {spawns_one, spawns_one}},
	{.name = "spawner ends", .schedules = 6000, .threads = {spawns_and_ends, waits_for_it}},
};

MODEL_MAIN(models)
