/* Fieldscope's device-side SDK on Zephyr (3.7 or later, Cortex-M). SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fieldscope.cmake beside it makes it a part of an application. It sends over the console's UART from a thread of its own. With
 * CONFIG_EXTRA_EXCEPTION_INFO=y the coredump has r4-r11 and the stack pointer, with CONFIG_THREAD_STACK_INFO=y the thread's stack, too.
 * CONFIG_REBOOT=y is needed. Zephyr leaves `.noinit` alone over a reset: the coredump waits there (../fs_store_noinit.c). */
#include <zephyr/drivers/uart.h>
#include <zephyr/fatal.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/reboot.h>

#include "fs_port_zephyr.h"

#ifndef FS_TASK_STACK
#define FS_TASK_STACK 1024 /* bytes */
#endif
#ifndef FS_TASK_PERIOD_MS
#define FS_TASK_PERIOD_MS 500
#endif

static K_MUTEX_DEFINE(line_lock);

uint32_t fs_port_uptime_ms(void) { return k_uptime_get_32(); }
/* A product with a clock has its own. */
__weak uint32_t fs_port_time(void) { return 0; }

/* Own your console's backend, or give the SDK a UART of its own, and a line is never torn by printk(). */
__weak void fs_port_write(const void *bytes, size_t size) {
    const struct device *const uart = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));
    const uint8_t *byte = bytes;
    int shared = !k_is_in_isr();
    if (shared) k_mutex_lock(&line_lock, K_FOREVER);
    while (size--) uart_poll_out(uart, *byte++);
    if (shared) k_mutex_unlock(&line_lock);
}

void fs_port_reset(void) {
    sys_reboot(SYS_REBOOT_COLD);
    CODE_UNREACHABLE;
}

static void send(void *a, void *b, void *c) {
    ARG_UNUSED(a);
    ARG_UNUSED(b);
    ARG_UNUSED(c);
    for (;;) {
        while (fs_poll(FS_CHUNK_WIRE)) k_yield();
        k_msleep(FS_TASK_PERIOD_MS);
    }
}

static K_THREAD_STACK_DEFINE(fs_stack, FS_TASK_STACK);
static struct k_thread fs_thread;

void fs_port_start_thread(void) {
    k_thread_create(&fs_thread, fs_stack, K_THREAD_STACK_SIZEOF(fs_stack), send, NULL, NULL, NULL, K_LOWEST_APPLICATION_THREAD_PRIO, 0, K_NO_WAIT);
    k_thread_name_set(&fs_thread, "fieldscope");
}

#if defined(CONFIG_CPU_CORTEX_M) && !defined(FS_OWN_FATAL_HANDLER)
static uint32_t reason_of(unsigned int reason) {
    switch (reason) {
        case K_ERR_STACK_CHK_FAIL: return FS_REASON_STACK_OVERFLOW;
        case K_ERR_KERNEL_OOPS:
        case K_ERR_KERNEL_PANIC: return FS_REASON_ASSERT;
        default: return FS_REASON_FAULT;
    }
}

/* Runs in the exception, or in the thread that called k_panic(). */
void k_sys_fatal_error_handler(unsigned int reason, const struct arch_esf *esf) {
    static uint32_t words[26];
    static struct fs_registers registers;
    registers.arch = FS_ARCH_CORTEX_M;
    registers.n = 26;
    registers.words = words;
    registers.unknown = (1u << 26) - 1u; /* what is found below is taken out */
    if (esf) {
        const uint32_t frame[8] = {esf->basic.r0, esf->basic.r1, esf->basic.r2, esf->basic.r3, esf->basic.r12, esf->basic.lr, esf->basic.pc, esf->basic.xpsr};
        for (unsigned i = 0; i < 4; i++) words[i] = frame[i];
        words[12] = frame[4];
        for (unsigned i = 14; i < 17; i++) words[i] = frame[i - 9];
        registers.unknown &= ~0x1D00Fu;
        registers.pc = words[15];
        registers.lr = words[14];
#if defined(CONFIG_EXTRA_EXCEPTION_INFO)
        const _callee_saved_t *callee = esf->extra_info.callee;
        uint32_t exc_return = esf->extra_info.exc_return;
        words[17] = esf->extra_info.msp;
        words[19] = exc_return;
        registers.unknown &= ~(1u << 17 | 1u << 19);
        if (callee) {
            const uint32_t saved[8] = {callee->v1, callee->v2, callee->v3, callee->v4, callee->v5, callee->v6, callee->v7, callee->v8};
            for (unsigned i = 0; i < 8; i++) words[4 + i] = saved[i];
            registers.unknown &= ~0xFF0u;
        }
        /* The frame lies where the stack pointer is; sp is what it was before. */
        uint32_t sp = exc_return & 4u ? callee ? callee->psp : 0 : esf->extra_info.msp;
        if (sp) {
            registers.stack.start = (const void *)sp;
#if defined(CONFIG_THREAD_STACK_INFO)
            uint32_t end = (uint32_t)(_current->stack_info.start + _current->stack_info.size);
            if ((exc_return & 4u) && sp >= _current->stack_info.start && sp < end) registers.stack.size = end - sp;
#endif
            if (exc_return & 4u) {
                words[18] = sp;
                registers.unknown &= ~(1u << 18);
            }
            words[13] = sp + (exc_return & 0x10u ? 0x20u : 0x68u) + (words[16] & 0x200u ? 4u : 0u);
            registers.unknown &= ~(1u << 13);
        }
#endif
    }
#if !defined(CONFIG_ARMV6_M_ARMV8_M_BASELINE)
    /* Zephyr clears what it has printed: zeros are not known to be zeros. */
    for (unsigned i = 0; i < 6; i++) words[20 + i] = *(volatile uint32_t *)(0xE000ED28u + 4u * i);
    if (words[20] || words[21]) registers.unknown &= ~(0x3Fu << 20);
#endif
    fs_crash(&registers, reason_of(reason));
}
#endif
