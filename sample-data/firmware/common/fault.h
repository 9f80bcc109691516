/* From a fault to a dump on UART0, then a restart. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the core pushes on an exception. */
struct exception_frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
    uint32_t s[16], fpscr, reserved; /* only if bit 4 of EXC_RETURN is 0 */
};

/* What the handler's first instructions save; the order is known to fault_entry.S code in fault.c. */
struct fault_saved {
    uint32_t r4_r11[8];
    uint32_t msp, psp, exception_psr, exc_return;
};

struct fault_context {
    struct fault_saved saved;
    uint32_t frame_address;
    bool has_frame;                 /* the frame lies in RAM; if not, the push itself failed */
    struct exception_frame frame;   /* zero if it was not pushed */
    uint32_t sp;                    /* before the exception */
    uint32_t s16_s31[16];
    bool has_float;
};

enum fault_reason { FAULT_CPU = 0, FAULT_STACK_CHECK = 2, FAULT_PANIC = 4 };

/* The dump formats; a firmware is linked with one of them. */
void coredump_write(const struct fault_context *context, enum fault_reason reason);

void fault_init(void);
uint32_t fault_boot_count(void);
const char *fault_reset_reason(void);
/* Ends in an undefined instruction, so that the dump shows the caller. */
_Noreturn void fault_panic(enum fault_reason reason);
_Noreturn void assert_failed(const char *expression, const char *file, int line);
_Noreturn void fault_unexpected_interrupt(void);

#define APP_ASSERT(expression) ((expression) ? (void)0 : assert_failed(#expression, __FILE__, __LINE__))

void HardFault_Handler(void);
void MemManage_Handler(void);
void BusFault_Handler(void);
void UsageFault_Handler(void);
