/* A stand-in, see kernel.h. */
#pragma once
#include <stdint.h>
enum { K_ERR_CPU_EXCEPTION, K_ERR_SPURIOUS_IRQ, K_ERR_STACK_CHK_FAIL, K_ERR_KERNEL_OOPS, K_ERR_KERNEL_PANIC };
typedef struct { uint32_t v1, v2, v3, v4, v5, v6, v7, v8, psp; } _callee_saved_t;
struct arch_esf {
    struct { uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr; } basic;
    struct { _callee_saved_t *callee; uint32_t msp, exc_return; } extra_info;
};
void k_sys_fatal_error_handler(unsigned int reason, const struct arch_esf *esf);
