/* The whole runtime: spawn, steal, block, park, sleep and wake, on workers that it starts itself. */
#include "platform/clock.h"
#include "platform/futex.h"
#include <model.h>
#include <tally/task.h>
#include <tally/waitgroup.h>

static tally_waitgroup group, inner, gate;
static int work[4];
static tally_atomic_u32 runs, ran;

/* Tasks that count, on somebody's group. */
static void task(void *arg)
{
	int *mine = arg;

	model_assert(model_read(mine) == 0);
	model_write(mine, 1);
	tally_atomic_u32_add_relaxed(&runs, 1);
}

static void indexed_task(void *arg, size_t index)
{
	int *all = arg;

	model_assert(model_read(&all[index]) == 0);
	model_write(&all[index], 1);
	tally_atomic_u32_add_relaxed(&runs, 1);
}

static void see(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		model_assert(model_read(&work[i]) == 1);
}

static void prepare(int *mine)
{
	model_write(mine, 0);
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

/* Two plain threads spawn into one group that both wait for. */
static void task_and_done(void *arg)
{
	task(arg);
	tally_waitgroup_done(&group);
}

static void expect_two(void)
{
	tally_waitgroup_add(&group, 2);
}

static void spawns_one(void)
{
	unsigned i = model_thread() - 1;

	prepare(&work[i]);
	tally_go(task_and_done, &work[i]);
	tally_waitgroup_wait(&group);
	see(0, 2);
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

static void opens_the_gate(void)
{
	model_write(&work[2], 5);
	tally_waitgroup_done(&gate);
}

static void close_the_gate(void)
{
	tally_waitgroup_add(&gate, 1);
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

/* A task that nobody waits for in the runtime: a worker must come for it by itself, though the spawner sleeps.
 */
static void tell(void *arg)
{
	model_write((int *)arg, 1);
	tally_atomic_u32_add(&ran, 1);
	tally__futex_wake(&ran, MODEL_THREADS_MAX);
}

static void await_runs(uint32_t wanted)
{
	uint32_t now;

	while ((now = tally_atomic_u32_load(&ran)) < wanted)
		tally__futex_wait(&ran, now, TALLY__FOREVER);
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

static void waits_for_both(void)
{
	await_runs(2);
	see(0, 2);
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

/* With one place to run in: who has had it for long hands it on, and gets it back. */
static int many[140];

static void takes_its_time(void *arg, size_t index)
{
	(void)arg;
	model_advance(50000);
	many[index] = 1;
}

static void has_many(void)
{
	tally_waitgroup_go_n(&group, 140, takes_its_time, NULL);
	tally_waitgroup_wait(&group);
	for (unsigned i = 0; i < 140; i++)
		model_assert(many[i] == 1);
}

static void has_one(void)
{
	prepare(&work[0]);
	tally_waitgroup_go(&inner, task, &work[0]);
	tally_waitgroup_wait(&inner);
	see(0, 1);
}

static void one_place(void)
{
	tally_set_workers(1);
}

/* The place is held by one who waits for another: when there are more places, the other is let in. */
static void holds_its_thread(void *arg)
{
	await_runs(1);
	task(arg);
}

static void waits_for_a_holder(void)
{
	prepare(&work[0]);
	tally_waitgroup_go(&group, holds_its_thread, &work[0]);
	tally_waitgroup_wait(&group);
	see(0, 1);
}

static void waits_for_a_teller(void)
{
	tally_waitgroup_go(&inner, tell, &work[1]);
	tally_waitgroup_wait(&inner);
	see(1, 2);
}

static void only_tells(void)
{
	tally_go(tell, &work[1]);
	await_runs(1);
	see(1, 2);
}

static void makes_room(void)
{
	tally_set_workers(2);
}

/* A stranger's task comes to light while a plain thread works: a worker must run it, when the thread is back in
 * its own code and asleep there. */
static void passes_a_stranger_on(void)
{
	tally_go(tell, &work[1]);
	prepare(&work[0]);
	tally_waitgroup_go(&group, task, &work[0]);
	tally_waitgroup_wait(&group);
	see(0, 1);
	await_runs(1);
	see(1, 2);
}

/* Many at once for a worker that steals: what it does not run at once is for others. */
static void holds_until_three(void *arg, size_t index)
{
	model_write(&((int *)arg)[index], 1);
	tally_atomic_u32_add(&ran, 1);
	tally__futex_wake(&ran, MODEL_THREADS_MAX);
	await_runs(3);
}

static void three_places(void)
{
	tally_set_workers(3);
	tally_waitgroup_add(&group, 3);
}

static void holds_and_done(void *arg)
{
	holds_until_three(work, (size_t)((int *)arg - work));
	tally_waitgroup_done(&group);
}

static void needs_three_workers(void)
{
	for (unsigned i = 0; i < 3; i++)
		tally_go(holds_and_done, &work[i]);
	await_runs(3);
	see(0, 3);
}

/* A task that splits must have all its parts running. */
static void spawns_parts(void *arg)
{
	model_advance(20000000);
	for (unsigned i = model_choose(20); i > 0; i--)
		model_yield();
	tally_waitgroup_go_n(&inner, 3, holds_until_three, arg);
}

static void needs_all_parts(void)
{
	tally_go(spawns_parts, work);
	await_runs(3);
	see(0, 3);
}

/* Threads come and go: the memory of one that has ended serves the next. */
static void comes_and_goes(void)
{
	unsigned i = model_thread() - 1;

	prepare(&work[i]);
	tally_waitgroup_go(&group, task, &work[i]);
	tally_waitgroup_done(&group);
}

static void comes_last(void)
{
	tally_waitgroup_wait(&group);
	see(0, 2);
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
	{.name = "two spawners", .schedules = 6000, .setup = expect_two, .threads = {spawns_one, spawns_one}},
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
	{.name = "one place for two", .setup = one_place, .threads = {has_many, has_one}, .schedules = 1000},
	{.name = "room for a second",
	 .setup = one_place,
	 .threads = {waits_for_a_holder, waits_for_a_teller, makes_room},
	 .schedules = 6000},
	{.name = "room for a worker",
	 .setup = one_place,
	 .threads = {waits_for_a_holder, only_tells, makes_room},
	 .schedules = 6000},
	{.name = "passed on", .threads = {passes_a_stranger_on}, .schedules = 6000},
	{.name = "passed on, one place",
	 .setup = one_place,
	 .threads = {passes_a_stranger_on},
	 .schedules = 6000},
	{.name = "three places", .setup = three_places, .threads = {needs_three_workers}, .schedules = 6000},
	{.name = "parts", .setup = three_places, .threads = {needs_all_parts}, .schedules = 6000},
	{.name = "come and go",
	 .setup = expect_two,
	 .threads = {comes_and_goes, comes_and_goes, comes_last},
	 .schedules = 6000},
	{.name = "workers change", .schedules = 6000, .threads = {spawns_two, changes_workers}},
	{.name = "one worker", .schedules = 6000, .setup = one_worker, .threads = {spawns_one, spawns_one}},
	{.name = "spawner ends", .schedules = 6000, .threads = {spawns_and_ends, waits_for_it}},
};

MODEL_MAIN(models)
