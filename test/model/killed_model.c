/* Slots of processes that may be killed at any step: each has one owner at a time, who sees what the ones
 * before it have counted; nothing that was acknowledged is lost; no read goes backwards. */
#include "platform/plain.h"
#include "platform/process.h"
#include "region/owner.h"
#include "region/slot.h"
#include <model.h>
#include <tally/cell.h>

enum { SLOTS = 4, FIRST_PID = 100, ROUNDS = 2 };

/* The start in ticks of every process, and what they share. */
enum { START = 7, SHARING = 9 };

static struct tally__header header;
static struct tally__slot table[SLOTS];
static struct tally__slots slots;
static tally_atomic_u64 cells[SLOTS];
static unsigned marks[SLOTS]; /* plain: written by the owner, so the explorer sees two at once */
static tally_atomic_bool dead[MODEL_THREADS_MAX + 1];
static tally_atomic_u32 acknowledged;
static unsigned killed;
static unsigned begun;

/* Processes are numbered as their threads are, unless the variant says that two threads are one process. */
static uint64_t process_of(unsigned thread)
{
	if (model_variant() == 1 && thread == 2)
		thread = 1;
	return FIRST_PID + thread;
}

static uint64_t owner_word(unsigned thread)
{
	return process_of(thread) << TALLY__OWNER_PID_SHIFT | (uint64_t)START << TALLY__OWNER_START_SHIFT |
	       UINT64_C(1) << TALLY__OWNER_NAMESPACE_SHIFT;
}

/* The platform's answers. */
enum tally__life tally__process_look(uint32_t pid, uint64_t *start)
{
	*start = START;
	return tally_atomic_bool_load(&dead[pid - FIRST_PID]) ? TALLY__LIFE_OVER : TALLY__LIFE_LASTS;
}

struct tally__process tally__process_self(void)
{
	return (struct tally__process){.pid = FIRST_PID + model_thread(), .start = START, .sharing = SHARING};
}

uint32_t tally__process_id(void)
{
	return FIRST_PID + model_thread();
}

static void setup(void)
{
	slots = (struct tally__slots){table, &header.slots_used, SLOTS, &header};
	tally_atomic_u32_store(&header.slots_used, TALLY__FIRST_OWNED_SLOT);
	tally_atomic_u64_store(&header.namespaces[1], SHARING);
	for (unsigned i = 0; i < SLOTS; i++)
		model_name(&table[i].owner, "owner");
	model_name(&header.slots_used, "slots_used");
}

/* A smaller table, in which they have to wait for each other's slots or share. */
static void setup_small(void)
{
	setup();
	slots.max = 2;
}

static void count_once(void)
{
	uint32_t slot = tally__slot_claim(&slots, owner_word(model_thread()));

	begun++;
	if (slot == TALLY__SLOT_SHARED) {
		tally_atomic_u64_add(&cells[slot], 1);
		tally_atomic_u32_add(&acknowledged, 1);
		return;
	}
	model_assert(slot < slots.max);
	marks[slot]++;
	tally__plain_write(&marks[slot], sizeof(marks[slot]));
	tally__cell_add_relaxed(&cells[slot], 1);
	tally_atomic_u32_add(&acknowledged, 1);
	tally__slot_release(&slots, slot);
}

static void count(void)
{
	for (int i = 0; i < ROUNDS; i++)
		count_once();
}

/* Kills the process of thread 1, and says so as the kernel does. */
static void kill_first(void)
{
	for (unsigned steps = model_choose(20); steps > 0; steps--)
		model_yield();
	model_stop(1);
	killed++;
	tally_atomic_bool_store(&dead[1], true);
}

static void kill_at_any_step(void)
{
	model_stop(1);
	killed++;
	tally_atomic_bool_store(&dead[1], true);
}

static uint64_t sum(void)
{
	uint32_t used = tally__slots_used(&slots);
	uint64_t total = 0;

	for (uint32_t i = 0; i < used; i++)
		total += tally_atomic_u64_load(&cells[i]);
	return total;
}

static void read_twice(void)
{
	uint64_t last = 0;

	for (int i = 0; i < 2; i++) {
		uint32_t least = tally_atomic_u32_load(&acknowledged);
		uint64_t value = sum();

		model_assert(value >= least);
		model_assert(value >= last);
		model_assert(value <= begun);
		last = value;
	}
}

static void check(void)
{
	uint32_t known = tally_atomic_u32_load(&acknowledged);
	uint64_t me = owner_word(MODEL_THREADS_MAX);
	uint32_t used = tally__slots_used(&slots);
	uint64_t total = sum();

	model_assert(total >= known);
	model_assert(total <= known + killed);
	/* All slots are free, or their owners dead: they can be claimed, those that were used first. */
	for (uint32_t i = 1; i < used; i++)
		model_assert(tally__slot_claim(&slots, me) < used);
	model_assert(tally__slots_used(&slots) == used);
	for (uint32_t i = used; i < slots.max; i++)
		model_assert(tally__slot_claim(&slots, me) == i);
	model_assert(tally__slot_claim(&slots, me) == TALLY__SLOT_SHARED);
}

static const struct model models[] = {
	{.name = "killed, none", .setup = setup, .threads = {count, count, count}, .check = check},
	{.name = "killed",
	 .setup = setup,
	 .threads = {count, count, count, kill_first},
	 .check = check,
	 .schedules = 40000},
	{.name = "killed, one process",
	 .setup = setup,
	 .threads = {count, count, count},
	 .check = check,
	 .variant = 1},
	{.name = "killed, few slots",
	 .setup = setup_small,
	 .threads = {count, count, count, kill_first},
	 .check = check,
	 .schedules = 40000},
	{.name = "killed, read",
	 .setup = setup,
	 .threads = {count, count, kill_first, read_twice},
	 .check = check},
	{.name = "killed, all",
	 .setup = setup_small,
	 .threads = {count_once, count_once, kill_at_any_step},
	 .check = check,
	 .strategies = MODEL_DFS,
	 .exhaustive = true,
	 .schedules = 4000000,
	 .preemptions = -1},
};

MODEL_MAIN(models)
