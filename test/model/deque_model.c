/* The work-stealing deque: each task is taken or stolen once, with what its pusher wrote, and none is lost. */
#include "platform/cpus.h"
#include "sched/deque.h"
#include "sched/task.h"
#include <model.h>

#define ITEMS 6

static struct tally__deque deque;
static struct tally__task items[ITEMS];
static tally_atomic_u32 seen[ITEMS];
static unsigned pushed;

static void start(void)
{
	/* The first buffer has room for two. */
	tally__deque_start(&deque, model_alloc(tally__deque_buffer_size(2)), 2);
	model_name(&deque.top, "top");
	model_name(&deque.bottom, "bottom");
	model_name(&deque.buffer, "buffer");
}

static void push(void)
{
	struct tally__task *item = &items[pushed];

	model_write(&item->arg, &items[pushed]);
	model_assert(tally__deque_push(&deque, item, model_choose(2) != 0) == 0);
	pushed++;
}

static bool use(struct tally__task *item)
{
	if (item == NULL)
		return false;
	model_assert(item >= items && item < items + ITEMS);
	model_assert(model_read(&item->arg) == item);
	model_assert(tally_atomic_u32_add_relaxed(&seen[item - items], 1) == 1);
	return true;
}

static bool take(void)
{
	return use(tally__deque_take(&deque));
}

static void steal(void)
{
	use(tally__deque_steal(&deque));
}

static void steal_twice(void)
{
	steal();
	steal();
}

/* What is left is taken, and then nothing is missing. */
static void check(void)
{
	while (take()) {
	}
	for (unsigned i = 0; i < pushed; i++)
		model_assert(tally_atomic_u32_load(&seen[i]) == 1);
	model_assert(tally__deque_size(&deque) == 0);
}

/* The indices wrap around the buffer of two. */
static void wraps(void)
{
	push();
	take();
	push();
	take();
	push();
	push();
	take();
}

static void takes_all(void)
{
	push();
	push();
	while (take()) {
	}
	push();
	take();
}

/* Four in a buffer of two, once before anything was stolen and once after. */
static void grows(void)
{
	push();
	push();
	push();
	take();
	push();
	push();
	take();
}

/* Few steps, for the exhaustive runs. */
static void push_and_take(void)
{
	push();
	take();
}

static void push_two_take_two(void)
{
	push();
	push();
	take();
	take();
}

/* A push that is asked for orders the store before the pusher's next load, as a spawn needs that looks whether
 * a worker must be called. */
static tally_atomic_u32 call;
static bool pusher_saw, worker_saw;

static void push_and_look(void)
{
	model_write(&items[0].arg, &items[0]);
	tally__deque_push(&deque, &items[0], true);
	pusher_saw = tally_atomic_u32_load(&call) != 0;
	pushed = 1;
}

static void ask_and_look(void)
{
	tally_atomic_u32_store(&call, 1);
	worker_saw = tally__deque_size(&deque) != 0;
}

static void one_saw(void)
{
	model_assert(pusher_saw || worker_saw);
}

/* The same by the heavy barrier. */
static void push_lightly_and_look(void)
{
	tally__deque_push(&deque, &items[0], false);
	pusher_saw = tally_atomic_u32_load(&call) != 0;
}

static void ask_heavily_and_look(void)
{
	tally_atomic_u32_store(&call, 1);
	tally__heavy_barrier();
	worker_saw = tally__deque_size(&deque) != 0;
}

static const struct model models[] = {
	{.name = "deque wraps", .setup = start, .threads = {wraps, steal_twice, steal_twice}, .check = check},
	{.name = "deque empties", .setup = start, .threads = {takes_all, steal, steal_twice}, .check = check},
	{.name = "deque grows", .setup = start, .threads = {grows, steal_twice, steal_twice}, .check = check},
	{.name = "deque, three thieves",
	 .setup = start,
	 .threads = {grows, steal, steal_twice, steal},
	 .check = check},
	{.name = "deque, all",
	 .setup = start,
	 .threads = {push_two_take_two, steal, steal},
	 .check = check,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .schedules = 4000000,
	 .preemptions = 3},
	{.name = "deque of one, all",
	 .setup = start,
	 .threads = {push_and_take, steal, steal},
	 .check = check,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .schedules = 4000000,
	 .preemptions = 4},
	{.name = "push asks",
	 .setup = start,
	 .threads = {push_and_look, ask_and_look},
	 .check = one_saw,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = -1,
	 .stale = -1,
	 .schedules = 100000},
	{.name = "push asks, heavy barrier",
	 .setup = start,
	 .threads = {push_lightly_and_look, ask_heavily_and_look},
	 .check = one_saw,
	 .heavy_barrier = true,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .preemptions = -1,
	 .stale = -1,
	 .schedules = 100000},
};

MODEL_MAIN(models)
