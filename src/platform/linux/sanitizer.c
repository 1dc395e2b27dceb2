/* platform/linux/sanitizer.c - AddressSanitizer and valgrind are told of stacks. */
#include "platform/sanitizer.h"

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

extern void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size)
	__attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size)
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
