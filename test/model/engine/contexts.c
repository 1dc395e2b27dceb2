/* contexts.c - virtual threads: stacks in one thread of the system, switched without it.
 *
 * Each context is entered once, by ucontext. It saves the bottom of its stack there; from then on a jump to the
 * bottom begins a new function, even if the last one was left in the middle. */
#include "engine.h"
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static ucontext_t starter;

static void bottom(void)
{
	unsigned me = engine->self;
	struct thread *thread = &engine->threads[me];

	if (_setjmp(thread->bottom) == 0) {
		setcontext(&starter);
	}
	thread = self();
	if (thread->void_function)
		thread->run.plain();
	else
		thread->run.with(thread->argument);
	if (thread->at_exit)
		thread->at_exit(thread->at_exit_argument);
	if (thread->watched_value)
		engine->exit_watch(thread->watched_value);
	thread_ended();
}

static int find_locals(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	/* The program itself comes first. */
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_TLS) {
			engine->locals = info->dlpi_tls_data;
			engine->local_bytes = info->dlpi_phdr[i].p_memsz;
		}
	}
	return 1;
}

void contexts_start(void)
{
	dl_iterate_phdr(find_locals, NULL);
	if (engine->locals == NULL)
		engine->local_bytes = 0;
	engine->first_locals = malloc(engine->local_bytes + 1);
	if (engine->first_locals == NULL)
		abort();
	memcpy(engine->first_locals, engine->locals, engine->local_bytes);

	char *stacks = mmap((void *)0x200000000000, THREADS * (STACK_BYTES + 4096), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (stacks == MAP_FAILED)
		abort();
	for (unsigned i = 0; i < THREADS; i++) {
		struct thread *thread = &engine->threads[i];
		ucontext_t begin;

		thread->stack = stacks + i * (STACK_BYTES + 4096) + 4096;
		mprotect(thread->stack - 4096, 4096, PROT_NONE);
		thread->locals = malloc(engine->local_bytes + 1);
		if (thread->locals == NULL)
			abort();
		engine->self = i;
		getcontext(&begin);
		begin.uc_stack.ss_sp = thread->stack;
		begin.uc_stack.ss_size = STACK_BYTES;
		begin.uc_link = NULL;
		makecontext(&begin, bottom, 0);
		swapcontext(&starter, &begin);
	}
}

void context_begin(unsigned number, void (*plain)(void), void (*with)(void *), void *argument)
{
	struct thread *thread = &engine->threads[number];

	thread->void_function = plain != NULL;
	if (plain)
		thread->run.plain = plain;
	else
		thread->run.with = with;
	thread->argument = argument;
	memcpy(thread->here, thread->bottom, sizeof(jmp_buf));
	thread->frame = 0;
	thread->helper = false;
	thread->at_exit = NULL;
	thread->watched_value = NULL;
	thread->word = NULL;
	thread->at = NULL;
	thread->doing = "begin";
	thread->state = THREAD_READY;
	engine->ready |= bit(number);
	if (engine->local_bytes)
		memcpy(thread->locals, engine->first_locals, engine->local_bytes);
}

_Noreturn void context_enter(unsigned number)
{
	struct thread *to = &engine->threads[number];

	engine->self = number;
	engine->run = 0;
	if (engine->local_bytes)
		memcpy(engine->locals, to->locals, engine->local_bytes);
	_longjmp(to->here, 1);
}

void context_switch(unsigned number)
{
	struct thread *from = self();

	if (_setjmp(from->here) != 0)
		return;
	from->frame = (uintptr_t)__builtin_frame_address(0);
	if (engine->local_bytes)
		memcpy(from->locals, engine->locals, engine->local_bytes);
	context_enter(number);
}
