/* Fieldscope's device-side SDK: the fault handler for Cortex-M (ARMv6-M to ARMv8-M). SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Provides HardFault_Handler and, where there are any, MemManage_Handler, BusFault_Handler and UsageFault_Handler: the names of
 * CMSIS. Works on a stack of its own: the one that overflowed cannot carry it. */
#include "fieldscope.h"

#define WORD(address) (*(volatile uint32_t *)(address))
#define SCB_VTOR WORD(0xE000ED08u)
#define SCB_AIRCR WORD(0xE000ED0Cu)
#define SCB_CFSR WORD(0xE000ED28u)
#define NOT_PUSHED ((1u << 12) | (1u << 4) | (1u << 20)) /* STKERR, MSTKERR, STKOF */

#ifndef FS_FAULT_STACK
#define FS_FAULT_STACK 768 /* bytes */
#endif
#define TEXT__(x) #x
#define TEXT_(x) TEXT__(x)

void HardFault_Handler(void);
void MemManage_Handler(void);
void BusFault_Handler(void);
void UsageFault_Handler(void);
void fs_fault_entry(void);
/* Where the stack ends that a task works on. Zero if it is not known: then it is not dumped on its own. */
uint32_t fs_port_task_stack_end(uint32_t sp);

/* What the handler's first instructions save: r4-r11, msp, psp, EXC_RETURN. */
uint32_t fs_fault_saved[11] __attribute__((used));
uint8_t fs_fault_stack[FS_FAULT_STACK] __attribute__((aligned(8), used));

uint32_t __attribute__((weak)) fs_port_task_stack_end(uint32_t sp) {
    (void)sp;
    return 0;
}

/* The main stack ends where it began: at the first word of the vector table. Some ARMv6-M cores have no VTOR. */
static uint32_t main_stack_end(void) {
#if defined(__ARM_ARCH_6M__)
    const volatile uint32_t *vectors = 0;
    __asm__("" : "+r"(vectors)); /* no null pointer to the compiler */
#else
    const volatile uint32_t *vectors = (const volatile uint32_t *)SCB_VTOR;
#endif
    return vectors[0];
}

void fs_port_reset(void) {
    __asm__ __volatile__("dsb" : : : "memory");
    SCB_AIRCR = 0x05FA0004u;
    for (;;) { }
}

void __attribute__((noreturn, used)) fs_fault_entry(void) {
    static uint32_t words[26]; /* r0-r12 sp lr pc xpsr msp psp EXC_RETURN CFSR HFSR DFSR MMFAR BFAR AFSR */
    static struct fs_registers registers;
    const uint32_t *saved = fs_fault_saved;
    uint32_t exc_return = saved[10];
    uint32_t frame = exc_return & 4u ? saved[9] : saved[8];
    uint32_t sp = frame;
    int pushed = (frame & 3u) == 0 && frame >= 0x20000000u && frame < 0x40000000u;
    registers.arch = FS_ARCH_CORTEX_M;
    registers.n = 26;
#if defined(__ARM_ARCH_6M__)
    registers.unknown = 0x3Fu << 20; /* no fault status registers */
#else
    if (SCB_CFSR & NOT_PUSHED) pushed = 0;
    registers.unknown = 0;
    for (unsigned i = 0; i < 6; i++) words[20 + i] = WORD(0xE000ED28u + 4u * i);
#endif
    for (unsigned i = 0; i < 8; i++) words[4 + i] = saved[i];
    if (pushed) {
        const uint32_t *from = (const uint32_t *)frame;
        for (unsigned i = 0; i < 4; i++) words[i] = from[i];
        words[12] = from[4];
        for (unsigned i = 14; i < 17; i++) words[i] = from[i - 9];
        sp += exc_return & 0x10u ? 0x20u : 0x68u;
        if (words[16] & 0x200u) sp += 4u;
    } else {
        registers.unknown |= 0x0001D00Fu; /* r0-r3, r12, lr, pc, xpsr were lost */
    }
    words[13] = sp;
    words[17] = saved[8];
    words[18] = saved[9];
    words[19] = exc_return;
    registers.pc = words[15];
    registers.lr = words[14];
    registers.words = words;
    /* From the exception frame on: a debugger wants it. */
    registers.stack.start = (const void *)frame;
    uint32_t end = exc_return & 4u ? fs_port_task_stack_end(frame) : main_stack_end();
    registers.stack.size = pushed && end > frame ? end - frame : 0;
    fs_crash(&registers, FS_REASON_FAULT);
}

void __attribute__((naked)) HardFault_Handler(void) {
    __asm__ __volatile__(
        "mrs r0, msp\n\t"
        "mrs r1, psp\n\t"
        "ldr r3, =fs_fault_saved\n\t"
        "stmia r3!, {r4-r7}\n\t"
        "mov r4, r8\n\t"
        "mov r5, r9\n\t"
        "mov r6, r10\n\t"
        "mov r7, r11\n\t"
        "stmia r3!, {r4-r7}\n\t"
        "mov r2, lr\n\t"
        "stmia r3!, {r0-r2}\n\t"
#if defined(__ARM_ARCH_8M_MAIN__)
        "movs r0, #0\n\t"
        "msr msplim, r0\n\t"
#endif
        "ldr r0, =fs_fault_stack + " TEXT_(FS_FAULT_STACK) "\n\t"
        "msr msp, r0\n\t"
        "ldr r0, =fs_fault_entry\n\t"
        "bx r0\n\t"
        ".ltorg\n");
}

#if !defined(__ARM_ARCH_6M__)
void MemManage_Handler(void) __attribute__((alias("HardFault_Handler")));
void BusFault_Handler(void) __attribute__((alias("HardFault_Handler")));
void UsageFault_Handler(void) __attribute__((alias("HardFault_Handler")));
#endif
