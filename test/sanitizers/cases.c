/* Programs for AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer, a case a run, for cases_test.py.
 * What a report must name is marked: the case's name stands in a comment at the end of the line. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tally/tally.h>

static tally_waitgroup gate, group, inside;
static tally_atomic_bool go_on;

/* The compiler does not know what becomes of it. */
__attribute__((noinline)) static void use(void *memory)
{
	__asm__ volatile("" ::"r"(memory) : "memory");
}

__attribute__((noinline)) static size_t unknown(size_t number)
{
	__asm__ volatile("" : "+r"(number));
	return number;
}

static void yields(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		tally_yield();
}

/* Alone with a few others, which block meanwhile. */
static void run(void (*task)(void *), void *arg)
{
	for (int i = 0; i < 5; i++)
		tally_waitgroup_go(&group, yields, NULL);
	tally_waitgroup_go(&group, task, arg);
	for (int i = 0; i < 5; i++)
		tally_waitgroup_go(&group, yields, NULL);
	tally_waitgroup_wait(&group);
}

/* Starts tasks that block for good, and returns when they do, or are about to. */
static void leave_blocked(void (*task)(void *), int count)
{
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_add(&inside, count);
	for (int i = 0; i < count; i++)
		tally_waitgroup_go(&group, task, NULL);
	tally_waitgroup_wait(&inside);
}

static void block(void)
{
	tally_waitgroup_done(&inside);
	tally_waitgroup_wait(&gate);
}

__attribute__((noinline)) static size_t fill(int depth, char value)
{
	char local[200];
	memset(local, value, sizeof(local));
	use(local);
	tally_yield();
	size_t sum = depth > 0 ? fill(depth - 1, (char)(value + 1)) : 0;
	for (size_t i = 0; i < sizeof(local); i++)
		if (local[i] != value)
			abort();
	return sum + 1;
}

static void fills(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		if (fill(10, (char)i) != 11)
			abort();
}

static void clean_stacks(void)
{
	for (int i = 0; i < 200; i++)
		tally_waitgroup_go(&group, fills, NULL);
	tally_waitgroup_wait(&group);
}

static void overflows(void *arg)
{
	char local[20];
	(void)arg;
	memset(local, 0, sizeof(local));
	use(local);
	tally_yield();
	memset(local, 0, unknown(21)); /* bad_array */
	use(local);
}

static void bad_array(void)
{
	run(overflows, NULL);
}

__attribute__((noinline)) static char *address_of_local(void)
{
	char local[32], *volatile address = local;
	use(local);
	tally_yield();
	return address;
}

static void uses_after_return(void *arg)
{
	(void)arg;
	char *address = address_of_local();
	tally_yield();
	address[3] = 1; /* bad_return */
	use(address);
}

static void bad_return(void)
{
	run(uses_after_return, NULL);
}

static void uses_after_scope(void *arg)
{
	char *volatile address;
	(void)arg;
	{
		char local[32];
		address = local;
		use(local);
		tally_yield();
	}
	tally_yield();
	address[3] = 1; /* bad_scope */
	use(address);
}

static void bad_scope(void)
{
	run(uses_after_scope, NULL);
}

static void frees(void *arg)
{
	free(arg);
}

static void uses_after_free(void *arg)
{
	tally_waitgroup mine = {0};
	char *memory = malloc(10);
	(void)arg;
	tally_waitgroup_go(&mine, frees, memory);
	tally_waitgroup_wait(&mine);
	memory[3] = 1; /* bad_heap */
	use(memory);
}

static void bad_heap(void)
{
	run(uses_after_free, NULL);
}

static void overflows_int(void *arg)
{
	int number = INT_MAX - (int)unknown(0);
	(void)arg;
	tally_yield();
	number++; /* bad_integer */
	use(&number);
}

static void bad_integer(void)
{
	run(overflows_int, NULL);
}

static void holds(void *arg)
{
	char *memory = arg != NULL ? arg : malloc(100);
	use(memory);
	block();
	free(memory);
}

static void clean_held_by_blocked(void)
{
	leave_blocked(holds, 20);
}

