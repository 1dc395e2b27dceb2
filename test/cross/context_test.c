/* Switching contexts: what the machine promises to callers, on every machine. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "platform/context.h"
#include "platform/pages.h"
#include "platform/sanitizer.h"

static int failures;

#define EXPECT(condition)                                                                                      \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
			failures++;                                                                            \
		}                                                                                              \
	} while (0)

enum { STACK_BYTES = 64 * 1024 };

/* Fills the registers that a call must preserve with multiples of `seed`, switches, and says how many of them
 * have another value afterwards. */
uint64_t switch_with_registers(void **from, void *to, uint64_t seed);
/* An entry that notes its stack pointer and its caller's frame, before any C code could change them. */
void noting_entry(void);
uintptr_t noted_stack, noted_frame;
void noted(void);

#if defined(__x86_64__)
__asm__(".text\n"
	".globl switch_with_registers\n"
	".type switch_with_registers, @function\n"
	"switch_with_registers:\n"
	"	endbr64\n"
	"	push %rbp\n	push %rbx\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	push %rdx\n"
	"	mov %rdx, %rbx\n"
	"	lea (%rbx,%rdx), %rbp\n"
	"	lea (%rbp,%rdx), %r12\n"
	"	lea (%r12,%rdx), %r13\n"
	"	lea (%r13,%rdx), %r14\n"
	"	lea (%r14,%rdx), %r15\n"
	"	call tally__context_switch\n"
	"	pop %rdx\n"
	"	xor %eax, %eax\n"
	"	xor %ecx, %ecx\n"
	"	add %rdx, %rcx\n	cmp %rcx, %rbx\n	je 1f\n	inc %rax\n1:\n"
	"	add %rdx, %rcx\n	cmp %rcx, %rbp\n	je 1f\n	inc %rax\n1:\n"
	"	add %rdx, %rcx\n	cmp %rcx, %r12\n	je 1f\n	inc %rax\n1:\n"
	"	add %rdx, %rcx\n	cmp %rcx, %r13\n	je 1f\n	inc %rax\n1:\n"
	"	add %rdx, %rcx\n	cmp %rcx, %r14\n	je 1f\n	inc %rax\n1:\n"
	"	add %rdx, %rcx\n	cmp %rcx, %r15\n	je 1f\n	inc %rax\n1:\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n"
	".size switch_with_registers, . - switch_with_registers\n"
	".globl noting_entry\n"
	".type noting_entry, @function\n"
	"noting_entry:\n"
	"	endbr64\n"
	"	mov noted_stack@GOTPCREL(%rip), %rax\n"
	"	mov %rsp, (%rax)\n"
	"	mov noted_frame@GOTPCREL(%rip), %rax\n"
	"	mov %rbp, (%rax)\n"
	"	jmp noted@PLT\n"
	".size noting_entry, . - noting_entry\n");
enum { PUSHED_BY_CALL = 8 };
#elif defined(__aarch64__)
#define FILL(reg, previous) "	add " reg ", " previous ", x2\n"
#define CHECK(reg)          "	add x9, x9, x2\n	cmp x9, " reg "\n	cinc x0, x0, ne\n"
#define FILL_D(n, reg)      "	fmov d" #n ", " reg "\n"
#define CHECK_D(n, reg)     "	fmov x10, d" #n "\n	cmp x10, " reg "\n	cinc x0, x0, ne\n"
__asm__(".text\n"
	".globl switch_with_registers\n"
	".type switch_with_registers, %function\n"
	"switch_with_registers:\n"
	"	hint #34\n"
	"	stp x29, x30, [sp, #-176]!\n"
	"	stp x19, x20, [sp, #16]\n	stp x21, x22, [sp, #32]\n	stp x23, x24, [sp, #48]\n"
	"	stp x25, x26, [sp, #64]\n	stp x27, x28, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n	stp d10, d11, [sp, #112]\n	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	str x2, [sp, #160]\n" FILL("x19", "xzr") FILL("x20", "x19") FILL("x21", "x20") FILL(
		"x22", "x21") FILL("x23", "x22") FILL("x24", "x23") FILL("x25", "x24") FILL("x26", "x25")
		FILL("x27", "x26") FILL("x28", "x27") FILL("x29", "x28") FILL_D(8, "x29") FILL_D(9, "x28")
			FILL_D(10, "x27") FILL_D(11, "x26") FILL_D(12, "x25") FILL_D(13, "x24") FILL_D(14,
												       "x23")
				FILL_D(15,
				       "x22") "	bl tally__context_switch\n"
					      "	ldr x2, [sp, #160]\n"
					      "	mov x0, xzr\n"
					      "	mov x9, xzr\n" CHECK("x19") CHECK("x20") CHECK("x21") CHECK(
						      "x22") CHECK("x23") CHECK("x24") CHECK("x25") CHECK("x26")
						      CHECK("x27") CHECK("x28") CHECK("x29") CHECK_D(
							      8, "x29") CHECK_D(9,
										"x28") CHECK_D(10, "x27")
							      CHECK_D(11, "x26") CHECK_D(12, "x25") CHECK_D(
								      13, "x24") CHECK_D(14, "x23")
								      CHECK_D(15,
									      "x22") "	ldp x19, x20, [sp, "
										     "#16]\n	ldp x21, x22, "
										     "[sp, #32]\n	ldp "
										     "x23, x24, [sp, #48]\n"
										     "	ldp x25, x26, [sp, "
										     "#64]\n	ldp x27, x28, "
										     "[sp, #80]\n"
										     "	ldp d8, d9, [sp, "
										     "#96]\n	ldp d10, d11, "
										     "[sp, #112]\n	ldp "
										     "d12, d13, [sp, #128]\n"
										     "	ldp d14, d15, [sp, "
										     "#144]\n"
										     "	ldp x29, x30, [sp], "
										     "#176\n"
										     "	ret\n"
										     ".size "
										     "switch_with_registers, . "
										     "- switch_with_registers\n"
										     ".globl noting_entry\n"
										     ".type noting_entry, "
										     "%function\n"
										     "noting_entry:\n"
										     "	hint #34\n"
										     "	adrp x9, "
										     "noted_stack\n	add "
										     "x9, x9, "
										     ":lo12:noted_stack\n"
										     "	mov x10, sp\n"
										     "	str x10, [x9]\n"
										     "	adrp x9, "
										     "noted_frame\n	add "
										     "x9, x9, "
										     ":lo12:noted_frame\n"
										     "	str x29, [x9]\n"
										     "	b noted\n"
										     ".size noting_entry, . - "
										     "noting_entry\n");
