/* What a trap leaves behind, and how it becomes a dump. */
#pragma once
#include <stdint.h>

/* The order is that of save_frame in start.S. */
struct trap_frame {
    uint32_t ra, sp, gp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7;
    uint32_t s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6, tp;
    uint32_t mepc, mcause, mtval, mstatus, reserved;
};

enum fault_reason { FAULT_CPU = 0, FAULT_STACK_CHECK = 2, FAULT_PANIC = 4 };

/* Prints the registers and a core dump, then restarts. */
_Noreturn void fault_report(const struct trap_frame *frame);
_Noreturn void fault_entry(const struct trap_frame *frame);
/* Ends in `ebreak`, so that the dump shows the caller. */
_Noreturn void fault_panic(enum fault_reason reason);
_Noreturn void assert_failed(const char *expression, const char *file, int line);
void coredump_write(const struct trap_frame *frame, enum fault_reason reason);
void fault_init(void);

#define APP_ASSERT(expression) ((expression) ? (void)0 : assert_failed(#expression, __FILE__, __LINE__))