/* Main has allocated it. */
static void clean_given_to_blocked(void)
{
	tally_waitgroup_add(&gate, 1);
	tally_waitgroup_add(&inside, 20);
	for (int i = 0; i < 20; i++)
		tally_waitgroup_go(&group, holds, malloc(100));
	tally_waitgroup_wait(&inside);
}

/* On a frame of the fake stack, where that is in use. */
static void holds_in_an_array(void *arg)
{
	char *many[20];
	(void)arg;
	for (size_t i = 0; i < 20; i++)
		many[i] = malloc(100);
	use(many);
	block();
	for (size_t i = 0; i < 20; i++)
		free(many[i]);
}

static void clean_held_in_arrays(void)
{
	leave_blocked(holds_in_an_array, 20);
}

static void holds_and_yields(void *arg)
{
	(void)arg;
	tally_waitgroup_done(&inside);
	for (;;) {
		char *memory = malloc(100);
		use(memory);
		tally_yield();
		free(memory);
	}
}

/* They go on while the program ends. */
static void clean_held_by_yielding(void)
{
	leave_blocked(holds_and_yields, 20);
}

static void computes(void *arg)
{
	char *memory = malloc(100);
	(void)arg;
	use(memory);
	tally_waitgroup_done(&inside);
	while (!tally_atomic_bool_load(&go_on)) {
	}
	use(memory);
	free(memory);
}

static void clean_held_by_running(void)
{
	tally_set_workers(3);
	tally_waitgroup_add(&inside, 1);
	tally_waitgroup_go(&group, computes, NULL);
	tally_waitgroup_wait(&inside);
}

static void exits(void *arg)
{
	(void)arg;
	tally_yield();
	exit(0);
}

static void clean_held_by_main(void)
{
	char *memory = malloc(100);
	char *many[2] = {malloc(100), malloc(100)};
	use(memory);
	use(many);
	run(exits, NULL);
	use(memory);
	use(many);
}

static void clean_held_by_queued(void)
{
	tally_waitgroup_add(&inside, 1);
	tally_set_workers(1);
	for (int i = 0; i < 50; i++)
		tally_go(frees, malloc(10));
}

static void loses(void *arg)
{
	char *volatile memory = malloc(77); /* leak_of_ended */
	(void)arg;
	use(memory);
	tally_yield();
	memory = NULL;
	use(memory);
}

static void leak_of_ended(void)
{
	run(loses, NULL);
	/* Others leave the stacks as they are. */
	leave_blocked(holds, 3);
}

__attribute__((noinline)) static void lose(void)
{
	char *volatile memory = malloc(77); /* leak_of_blocked */
	char *volatile many[50];
	for (int i = 0; i < 50; i++)
		many[i] = memory;
	use(memory);
	use((void *)(uintptr_t)many);
	memory = NULL;
}

/* Where it leaves its traces nothing is in use when the caller blocks. */
__attribute__((noinline)) static void lose_far_below(void)
{
	char far[4000];
	use(far);
	lose();
	use(far);
}

static void loses_and_blocks(void *arg)
{
	(void)arg;
	lose_far_below();
	block();
}

static void leak_of_blocked(void)
{
	leave_blocked(loses_and_blocks, 3);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
#define CASE(name)                                                                                             \
	{                                                                                                      \
#name, name                                                                                    \
	}
	CASE(clean_stacks),
	CASE(clean_held_by_blocked),
	CASE(clean_given_to_blocked),
	CASE(clean_held_in_arrays),
	CASE(clean_held_by_running),
	CASE(clean_held_by_yielding),
	CASE(clean_held_by_main),
	CASE(clean_held_by_queued),
	CASE(bad_array),
	CASE(bad_return),
	CASE(bad_scope),
	CASE(bad_heap),
	CASE(bad_integer),
	CASE(leak_of_ended),
	CASE(leak_of_blocked),
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc < 2) {
			puts(cases[i].name);
		} else if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].run();
			return 0;
		}
	}
	return argc < 2 ? 0 : 2;
}
