/* The few things that differ from board to board: UART0, the tick, the memory map. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))

/* System control block, the same on every Cortex-M. */
#define SCB_CPUID REG32(0xE000ED00)
#define SCB_ICSR REG32(0xE000ED04)
#define SCB_VTOR REG32(0xE000ED08)
#define SCB_AIRCR REG32(0xE000ED0C)
#define SCB_CCR REG32(0xE000ED14)
#define SCB_SHCSR REG32(0xE000ED24)
#define SCB_CFSR REG32(0xE000ED28)
#define SCB_HFSR REG32(0xE000ED2C)
#define SCB_MMFAR REG32(0xE000ED34)
#define SCB_BFAR REG32(0xE000ED38)
#define SCB_CPACR REG32(0xE000ED88)
#define FPU_FPCCR REG32(0xE000EF34)

/* ARMv6-M has no fault status registers, no MPU on our board and no vector table offset. */
#if defined(__ARM_ARCH_6M__)
#define HAS_FAULT_REGISTERS 0
#else
#define HAS_FAULT_REGISTERS 1
#endif

extern const char board_name[];

void board_init(void);
void board_start_tick(uint32_t ticks_per_second);
_Noreturn void board_reset(void);

void uart_putc(char c);
/* The next byte received, or -1. */
int uart_getc(void);

/* From the linker script. */
extern uint32_t _stack_bottom, _stack_top, _ram_start, _ram_used_end, _ram_end;
extern const uint8_t _build_id_note[];
