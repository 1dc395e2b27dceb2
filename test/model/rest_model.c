/* The whole runtime where threads outnumber permits, and where the last worker goes to rest: nobody is
 * forgotten. */
#include "sched/thread.h"
#include "tasks.h"

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

/* A task ends a group's last work, and one that it has woken goes on in its place, for as long as the group's
 * waiter lets it. */
static void passes_and_holds(void *arg)
{
	tally_waitgroup_wait(&gate);
	await_runs(1);
	tell(arg);
}

static void opens(void *arg)
{
	(void)arg;
	tally_waitgroup_done(&gate);
}

static void waits_and_lets_go(void)
{
	tally_go(passes_and_holds, &work[0]);
	tally_waitgroup_go(&group, opens, NULL);
	tally_waitgroup_wait(&group);
	tell(&work[1]);
	await_runs(2);
	see(0, 2);
}

/* A worker that has gone to sleep is woken by a task of its own, which then holds it until another task has
 * run. */
static void blocks_and_holds(void *arg)
{
	tell(arg);
	tally_waitgroup_wait(&gate);
	await_runs(2);
	tell((int *)arg + 1);
}

static void wakes_a_holder(void)
{
	tally_go(blocks_and_holds, work);
	await_runs(1);
	model_advance(20000000);
	for (unsigned i = model_choose(60); i > 0; i--)
		model_yield();
	tally_waitgroup_done(&gate);
	tally_go(tell, &work[2]);
	await_runs(3);
	see(0, 3);
}

/* A plain thread passes on what it must not start, just when the last worker goes to sleep, and then needs it
 * done.
 */
static void needs_the_stranger(void *arg)
{
	await_runs(2);
	tell(arg);
}

static void passes_on_in_silence(void)
{
	tally_go(tell, &work[0]);
	await_runs(1);
	model_advance(20000000);
	for (unsigned i = model_choose(30); i > 0; i--)
		model_yield();
	tally_waitgroup_go(&group, needs_the_stranger, &work[1]);
	tally_go(tell, &work[2]);
	tally_waitgroup_wait(&group);
	await_runs(3);
	see(0, 3);
}

/* A thief takes two, of which one needs the other, while nobody else has anything to do and it is quiet. */
static void needs_another(void *arg)
{
	tell(arg);
	await_runs(2);
}

static void takes_long(void *arg)
{
	model_advance(20000000);
	task(arg);
}

static void spawns_pairs(void)
{
	for (unsigned i = 0; i < 2; i++)
		tally_waitgroup_go(&group, needs_another, &work[i]);
	for (unsigned i = 2; i < 4; i++)
		tally_waitgroup_go(&group, takes_long, &work[i]);
	tally_waitgroup_wait(&group);
	see(0, 4);
}

/* Threads are refused, and so are their ends: memory that was taken for them serves others at once. */
static void may_be_refused(void)
{
	unsigned i = model_thread() - 1;

	if (tally_try_go(tell, &work[i]) != 0)
		tell(&work[i]);
}

/* A plain thread that has had its permit for long gives it to a worker, which may just be going to sleep, for a
 * task that it must not start itself. */
static void gives_its_permit(void)
{
	tally_go(tell, &work[1]);
	prepare(&work[0]);
	tally_waitgroup_go(&group, task, &work[0]);
	model_advance(2000000);
	for (unsigned i = model_choose(60); i > 0; i--)
		model_yield();
	/* As after a thousand tasks. */
	tally__thread_self()->ticks = 1023;
	tally__thread_self()->permit_since = 1;
	tally_waitgroup_wait(&group);
	see(0, 1);
	await_runs(1);
	see(1, 2);
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

/* Tasks that nobody will ever wake, and a thread that waits for them: that is said, whoever is the last to
 * sleep. */
static void waits_for_the_gate(void *arg)
{
	(void)arg;
	tally_waitgroup_wait(&gate);
}

static void waits_for_those_who_wait(void)
{
	model_expect_death("nothing is left that could wake them");
	tally_waitgroup_go(&group, waits_for_the_gate, NULL);
	tally_waitgroup_go(&group, waits_for_the_gate, NULL);
	tally_waitgroup_wait(&group);
}

static const struct model models[] = {
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
	{.name = "told before others go on",
	 .setup = close_the_gate,
	 .threads = {waits_and_lets_go},
	 .schedules = 6000},
	{.name = "silence, holder", .setup = close_the_gate, .threads = {wakes_a_holder}, .schedules = 12000},
	{.name = "silence, passed on", .threads = {passes_on_in_silence}, .schedules = 20000},
	{.name = "silence, thief", .threads = {spawns_pairs}, .cpus = 3, .schedules = 12000},
	{.name = "refused",
	 .threads = {may_be_refused, may_be_refused, waits_for_both},
	 .faults = MODEL_FAULT_THREAD | MODEL_FAULT_EXIT,
	 .schedules = 10000},
	{.name = "a turn ends", .setup = one_place, .threads = {gives_its_permit}, .schedules = 12000},
	{.name = "real deadlock",
	 .setup = close_the_gate,
	 .threads = {waits_for_those_who_wait},
	 .schedules = 6000,
	 .steps = 1000000},
	{.name = "come and go",
	 .setup = expect_two,
	 .threads = {comes_and_goes, comes_and_goes, comes_last},
	 .schedules = 6000},
};

MODEL_MAIN(models)
