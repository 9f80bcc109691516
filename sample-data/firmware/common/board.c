#include "board.h"

#if defined(BOARD_F405)
/* STM32F405, USART1. */
const char board_name[] = "stm32f405";
#define CORE_HZ 168000000u
#define USART REG32
#define USART_SR USART(0x40011000)
#define USART_DR USART(0x40011004)
#define USART_CR1 USART(0x4001100C)

static void uart_init(void) { USART_CR1 = (1u << 13) | (1u << 3) | (1u << 2); }

void uart_putc(char c) {
    while (!(USART_SR & (1u << 7))) { }
    USART_DR = (uint8_t)c;
}

int uart_getc(void) { return (USART_SR & (1u << 5)) ? (int)(USART_DR & 0xFF) : -1; }

#elif defined(BOARD_NRF51)
/* nRF51822, UART0. */
const char board_name[] = "nrf51822";
#define CORE_HZ 16000000u
#define UART_STARTRX REG32(0x40002000)
#define UART_STARTTX REG32(0x40002008)
#define UART_RXDRDY REG32(0x40002108)
#define UART_TXDRDY REG32(0x4000211C)
#define UART_ENABLE REG32(0x40002500)
#define UART_RXD REG32(0x40002518)
#define UART_TXD REG32(0x4000251C)

static void uart_init(void) {
    UART_ENABLE = 4;
    UART_STARTTX = 1;
    UART_STARTRX = 1;
}

void uart_putc(char c) {
    UART_TXDRDY = 0;
    UART_TXD = (uint8_t)c;
    while (!UART_TXDRDY) { }
}

int uart_getc(void) {
    if (!UART_RXDRDY) return -1;
    UART_RXDRDY = 0;
    return (int)(UART_RXD & 0xFF);
}

#else
/* Arm MPS2 boards, CMSDK APB UART. */
#if defined(BOARD_AN505)
const char board_name[] = "mps2-an505";
#define UART_BASE 0x50200000
#define CORE_HZ 20000000u
#elif defined(BOARD_AN386)
const char board_name[] = "mps2-an386";
#define UART_BASE 0x40004000
#define CORE_HZ 25000000u
#else
const char board_name[] = "mps2-an385";
#define UART_BASE 0x40004000
#define CORE_HZ 25000000u
#endif
#define UART_DATA REG32(UART_BASE + 0x00)
#define UART_STATE REG32(UART_BASE + 0x04)
#define UART_CTRL REG32(UART_BASE + 0x08)
#define UART_BAUDDIV REG32(UART_BASE + 0x10)

static void uart_init(void) {
    UART_BAUDDIV = 16;
    UART_CTRL = 3;
}

void uart_putc(char c) {
    while (UART_STATE & 1u) { }
    UART_DATA = (uint8_t)c;
}

int uart_getc(void) { return (UART_STATE & 2u) ? (int)(UART_DATA & 0xFF) : -1; }
#endif

#if HAS_FAULT_REGISTERS
/* Nobody may write below the start of flash, and page zero belongs to nobody but the vector table: a null pointer faults. */
static void protect_null_page(void) {
#if defined(__ARM_ARCH_8M_MAIN__)
    REG32(0xE000EDC0) = 0x00000044;                   /* MAIR0: normal memory, not cached */
    REG32(0xE000ED98) = 0;                            /* RNR */
    REG32(0xE000ED9C) = 0x00000000 | (3u << 1);       /* RBAR: from 0, read only */
    REG32(0xE000EDA0) = 0x000FFFE0 | 1u;              /* RLAR: 1 MiB, enabled */
#else
    REG32(0xE000ED98) = 0;                            /* RNR */
    REG32(0xE000ED9C) = 0;                            /* RBAR: from 0 */
    REG32(0xE000EDA0) = (6u << 24) | (19u << 1) | 1u; /* RASR: read only, 1 MiB, enabled */
#endif
    REG32(0xE000ED94) = 5;                            /* MPU_CTRL: enabled, default map for the rest */
    __asm volatile("dsb\n isb" ::: "memory");
}
#endif

void board_init(void) {
#if HAS_FAULT_REGISTERS
    extern const void *const vectors[];
    SCB_VTOR = (uint32_t)vectors;
    SCB_CCR |= (1u << 4) | (1u << 3); /* trap on division by zero and on unaligned access */
    protect_null_page();
#endif
#if defined(__ARM_FP)
    SCB_CPACR |= 0xFu << 20;
    __asm volatile("dsb\n isb" ::: "memory");
#endif
    uart_init();
}

void board_start_tick(uint32_t ticks_per_second) {
    REG32(0xE000E014) = CORE_HZ / ticks_per_second - 1;
    REG32(0xE000E018) = 0;
    REG32(0xE000E010) = 7;
}

_Noreturn void board_reset(void) {
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = 0x05FA0004;
    for (;;) { }
}
