/* Workers that sleep and who wakes them: src/sched/idle.c, src/sched/thread.c.
 *
 * A plain thread pushes TASKS tasks and waits for none. Another has a permit for a while, as one that works while
 * it waits, queues a task that it must not start itself, and gives the permit back. WORKERS workers run them, at most LIMIT at once. The
 * watcher dozes (may look again at any time), or its patience ends (at any time) and it sleeps for good.
 * Checked: no task is left when nobody can move any more; permits are kept; one watcher at most.
 *
 * Mistakes that must be found:
 *   -DPLANT_RECHECK  the watcher does not look again after it has set the call
 *   -DPLANT_BARRIER  the spawner looks at the call before its push is visible
 *   -DPLANT_NEWS     a sleeper does not look at its news after it has said that it sleeps
 *   -DPLANT_FULL     a worker that gives up its permit does not become the watcher
 *   -DPLANT_CHECK    a plain thread that gives back its permit does not look for work that nobody watches
 */
#define WORKERS 2
#define TASKS 2
#ifndef LIMIT
#define LIMIT 1
#endif

byte queued;  /* tasks, visible to all */
byte running; /* tasks being run */
byte done;
byte pushed;

/* Guarded by the lock. */
bool locked;
byte given;        /* permits */
byte watcher = 255;
bool idle[WORKERS];

bool call;

/* Of each worker. */
bool asleep[WORKERS]; /* its event */
bool news[WORKERS];   /* it is the watcher now */

inline lock()
{
	atomic { !locked -> locked = true }
}

inline publish()
{
	call = watcher == 255 && given < LIMIT && (idle[0] || idle[1])
}

inline unlock()
{
	atomic { publish(); locked = false }
}

inline poke(w)
{
	asleep[w] = false
}

/* With the lock held. next: who was appointed, or 255. */
inline appoint(next)
{
	next = 255;
	if
	:: watcher == 255 && given < LIMIT ->
		if
		:: idle[0] -> next = 0
		:: else ->
			if
			:: idle[1] -> next = 1
			:: else
			fi
		fi;
		if
		:: next != 255 -> idle[next] = false; watcher = next; news[next] = true
		:: else
		fi
	:: else
	fi
}

inline call_worker(next)
{
	lock();
	atomic { appoint(next) };
	unlock();
	if
	:: next != 255 -> poke(next)
	:: else
	fi
}

proctype spawner()
{
	byte i, next;
	bool seen;
	do
	:: i < TASKS ->
#ifdef PLANT_BARRIER
		seen = call;
		atomic { queued++; pushed++ };
#else
		atomic { queued++; pushed++ };
		seen = call;
#endif
		if
		:: seen -> call_worker(next)
		:: else
		fi;
		i++
	:: else -> break
	od
}

proctype waiting()
{
	byte next;
	bool seen, got;
	lock();
	atomic {
		got = given < LIMIT;
		if
		:: got -> given++
		:: else
		fi
	}
	unlock();
	if
	:: got ->
		atomic { queued++; pushed++ };
		seen = call;
		if
		:: seen -> call_worker(next)
		:: else
		fi;
		lock();
		given--;
		unlock();
#ifndef PLANT_CHECK
		if
		:: call && queued > 0 -> call_worker(next)
		:: else
		fi
#endif
	:: else
	fi
}

proctype worker(byte me)
{
	byte next;
	bool watching, permit, got, no_permit;
rest:
	next = 255;
	lock();
	atomic {
		if
		:: permit -> permit = false; given--
		:: else
		fi;
#ifdef PLANT_FULL
		watching = watcher == me;
#else
		watching = watcher == 255 || watcher == me;
#endif
		if
		:: watching -> watcher = me
		:: else -> idle[me] = true
		fi;
		news[me] = false
	}
	unlock();
	do
	:: watching ->
		no_permit = false;
		if
		:: queued > 0 ->
			/* Take it up. */
			lock();
			atomic {
				assert(watcher == me);
				got = given < LIMIT;
				if
				:: got -> given++; watcher = 255; appoint(next)
				:: else -> no_permit = true; next = 255
				fi
			}
			unlock();
			if
			:: next != 255 -> poke(next)
			:: else
			fi;
			if
			:: got -> permit = true; goto work
			:: else
			fi
		:: else
		fi;
		if
		:: !no_permit -> skip /* a doze: look again */
		:: true ->
			/* The watch ends. */
			lock();
			atomic { watcher = 255; idle[me] = true }
			unlock();
			watching = false;
#ifndef PLANT_RECHECK
			if
			:: call && queued > 0 ->
				lock();
				atomic {
					if
					:: idle[me] && watcher == 255 ->
						idle[me] = false;
						watcher = me;
						watching = true
					:: else
					fi
				}
				unlock()
			:: else
			fi
#endif
		fi
	:: !watching ->
		if
		:: news[me] -> news[me] = false; watching = true
		:: else ->
			asleep[me] = true;
#ifdef PLANT_NEWS
end_asleep_unread:	!asleep[me]
#else
			if
			:: news[me] -> asleep[me] = false
			:: else ->
end_asleep:			!asleep[me]
			fi
#endif
		fi
	od;
work:
	do
	:: atomic { queued > 0 -> queued--; running++; assert(running <= LIMIT) };
		atomic { running--; done++ }
	:: atomic { queued == 0 -> break }
	od;
	goto rest
}

active proctype start()
{
	atomic {
		run worker(0);
		run worker(1);
		run spawner();
		run waiting()
	}
}

/* Nobody can move any more: nothing may be left to do. */
active proctype nothing_is_left()
{
	timeout -> assert(queued == 0 && done == pushed && given == 0)
}
