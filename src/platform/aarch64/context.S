/* platform/aarch64/context.S - context switch for the AAPCS64.
 *
 * A suspended context is 160 bytes: x29, x30, x19 to x28, d8 to d15. x30 is signed with the caller's stack pointer,
 * which is the same when the context is resumed. `paciasp` is a landing pad for indirect calls too, and like
 * `autiasp` does nothing on processors without pointer authentication; they are written as the hints they are,
 * for assemblers that would want a newer architecture.
 * fpcr is left alone (tally/task.h says so). The notes say that the code works with branch target identification
 * and signed return addresses, and do not say that it works with guarded control stacks.
 */
	.text

	/* Signs x30, pushes the context and stores the stack pointer to [x0]. */
	.macro	suspend
	hint	#25			/* paciasp */
	.cfi_negate_ra_state
	sub	sp, sp, #160
	.cfi_adjust_cfa_offset 160
	stp	x29, x30, [sp]
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	stp	x19, x20, [sp, #16]
	.cfi_rel_offset x19, 16
	.cfi_rel_offset x20, 24
	stp	x21, x22, [sp, #32]
	.cfi_rel_offset x21, 32
	.cfi_rel_offset x22, 40
	stp	x23, x24, [sp, #48]
	.cfi_rel_offset x23, 48
	.cfi_rel_offset x24, 56
	stp	x25, x26, [sp, #64]
	.cfi_rel_offset x25, 64
	.cfi_rel_offset x26, 72
	stp	x27, x28, [sp, #80]
	.cfi_rel_offset x27, 80
	.cfi_rel_offset x28, 88
	stp	d8, d9, [sp, #96]
	.cfi_rel_offset d8, 96
	.cfi_rel_offset d9, 104
	stp	d10, d11, [sp, #112]
	.cfi_rel_offset d10, 112
	.cfi_rel_offset d11, 120
	stp	d12, d13, [sp, #128]
	.cfi_rel_offset d12, 128
	.cfi_rel_offset d13, 136
	stp	d14, d15, [sp, #144]
	.cfi_rel_offset d14, 144
	.cfi_rel_offset d15, 152
	mov	x9, sp
	str	x9, [x0]
	.endm

	.globl	tally__context_switch
	.hidden	tally__context_switch
	.type	tally__context_switch, %function
	.p2align 4
tally__context_switch:
	.cfi_startproc
	suspend
	mov	sp, x1
	ldp	x29, x30, [sp]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #160
	.cfi_adjust_cfa_offset -160
	.cfi_restore x29
	.cfi_restore x30
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore d8
	.cfi_restore d9
	.cfi_restore d10
	.cfi_restore d11
	.cfi_restore d12
	.cfi_restore d13
	.cfi_restore d14
	.cfi_restore d15
	hint	#29			/* autiasp */
	.cfi_negate_ra_state
	ret
	.cfi_endproc
	.size	tally__context_switch, . - tally__context_switch

	.globl	tally__context_start
	.hidden	tally__context_start
	.type	tally__context_start, %function
	.p2align 4
tally__context_start:
	.cfi_startproc
	.cfi_personality 0x1b, tally__context_personality /* relative to here, 4 bytes */
	suspend
	mov	sp, x1
	/* No caller from here on: x30 for those who read this table, x29 for those who follow frames. */
	.cfi_undefined x30
	mov	x29, xzr
	mov	x30, xzr
	blr	x2
	brk	#1
	.cfi_endproc
	.size	tally__context_start, . - tally__context_start

	.section .note.GNU-stack, "", %progbits
	.section .note.gnu.property, "a", %note
	.p2align 3
	.long	4			/* name size */
	.long	16			/* descriptor size */
	.long	5			/* NT_GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
	.long	0xc0000000		/* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
	.long	4
	.long	3			/* branch targets, signed return addresses */
	.long	0
