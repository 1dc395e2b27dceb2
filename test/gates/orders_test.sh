#!/bin/sh
# Every weaker operation of this tree names its partner, and tools/check-orders sees one that does not.
set -eu
"$TALLY_SOURCE/tools/check-orders"

. "$TALLY_SOURCE/test/gates/expect.sh"
plant src/count/other.c <<'C'
static uint64_t
take(tally_atomic_u64 *p)
{
	return tally_atomic_u64_load(p);
}

int idle(int n)
{
	return n;
}
C
accepts check-orders

# refused TEXT: the lines on standard input, as a function's body, are refused with the text.
refused() {
	{ echo 'void give(tally_atomic_u64 *p)'; echo '{'; cat; echo '}'; } >"$tree/src/count/one.c"
	sees check-orders "src/count/one.c:$1"
}
refused '3: tally_atomic_u64_store_release: no "pairs with' <<'C'
	tally_atomic_u64_store_release(p, 1);
C
refused '8: tally_atomic_u64_store_release: no "pairs with' <<'C'
	/* pairs with other.c:take */
	int a = 0;
	a++;
	a++;
	a++;
	tally_atomic_u64_store_release(p, a);
C
refused '4: tally_atomic_u64_store_release: there is no file gone.c' <<'C'
	/* pairs with gone.c:take */
	tally_atomic_u64_store_release(p, 1);
C
refused '4: tally_atomic_u64_store_release: there is no function lost in other.c' <<'C'
	/* pairs with other.c:lost */
	tally_atomic_u64_store_release(p, 1);
C
refused '4: tally_atomic_u64_store_release: other.c:idle has no atomic operation' <<'C'
	/* pairs with other.c:idle */
	tally_atomic_u64_store_release(p, 1);
C
refused '4: tally_atomic_u64_load_relaxed: names no <file>:<function>' <<'C'
	/* pairs with the other side */
	tally_atomic_u64_load_relaxed(p);
C
refused '4: tally_atomic_u64_load_relaxed: there is no function lost' <<'C'
	/* pairs with src/count/other.c:take and count/other.c:lost */
	tally_atomic_u64_load_relaxed(p);
C
refused '3: a fence' <<'C'
	atomic_thread_fence(memory_order_seq_cst);
C
refused '3: __atomic_load_n: shared memory' <<'C'
	__atomic_load_n(&p->value_, 5);
C
refused '3: volatile: shared memory' <<'C'
	volatile int a = 0; asm volatile("");
C
plant src/count/one.c <<'C'
/* A volatile int, atomic_thread_fence() and __atomic_load_n() are only spoken of here. */
void give(tally_atomic_u64 *p)
{
	/* pairs with count/other.c:take: the value is whole
	 * before it is seen */
	tally_atomic_u64_store_release(p, 1);
	tally_atomic_u64_load(p);
	tally_atomic_u64_load_relaxed(p); /* pairs with nothing: a hint, checked again below */
}
C
plant src/platform/cpu.c <<'C'
static volatile int flag;
int get(int *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
C
accepts check-orders
plant src/platform/cpu.c <<'C'
int get(int *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
C
sees check-orders 'src/platform/cpu.c:1: __ATOMIC_RELAXED: no "pairs with'
