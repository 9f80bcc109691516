/* QEMU's virt board: a 16550 on UART0, a CLINT for the time, PMP for the guard below the main stack. */
#include "board.h"

#define UART ((volatile uint8_t *)0x10000000)
#define TEST_DEVICE REG32(0x00100000)

const char board_name[] = "qemu-virt-rv32";
extern uint32_t _guard_start, _guard_end;

void uart_putc(char c) {
    while (!(UART[5] & 0x20)) { }
    UART[0] = (uint8_t)c;
}

int uart_getc(void) { return (UART[5] & 1) ? UART[0] : -1; }

void board_init(void) {
    /* A locked entry without rights holds for machine mode as well: 0x100 bytes, naturally aligned. */
    uint32_t guard = (uint32_t)&_guard_start >> 2 | ((0x100 >> 3) - 1);
    __asm volatile("csrw pmpaddr0, %0\n csrw pmpcfg0, %1" ::"r"(guard), "r"(0x98));
}

_Noreturn void board_reset(void) {
    TEST_DEVICE = 0x7777;
    for (;;) { }
}
