/* sched/deque.h - a work-stealing deque of tasks that have not started.
 *
 * One thread, the owner, pushes and takes at the bottom; any thread steals at the top. The algorithm is
 * Chase and Lev's (SPAA 2005) in the C11 form of Le, Pop, Cohen and Zappa Nardelli (PPoPP 2013), with their
 * fences replaced: every store of `bottom` releases, and the pair that must not be reordered (the owner's
 * store of bottom and load of top; the thief's load of top and load of bottom) is sequentially consistent.
 * So a thief that reads any later value of bottom sees what was pushed before, under C++20's rule for release
 * sequences too, and ThreadSanitizer can follow it.
 *
 * A buffer that was outgrown is kept until the process ends: a thief may still look at it.
 */
#ifndef TALLY_SCHED_DEQUE_H_
#define TALLY_SCHED_DEQUE_H_

#include <tally/atomic.h>

struct tally__task;

/* slot[i & mask] holds the task of index i. */
struct tally__deque_buffer {
	uint64_t mask;
	struct tally__deque_buffer *outgrown; /* the one before it; for tools that count memory */
	tally_atomic_ptr slot[];
};

/* Indices only grow, and 64 bits of them do not run out. */
struct tally__deque {
	tally_atomic_u64 bottom; /* the index of the next push; only the owner writes it */
	tally_atomic_ptr buffer; /* only the owner writes it */
	uint64_t top_seen;       /* a value top had, for the owner */
	struct tally__deque_buffer *own_buffer;
	tally_atomic_u64 top
		__attribute__((aligned(64))); /* the index of the oldest; who takes it increments it */
};

/* Gives an empty deque its first buffer: zeroed memory of tally__deque_buffer_size(capacity) bytes, the
 * capacity a power of two. */
void tally__deque_start(struct tally__deque *deque, void *buffer, uint64_t capacity);
size_t tally__deque_buffer_size(uint64_t capacity);

/* The owner pushes. `asked`: a plain load that the caller makes next must not move before the push as other
 * threads see it. Returns 0, or -ENOMEM when it cannot grow. */
int tally__deque_push(struct tally__deque *deque, struct tally__task *task, bool asked);

/* The owner takes what it pushed last, or NULL. */
struct tally__task *tally__deque_take(struct tally__deque *deque);

/* Anybody takes the oldest, or NULL if there is none. */
struct tally__task *tally__deque_steal(struct tally__deque *deque);

/* In the child of a fork, by whoever is left, whatever the owner was about to do: empties it. */
void tally__deque_reset(struct tally__deque *deque);

/* How many are in it; for others than the owner, lately. */
uint64_t tally__deque_size(const struct tally__deque *deque);

#endif
