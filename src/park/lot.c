/* park/lot.c - the buckets of the parking lot. */
#include "park/lot.h"

#include <string.h>

#include "platform/plain.h"

struct tally__bucket tally__lot[TALLY__LOT_BUCKETS];

static struct tally__bucket *bucket_of(const void *address)
{
	/* Fibonacci hashing: neighbouring objects fall far apart. */
	uint64_t hash = (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15);
	return &tally__lot[hash >> 56];
}

struct tally__bucket *tally__lot_lock(const void *address)
{
	struct tally__bucket *bucket = bucket_of(address);
	tally__lock_acquire(&bucket->lock);
	return bucket;
}

void tally__lot_unlock(struct tally__bucket *bucket)
{
	tally__lock_release(&bucket->lock);
}

void tally__lot_add(struct tally__bucket *bucket, struct tally__waiter *waiter)
{
	waiter->next = NULL;
	waiter->previous = bucket->last;
	if (bucket->last != NULL)
		bucket->last->next = waiter;
	else
		bucket->first = waiter;
	bucket->last = waiter;
	tally__plain_write(&bucket->first, sizeof(bucket->first));
}

void tally__lot_remove(struct tally__bucket *bucket, struct tally__waiter *waiter)
{
	if (waiter->previous != NULL)
		waiter->previous->next = waiter->next;
	else
		bucket->first = waiter->next;
	if (waiter->next != NULL)
		waiter->next->previous = waiter->previous;
	else
		bucket->last = waiter->previous;
	tally__plain_write(&bucket->first, sizeof(bucket->first));
}

struct tally__waiter *tally__lot_take_all(struct tally__bucket *bucket, const void *address)
{
	struct tally__waiter *taken = NULL, **end = &taken;
	struct tally__waiter *next;
	tally__plain_read(&bucket->first, sizeof(bucket->first));
	for (struct tally__waiter *waiter = bucket->first; waiter != NULL; waiter = next) {
		next = waiter->next;
		if (waiter->address != address)
			continue;
		tally__lot_remove(bucket, waiter);
		waiter->next = NULL;
		*end = waiter;
		end = &waiter->next;
	}
	return taken;
}

void tally__lot_reset(void)
{
	memset(tally__lot, 0, sizeof(tally__lot));
}
