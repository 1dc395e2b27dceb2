/* sched/stats.c - the runtime's own counters. */
#include "sched/stats.h"

#include <tally/counter.h>

TALLY_COUNTER(tally__tasks_spawned, "tally_tasks_spawned_total", "Tasks spawned.");
TALLY_COUNTER(tally__tasks_run, "tally_tasks_run_total", "Tasks that have ended.");
TALLY_COUNTER(tally__tasks_stolen, "tally_tasks_stolen_total", "Tasks that a worker took from another thread.");
TALLY_COUNTER(tally__tasks_parked, "tally_tasks_parked_total", "Times that a task has blocked.");
TALLY_COUNTER(tally__tasks_woken, "tally_tasks_woken_total", "Times that a blocked task was woken.");
TALLY_UPDOWN(tally__workers, "tally_workers", "Worker threads.");
TALLY_UPDOWN(tally__stacks, "tally_stacks", "Stacks made for tasks that block; they are kept.");
