/* How slots change hands: src/region/slot.c, src/region/owner.c.
 *
 * PROCESSES claim a slot, count in it by a load and a store, acknowledge, and hand it back, ROUNDS times each. One
 * may be killed at any step; a newcomer then gets its pid. A reader sums READS times. Where no slot is left
 * they count in the shared one, which takes a locked instruction.
 *
 * Checked: nobody's slot is taken while it lives; nothing acknowledged is lost, and nothing counted that was not
 * begun; no read goes backwards or misses what happened before it; in the end all slots can be claimed.
 *
 * Mistakes that must be found:
 *   -DPLANT_STORE   the slot is taken by a store, after a look
 *   -DPLANT_LIVING  whoever does not look dead at once is thought to be (a zombie's pid, another namespace)
 *   -DPLANT_USED    slots_used is raised after the count
 *   -DPLANT_ZERO    a taken slot begins at 0
 *   -DPLANT_START   a pid that is in use proves its owner alive, whoever started when
 *   -DPLANT_ABOVE   a slot at or above slots_used that has an owner is passed over
 *   -DPLANT_FOLD    a slot handed back is emptied into the shared one
 */
#ifndef PROCESSES
#define PROCESSES 3
#endif
#ifndef READS
#define READS 0
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#define ROUNDS 1

#define NOBODY 0
#define NEWCOMER (PROCESSES + 1) /* the pid of process 1, another start */

/* An owner word: the number of a process, 1 to PROCESSES; pid and start in one. */
byte owner[SLOTS];
byte cell[SLOTS];
byte shared;
byte used; /* slots below this may have been owned */

byte living[PROCESSES + 1]; /* by pid: the process that has it, or NOBODY */
byte begun, acknowledged, killed, ended;

#ifdef PLANT_LIVING
#define DEAD(word) (living[word] != word || word == 2)
#else
#ifdef PLANT_START
#define DEAD(word) (living[word] == NOBODY)
#else
#define DEAD(word) (living[word] != word)
#endif
#endif

/* slot: the one that was taken, SLOTS: none. */
inline claim(me, slot, word, limit)
{
	limit = used;
	slot = 0;
	/* A free one that was used before. */
	do
	:: slot >= limit -> break
	:: slot < limit ->
		atomic {
			if
			:: owner[slot] == NOBODY -> owner[slot] = me; goto taken
			:: else
			fi
		}
		slot++
	od;
	/* One of the dead, or a fresh one. */
	slot = 0;
	do
	:: slot == SLOTS -> break
	:: slot < SLOTS ->
		word = owner[slot];
		if
#ifdef PLANT_ABOVE
		:: slot >= limit && word != NOBODY -> skip
		:: !(slot >= limit && word != NOBODY) && (word == NOBODY || (word != me && DEAD(word))) ->
#else
		:: word == NOBODY || (word != me && DEAD(word)) ->
#endif
#ifdef PLANT_STORE
			owner[slot] = me;
#ifdef PLANT_ZERO
			cell[slot] = 0;
#endif
			goto raise
#else
			atomic {
				if
				:: owner[slot] == word -> owner[slot] = me;
#ifdef PLANT_ZERO
					cell[slot] = 0;
#endif
					goto raise
				:: else
				fi
			}
#endif
		:: else
		fi;
		slot++
	od;
	goto taken;
raise:
#ifndef PLANT_USED
	atomic {
		if
		:: used < slot + 1 -> used = slot + 1
		:: else
		fi
	};
#endif
taken:
	skip
}

proctype process(byte me)
{
	byte slot, word, limit, round, value;
	{
		do
		:: round == ROUNDS -> break
		:: round < ROUNDS ->
			claim(me, slot, word, limit);
			begun++;
			if
			:: slot == SLOTS -> shared++
			:: slot < SLOTS ->
				value = cell[slot];
				assert(owner[slot] == me);
				cell[slot] = value + 1;
				assert(owner[slot] == me)
			fi;
#ifdef PLANT_USED
			if
			:: slot < SLOTS && used < slot + 1 -> acknowledged++; used = slot + 1
			:: else -> acknowledged++
			fi;
#else
			acknowledged++;
#endif
			if
			:: slot < SLOTS ->
#ifdef PLANT_FOLD
				value = cell[slot];
				cell[slot] = 0;
				shared = shared + value;
#endif
				owner[slot] = NOBODY
			:: else
			fi;
			slot = 0; word = 0; limit = 0; value = 0;
			round++
		od;
		living[me] = NOBODY
	} unless { living[me] != me };
	atomic { slot = 0; word = 0; limit = 0; value = 0; round = 0; ended++ }
}

/* The kernel tells of a death when it has happened. */
proctype killer()
{
	if
	:: atomic { living[1] == 1 -> living[1] = NEWCOMER; killed = 1 }
	:: skip
	fi;
	ended++
}

inline sum(total, i, limit)
{
	limit = used;
	total = shared;
	i = 0;
	do
	:: i >= limit -> break
	:: i < limit -> total = total + cell[i]; i++
	od
}

proctype reader()
{
	byte total, i, limit, least, last, round;

	do
	:: round == READS -> break
	:: round < READS ->
		least = acknowledged;
		sum(total, i, limit);
		assert(total >= least);
		assert(total >= last);
		assert(total <= begun);
		last = total;
		total = 0; i = 0; limit = 0;
		round++
	od;
	ended++
}

init {
	byte total, i, limit, slot, word;

	atomic {
		i = 1;
		do
		:: i > PROCESSES -> break
		:: i <= PROCESSES -> living[i] = i; run process(i); i++
		od;
		run killer();
		run reader()
	};
	ended == PROCESSES + 2;
	atomic {
		sum(total, i, limit);
		assert(total >= acknowledged);
		assert(total <= acknowledged + killed);
		/* A last process gets every slot. */
		living[PROCESSES] = PROCESSES;
		i = 0;
		do
		:: i == SLOTS -> break
		:: i < SLOTS ->
			claim(PROCESSES, slot, word, limit);
			assert(slot < SLOTS);
			i++
		od
	}
}
