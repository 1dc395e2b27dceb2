/* Owner words. Every doubt counts as life: a slot taken from a living owner would lose counts, one not taken
 * from a dead one costs a slot. */
#include "region/owner.h"

#include "platform/process.h"

static tally_atomic_u64 self;

static uint64_t pid_of(uint64_t owner)
{
	return owner >> TALLY__OWNER_PID_SHIFT;
}

static uint64_t namespace_of(uint64_t owner)
{
	return owner >> TALLY__OWNER_NAMESPACE_SHIFT & TALLY__OWNER_NAMESPACE_MASK;
}

/* What the process that an owner word names shares with others (platform/process.h); 0: not known. */
static uint64_t sharing_of(const struct tally__header *header, uint64_t owner)
{
	uint64_t number = namespace_of(owner);

	return number == TALLY__NAMESPACE_UNKNOWN ? 0 : tally_atomic_u64_load(&header->namespaces[number]);
}

static uint64_t word_of(const struct tally__process *process, uint64_t number)
{
	return (uint64_t)process->pid << TALLY__OWNER_PID_SHIFT |
	       (process->start & TALLY__OWNER_START_MASK) << TALLY__OWNER_START_SHIFT |
	       number << TALLY__OWNER_NAMESPACE_SHIFT | (process->image & TALLY__OWNER_IMAGE_MASK);
}

/* The number in this region of a pair of namespaces, new if need be. */
static uint64_t number_of(struct tally__header *header, uint64_t sharing)
{
	if (sharing == 0)
		return TALLY__NAMESPACE_UNKNOWN;
	for (uint64_t i = 1; i < TALLY__NAMESPACE_CREATOR; i++) {
		if (tally_atomic_u64_compare_and_swap(&header->namespaces[i], 0, sharing) ||
		    tally_atomic_u64_load(&header->namespaces[i]) == sharing)
			return i;
	}
	return TALLY__NAMESPACE_UNKNOWN;
}

/* Keeps the word and returns it. 0 if a signal handler has forked while it was made, and this is the child:
 * then it tells of the parent, or of the pid of one and the start of the other, who would be thought dead. */
static uint64_t remember(uint64_t word)
{
	/* Another thread, or a signal handler, may have stored the same. */
	tally_atomic_u64_store(&self, word);
	if (pid_of(word) == tally__process_id())
		return word;
	tally_atomic_u64_store(&self, 0);
	return 0;
}

uint64_t tally__owner_self(struct tally__header *header)
{
	uint64_t word = tally_atomic_u64_load(&self);

	while (word == 0) {
		struct tally__process process = tally__process_self();

		word = remember(word_of(&process, number_of(header, process.sharing)));
	}
	return word;
}

void tally__owner_create(void)
{
	struct tally__process process = {.pid = tally__process_id()};

	remember(word_of(&process, TALLY__NAMESPACE_CREATOR));
}

void tally__owner_fork(struct tally__header *header)
{
	struct tally__process process;

	if (namespace_of(tally_atomic_u64_load(&self)) != TALLY__NAMESPACE_CREATOR ||
	    tally_atomic_u64_load(&header->start_time) != 0)
		return;
	process = tally__process_self();
	tally_atomic_u64_store(&header->namespaces[TALLY__NAMESPACE_CREATOR], process.sharing);
	tally_atomic_u64_store(&header->start_time, process.start);
}

void tally__owner_forget(void)
{
	tally_atomic_u64_store(&self, 0);
}

/* A number that either side does not know proves nothing. */
static bool differ(uint64_t start, uint64_t other)
{
	return start != 0 && other != 0 && start != other;
}

/* When the process of an owner word started; 0: not known. */
static uint64_t start_of(const struct tally__header *header, uint64_t owner)
{
	if (namespace_of(owner) == TALLY__NAMESPACE_CREATOR)
		return tally_atomic_u64_load(&header->start_time) & TALLY__OWNER_START_MASK;
	return owner >> TALLY__OWNER_START_SHIFT & TALLY__OWNER_START_MASK;
}

bool tally__owner_dead(const struct tally__header *header, uint64_t owner, uint64_t me)
{
	uint64_t sharing = sharing_of(header, owner);
	uint64_t owner_start = start_of(header, owner);
	uint64_t start;

	if (sharing == 0 || sharing != sharing_of(header, me))
		return false;
	if (pid_of(owner) == pid_of(me)) {
		start = start_of(header, me);
		/* The same process: a program it executed before this one has no threads any more. */
		if (owner_start == start)
			return start != 0 && ((owner ^ me) & TALLY__OWNER_IMAGE_MASK) != 0;
		/* We have the pid, so whoever had it with another start is gone. */
		return differ(owner_start, start);
	}
	if (tally__process_look((uint32_t)pid_of(owner), &start) == TALLY__LIFE_OVER)
		return true;
	return differ(owner_start, start & TALLY__OWNER_START_MASK);
}
