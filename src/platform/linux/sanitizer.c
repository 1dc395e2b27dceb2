/* platform/linux/sanitizer.c - AddressSanitizer and valgrind are told of stacks. */
#include "platform/sanitizer.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

extern void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size)
	__attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size)
	__attribute__((weak));
extern void *__asan_addr_is_in_fake_stack(void *fake_stack, void *address, void **start, void **end)
	__attribute__((weak));
extern void __asan_unpoison_memory_region(void const volatile *start, size_t size) __attribute__((weak));

void tally__stack_leave(void **saved, const void *bottom, size_t size)
{
	if (__sanitizer_start_switch_fiber != NULL)
		__sanitizer_start_switch_fiber(saved, bottom, size);
}

void tally__stack_enter(void *saved, const void **own_bottom, size_t *own_size)
{
	if (__sanitizer_finish_switch_fiber != NULL)
		__sanitizer_finish_switch_fiber(saved, own_bottom, own_size);
}

void tally__stack_register(void *bottom, void *top)
{
#ifdef VALGRIND_STACK_REGISTER
	(void)VALGRIND_STACK_REGISTER(bottom, top);
#else
	(void)bottom;
	(void)top;
#endif
}

void tally__stack_forget(void *bottom, void *top)
{
	if (__asan_unpoison_memory_region != NULL)
		__asan_unpoison_memory_region(bottom, (size_t)((char *)top - (char *)bottom));
}

/* Words that may be pointers, in memory that LeakSanitizer looks at: all from malloc that a global leads to. */
static struct words {
	struct words *next;
	size_t count;
	uintptr_t word[8000];
} * kept;

static void keep(uintptr_t word)
{
	if (kept == NULL || kept->count == sizeof(kept->word) / sizeof(kept->word[0])) {
		struct words *more = malloc(sizeof(*more));
		if (more == NULL)
			return;
		more->next = kept;
		more->count = 0;
		kept = more;
	}
	kept->word[kept->count++] = word;
}

bool tally__leaks_know_running(void)
{
	return __sanitizer_start_switch_fiber != NULL;
}

/* Variables on a stack have forbidden ground between them, which this reads as well. */
__attribute__((no_sanitize("address"))) void tally__leaks_keep(const void *start, const void *end,
							       void *fake_stack)
{
	for (const uintptr_t *word = start; word + 1 <= (const uintptr_t *)end; word++) {
		if (*word < 4096)
			continue;
		void *frame, *frame_end;
		keep(*word);
		if (fake_stack != NULL &&
		    __asan_addr_is_in_fake_stack(fake_stack, (void *)*word, &frame, &frame_end) != NULL)
			tally__leaks_keep(frame, frame_end, NULL);
	}
}