enum { PUSHED_BY_CALL = 0 };
#endif

static char *stack_new(void)
{
	char *stack = tally__pages_map(STACK_BYTES);

	if (!stack)
		return NULL;
	tally__stack_register(stack, stack + STACK_BYTES);
	return stack;
}

static void *main_context, *other_context;
static int steps;

/* The far side of all tests but the first: counts and comes back, with registers of its own. */
static void count_steps(void)
{
	for (uint64_t i = 1;; i++) {
		steps++;
		failures += (int)switch_with_registers(&other_context, main_context, i * 0x100000001);
	}
}

static void registers_are_kept_for_both_sides(void)
{
	char *stack = stack_new();

	EXPECT(stack);
	tally__context_start(&main_context, stack + STACK_BYTES, count_steps);
	EXPECT(steps == 1);
	for (uint64_t i = 1; i < 1000; i++) {
		EXPECT(switch_with_registers(&main_context, other_context, ~i * 3) == 0);
		EXPECT(steps == (int)i + 1);
	}
	tally__pages_unmap(stack, STACK_BYTES);
}

void noted(void)
{
	for (;;)
		tally__context_switch(&other_context, main_context);
}

static void an_entry_has_an_aligned_stack_and_no_caller(void)
{
	char *stack = stack_new();

	EXPECT(stack);
	tally__context_start(&main_context, stack + STACK_BYTES, noting_entry);
	EXPECT(noted_stack == (uintptr_t)stack + STACK_BYTES - PUSHED_BY_CALL);
	EXPECT(noted_frame == 0);
	tally__pages_unmap(stack, STACK_BYTES);
}

#ifdef __GLIBC__ /* gcc's unwinder is built for it */
#include <unwind.h>

struct trace {
	int frames;
	int in_entry; /* how many frames belong to the entry */
};
static struct trace trace;

static void trace_entry(void);

static _Unwind_Reason_Code trace_frame(struct _Unwind_Context *context, void *arg)
{
	struct trace *found = arg;

	if (_Unwind_GetRegionStart(context) == (uintptr_t)trace_entry)
		found->in_entry++;
	return ++found->frames < 100 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static __attribute__((noinline)) void trace_deep(int depth)
{
	if (depth == 0)
		_Unwind_Backtrace(trace_frame, &trace);
	else
		trace_deep(depth - 1);
	__asm__("" ::: "memory"); /* so that it is no tail call */
}

static void trace_entry(void)
{
	trace_deep(4);
	for (;;)
		tally__context_switch(&other_context, main_context);
}

static void a_backtrace_ends_where_the_stack_began(void)
{
	enum { ABOVE = 64 };
	char *stack = stack_new();

	EXPECT(stack);
	/* What lies above the stack looks like return addresses. */
	for (size_t i = 1; i <= ABOVE; i++)
		((uintptr_t *)(stack + STACK_BYTES))[-(ptrdiff_t)i] = (uintptr_t)trace_deep + 1;
	tally__context_start(&main_context, stack + STACK_BYTES - ABOVE * sizeof(uintptr_t), trace_entry);
	/* Five of trace_deep, the entry, what called it, and perhaps the end as a frame without code. */
	EXPECT(trace.in_entry == 1);
	EXPECT(trace.frames >= 7 && trace.frames <= 8);
	tally__pages_unmap(stack, STACK_BYTES);
}
#endif

static void many_stacks_take_turns(void)
{
	enum { STACKS = 50 };
	static void *contexts[STACKS];
	char *stacks[STACKS];

	steps = 0;
	for (int i = 0; i < STACKS; i++) {
		stacks[i] = stack_new();
		EXPECT(stacks[i]);
		tally__context_start(&main_context, stacks[i] + STACK_BYTES, count_steps);
		contexts[i] = other_context;
	}
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < STACKS; i++) {
			tally__context_switch(&main_context, contexts[i]);
			contexts[i] = other_context;
		}
	}
	EXPECT(steps == STACKS * 21);
	for (int i = 0; i < STACKS; i++)
		tally__pages_unmap(stacks[i], STACK_BYTES);
}

int main(void)
{
	registers_are_kept_for_both_sides();
	an_entry_has_an_aligned_stack_and_no_caller();
#ifdef __GLIBC__
	a_backtrace_ends_where_the_stack_began();
#endif
	many_stacks_take_turns();
	return failures != 0;
}
