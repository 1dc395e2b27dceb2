/* sched/awaited.h - the wait groups that a plain thread, or tasks that it has started, wait for.
 *
 * While it waits, a plain thread starts tasks of these groups and no others, so that it is never caught in a
 * stranger's endless task. A small table with one place for each hash: a group that finds its place taken is
 * not remembered, and its tasks are left to the workers. Waits with a deadline are not remembered either:
 * who gives up waiting must leave nothing started behind.
 */
#ifndef TALLY_SCHED_AWAITED_H_
#define TALLY_SCHED_AWAITED_H_

#include <tally/base.h>

#define TALLY__AWAITED_ENTRIES 64 /* a power of two */

struct tally__awaited {
	const void *group;
	uint32_t count; /* of waits */
};

static inline struct tally__awaited *tally__awaited_place(struct tally__awaited *table, const void *group)
{
	uint64_t hash = (uint64_t)(uintptr_t)group * UINT64_C(0x9e3779b97f4a7c15);
	return &table[hash >> 58];
}

static inline bool tally__awaited_has(struct tally__awaited *table, const void *group)
{
	struct tally__awaited *place = tally__awaited_place(table, group);
	return place->group == group && group != NULL;
}

/* True: it was remembered, and must be taken back by tally__awaited_remove. */
static inline bool tally__awaited_add(struct tally__awaited *table, const void *group)
{
	struct tally__awaited *place = tally__awaited_place(table, group);
	if (place->group != NULL && place->group != group)
		return false;
	place->group = group;
	place->count++;
	return true;
}

static inline void tally__awaited_remove(struct tally__awaited *table, const void *group)
{
	struct tally__awaited *place = tally__awaited_place(table, group);
	if (--place->count == 0)
		place->group = NULL;
}

#endif
