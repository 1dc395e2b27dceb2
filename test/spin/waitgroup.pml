/* A wait group in its parking lot: src/sync/waitgroup.c, src/park/waiter.h.
 *
 * DOERS doers and WAITERS waiters, of which the last has a deadline that may pass at any time, through two
 * rounds. Checked: a wait that succeeds returns after every done of its round; nobody sleeps for ever (an
 * invalid end state); nobody touches the group after every wait has returned and it was freed; a waiter is
 * not touched after it has returned.
 *
 * Mistakes that must be found:
 *   -DPLANT_TOUCH     the last done looks at the group once more after it has let the waiters go
 *   -DPLANT_UNLOCKED  a waiter counts itself in the word before it takes the lock of the bucket
 *   -DPLANT_EXPIRED   a waiter whose deadline passed does not wait for the wake that is on its way
 *   -DPLANT_ONE       the last done wakes one waiter
 */
#define DOERS 3
#define WAITERS 2
#define ROUNDS 2

mtype = { RUNNING, PARKED, WOKEN, EXPIRED };

/* The word. */
byte count;
byte waiting;
bool freed;

/* The bucket. */
bool locked;
bool in_lot[WAITERS];

/* The waiters, on their stacks. */
mtype state[WAITERS];
bool alive[WAITERS];
bool ready[WAITERS];

byte undone;   /* dones that have not happened yet */
byte returned; /* waits that have returned in this round */
byte finished; /* doers that have returned from done */
byte round;

inline lock()
{
	atomic { !locked -> locked = true }
}

inline unlock()
{
	locked = false
}

inline touch()
{
	assert(!freed)
}

proctype doer()
{
	bool taken[WAITERS];
	byte i;
	bool last;
	mtype old;
	atomic { undone--; touch(); count--; last = count == 0 && waiting > 0 }
	if
	:: last ->
		lock();
		i = 0;
		do
		:: i < WAITERS ->
			taken[i] = in_lot[i];
			in_lot[i] = false;
			i++
		:: else -> break
		od;
		unlock();
		i = 0;
		do
		:: i < WAITERS ->
			if
			:: taken[i] ->
				atomic {
					assert(alive[i]);
					old = state[i];
					state[i] = WOKEN
				}
				if
				:: old == PARKED -> ready[i] = true
				:: else
				fi;
#ifdef PLANT_ONE
				break
#endif
			:: else
			fi;
			i++
		:: else -> break
		od;
#ifdef PLANT_TOUCH
		touch();
#endif
	:: else
	fi;
	finished++
}

proctype waiter(byte me; bool deadline)
{
	bool success = true;
	bool again;
	atomic { touch(); again = count != 0 }
	if
	:: !again -> goto out
	:: else
	fi;
	atomic { state[me] = RUNNING; alive[me] = true; ready[me] = false }
#ifdef PLANT_UNLOCKED
	atomic { touch(); again = count != 0; if :: again -> waiting++ :: else fi }
	if
	:: !again -> goto gone
	:: else
	fi;
	lock();
#else
	lock();
	atomic { touch(); again = count != 0; if :: again -> waiting++ :: else fi }
	if
	:: !again -> unlock(); goto gone
	:: else
	fi;
#endif
	in_lot[me] = true;
	unlock();
	/* Park, unless the wake has come already. */
	atomic {
		if
		:: state[me] == RUNNING -> state[me] = PARKED
		:: else -> goto woken
		fi
	}
	if
	:: ready[me] -> goto woken
	:: deadline ->
		atomic {
			if
			:: state[me] == PARKED -> state[me] = EXPIRED
			:: else -> goto wake
			fi
		}
	fi;
	/* The deadline has passed. */
	lock();
	atomic { touch(); again = count != 0; if :: again -> waiting-- :: else fi }
	if
	:: again ->
		in_lot[me] = false;
		unlock();
		success = false;
		goto gone
	:: else -> unlock()
	fi;
#ifdef PLANT_EXPIRED
	goto woken;
#else
	atomic {
		if
		:: state[me] == EXPIRED -> state[me] = PARKED
		:: else -> goto woken
		fi
	}
#endif
wake:
	ready[me];
woken:
	atomic { touch(); waiting-- }
gone:
	alive[me] = false;
out:
	assert(!success || undone == 0);
	returned++
}

init {
	byte i;
	do
	:: round < ROUNDS ->
		atomic {
			assert(waiting == 0);
			count = DOERS;
			undone = DOERS;
			returned = 0;
			finished = 0;
			freed = false;
			i = 0;
			do
			:: i < DOERS -> run doer(); i++
			:: else -> break
			od;
			i = 0;
			do
			:: i < WAITERS -> run waiter(i, i == WAITERS - 1); i++
			:: else -> break
			od
		}
		/* Whoever frees it knows that all waits have returned, and that the count is 0: not that the
		 * dones have. */
		atomic { returned == WAITERS && undone == 0 -> assert(waiting == 0); freed = true }
		finished == DOERS;
		round++
	:: else -> break
	od
}
