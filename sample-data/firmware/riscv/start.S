/* Reset and the trap entries of the bare-metal firmware.

   Exceptions and the timer run on a stack of their own, so that an overflowed one can still be dumped. A trap inside of a
   trap goes on on the stack of the code that the first one interrupted: `mscratch` always holds the other stack. */
.option norelax
.section .start, "ax"
.globl _start
.type _start, @function
_start:
.option push
.option norelax
    la gp, __global_pointer$
.option pop
    la sp, _stack_top
    la t0, _trap_stack_top
    csrw mscratch, t0
    la t0, _bss_start
    la t1, _bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  call main
3:  wfi
    j 3b
.size _start, . - _start

#if !defined(FREERTOS)
/* Vectored: exceptions at the beginning, interrupt n four bytes further each. */
.section .vectors, "ax"
.balign 64
.option norvc
.globl trap_vectors
.type trap_vectors, @function
trap_vectors:
    j exception_entry
    j exception_entry
    j exception_entry
    j software_interrupt
    j exception_entry
    j exception_entry
    j exception_entry
    j timer_entry
.size trap_vectors, . - trap_vectors
.option rvc

#define FRAME 144

.macro save_frame
    csrrw sp, mscratch, sp
    addi sp, sp, -FRAME
    sw ra, 0(sp)
    sw t0, 12(sp)
    csrr t0, mscratch
    sw t0, 4(sp)
    sw gp, 8(sp)
    sw t1, 16(sp)
    sw t2, 20(sp)
    sw s0, 24(sp)
    sw s1, 28(sp)
    sw a0, 32(sp)
    sw a1, 36(sp)
    sw a2, 40(sp)
    sw a3, 44(sp)
    sw a4, 48(sp)
    sw a5, 52(sp)
    sw a6, 56(sp)
    sw a7, 60(sp)
    sw s2, 64(sp)
    sw s3, 68(sp)
    sw s4, 72(sp)
    sw s5, 76(sp)
    sw s6, 80(sp)
    sw s7, 84(sp)
    sw s8, 88(sp)
    sw s9, 92(sp)
    sw s10, 96(sp)
    sw s11, 100(sp)
    sw t3, 104(sp)
    sw t4, 108(sp)
    sw t5, 112(sp)
    sw t6, 116(sp)
    sw tp, 120(sp)
    csrr t0, mepc
    csrr t1, mcause
    csrr t2, mtval
    csrr t3, mstatus
    sw t0, 124(sp)
    sw t1, 128(sp)
    sw t2, 132(sp)
    sw t3, 136(sp)
.endm

.macro restore_frame
    lw t0, 124(sp)
    lw t3, 136(sp)
    csrw mepc, t0
    csrw mstatus, t3
    lw ra, 0(sp)
    lw t1, 16(sp)
    lw t2, 20(sp)
    lw a0, 32(sp)
    lw a1, 36(sp)
    lw a2, 40(sp)
    lw a3, 44(sp)
    lw a4, 48(sp)
    lw a5, 52(sp)
    lw a6, 56(sp)
    lw a7, 60(sp)
    lw t3, 104(sp)
    lw t4, 108(sp)
    lw t5, 112(sp)
    lw t6, 116(sp)
    lw t0, 12(sp)
    addi sp, sp, FRAME
    csrrw sp, mscratch, sp
    mret
.endm

.section .text.traps, "ax"
.balign 4
.globl exception_entry
.type exception_entry, @function
exception_entry:
    save_frame
    mv a0, sp
    call fault_entry
    restore_frame
.size exception_entry, . - exception_entry

.globl timer_entry
.type timer_entry, @function
timer_entry:
    save_frame
    call timer_interrupt
    restore_frame
.size timer_entry, . - timer_entry
#endif
