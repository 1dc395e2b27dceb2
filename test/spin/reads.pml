/* What a read finds while others count: src/count/sum.c, counter.c, updown.c.
 *
 * A metric has a cell in each slot, an up-down counter two. Two threads add STEP to cells of their own, ROUNDS times
 * each; with -DUPDOWN the second then takes off what the first has put on, and none before it is there. A reader sums
 * cell after cell. Slots are in use from the start: slot_claim.pml is about how they come to be.
 *
 * Checked of a counter: a load is no less than what was counted when it began or than a load before it, and no more
 * than what has been counted when it ends. Of both: at the instant between the two collections the value lies within
 * the bounds. Of an up-down counter: a load is never negative, no less than the value at the instant between its sums,
 * and more than it by no more than what was counted meanwhile. In the end all are exact.
 *
 * Mistakes that must be found:
 *   -DPLANT_ONCE       bounds of one collection
 *   -DPLANT_FOLD       a thread that ends moves what it has counted to another slot
 *   -DPLANT_SKIP       a slot is not read
 *   -DPLANT_UPS_FIRST  an up-down counter's ups are summed before its downs
 *   -DPLANT_NET        what is taken off is taken from the cell of the ups
 *   -DPLANT_SAME       bounds of ups less downs of the same collection
 */
#ifndef STEP
#define STEP 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define SLOTS 3 /* the last has lost its owner */

short cells[2 * SLOTS]; /* ups, then downs */
#define UPS   0
#define DOWNS SLOTS
short counted, undone;
short there; /* what may be taken off */
byte ended;

proctype first()
{
	byte round;

	do
	:: round == ROUNDS -> break
	:: round < ROUNDS ->
		atomic { cells[UPS + 0] = cells[UPS + 0] + STEP; counted = counted + STEP };
		there = there + STEP;
		round++
	od;
	ended++
}

proctype second()
{
	byte round;

#ifdef UPDOWN
	do
	:: round == ROUNDS -> break
	:: round < ROUNDS && there > round * STEP ->
		atomic {
#ifdef PLANT_NET
			cells[UPS + 1] = cells[UPS + 1] - STEP;
#else
			cells[DOWNS + 1] = cells[DOWNS + 1] + STEP;
#endif
			undone = undone + STEP
		};
		round++
	od;
#else
	do
	:: round == ROUNDS -> break
	:: round < ROUNDS ->
		atomic { cells[UPS + 1] = cells[UPS + 1] + STEP; counted = counted + STEP };
		round++
	od;
#ifdef PLANT_FOLD
	cells[UPS + 2] = cells[UPS + 2] + cells[UPS + 1];
	cells[UPS + 1] = 0;
#endif
#endif
	ended++
}

#ifdef PLANT_SKIP
#define FIRST 1
#else
#define FIRST 0
#endif

/* A cell is a step; so is what is noted of the instant when all have been read. */
inline sum(which, total)
{
	total = 0;
	i = FIRST;
	do
	:: i == SLOTS -> break
	:: i < SLOTS -> atomic { total = total + cells[which + i]; i++ }
	od;
	i = 0
}

proctype counter_reader()
{
	short least, value, low, high, between;
	byte i;

	least = counted;
	sum(UPS, value);
	atomic { assert(value >= least); assert(value <= counted); least = 0 };
	sum(UPS, low);
	atomic { assert(low >= value); between = counted; value = 0 };
#ifdef PLANT_ONCE
	high = low;
#else
	sum(UPS, high);
#endif
	assert(low <= between && between <= high);
	ended++
}

proctype updown_reader()
{
	short d, u, more_d, more_u, between, before;
	byte i;

	before = counted + undone;
#ifdef PLANT_UPS_FIRST
	sum(UPS, u);
	between = counted - undone;
	sum(DOWNS, d);
#else
	sum(DOWNS, d);
	between = counted - undone;
	sum(UPS, u);
#endif
	atomic {
		assert(u - d >= 0);
		assert(u - d >= between);
		assert(u - d <= between + counted + undone - before);
		u = 0; d = 0; before = 0
	};
	sum(UPS, u);
	sum(DOWNS, d);
	between = counted - undone;
	sum(UPS, more_u);
	sum(DOWNS, more_d);
#ifdef PLANT_SAME
	assert(u - d <= between && between <= more_u - more_d);
#else
	assert(u - more_d <= between && between <= more_u - d);
#endif
	ended++
}

init {
	short u, d;
	byte i;

	atomic {
		run first();
		run second();
#ifdef UPDOWN
		run updown_reader()
#else
		run counter_reader();
		run counter_reader()
#endif
	};
#ifdef UPDOWN
	ended == 3;
#else
	ended == 4;
#endif
	atomic {
		sum(UPS, u);
		sum(DOWNS, d);
		assert(u - d == counted - undone)
	}
}
