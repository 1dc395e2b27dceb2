/* park/lot.h - the parking lot: who waits, found by the address of what they wait for.
 *
 * So an object that can be waited for needs no queue of its own, and no memory of it is touched to wake
 * its waiters. Addresses fall into buckets; a bucket's lock guards its queue, and whatever must be decided
 * together with it: hold it while you decide to wait.
 */
#ifndef TALLY_PARK_LOT_H_
#define TALLY_PARK_LOT_H_

#include "park/waiter.h"
#include "platform/lock.h"

#define TALLY__LOT_BUCKETS 256

struct tally__bucket {
	struct tally__lock lock;
	struct tally__waiter *first; /* guarded by lock */
	struct tally__waiter *last;
} __attribute__((aligned(64)));

/* Locks and returns the bucket of an address. */
struct tally__bucket *tally__lot_lock(const void *address);
void tally__lot_unlock(struct tally__bucket *bucket);

/* With the bucket locked: puts a waiter at its end; takes one out that is in it; takes out all that wait for
 * an address, and returns them as a list linked by `next`, in the order they came. */
void tally__lot_add(struct tally__bucket *bucket, struct tally__waiter *waiter);
void tally__lot_remove(struct tally__bucket *bucket, struct tally__waiter *waiter);
struct tally__waiter *tally__lot_take_all(struct tally__bucket *bucket, const void *address);

/* All buckets, for who lists the waiters. */
extern struct tally__bucket tally__lot[TALLY__LOT_BUCKETS];

/* In the child of a fork, where no other thread is left: nobody waits, no lock is held. */
void tally__lot_reset(void);

#endif
