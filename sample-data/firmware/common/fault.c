#include "fault.h"

#include "board.h"
#include "console.h"
#include <string.h>

#define BOOT_MAGIC 0x424F4F54u

/* Survives a reset; not touched by the start-up code. */
static struct {
    uint32_t magic, boots, faults_seen;
    uint32_t last_was_fault;
} boot_record __attribute__((section(".noinit")));

static const char *reset_reason = "power on";
static enum fault_reason panic_reason = FAULT_CPU;

struct fault_saved fault_saved __attribute__((used));
/* An own stack: the one that overflowed cannot carry the handler. */
__attribute__((section(".fault_stack"), aligned(8), used)) uint8_t fault_stack[1024];

void fault_init(void) {
    if (boot_record.magic != BOOT_MAGIC) {
        boot_record.magic = BOOT_MAGIC;
        boot_record.boots = 0;
        boot_record.faults_seen = 0;
    } else {
        reset_reason = boot_record.last_was_fault ? "fault" : "software";
    }
    boot_record.boots++;
    boot_record.last_was_fault = 0;
}

uint32_t fault_boot_count(void) { return boot_record.boots; }
const char *fault_reset_reason(void) { return reset_reason; }

_Noreturn __attribute__((noinline)) void fault_panic(enum fault_reason reason) {
    panic_reason = reason;
    __asm volatile("udf #255");
    __builtin_unreachable();
}

_Noreturn __attribute__((noinline)) void assert_failed(const char *expression, const char *file, int line) {
    LOG_ERR("assert", "assertion \"%s\" failed at %s:%d", expression, file, line);
    fault_panic(FAULT_PANIC);
}

_Noreturn void fault_unexpected_interrupt(void) {
    LOG_ERR("fault", "unexpected interrupt %u", (unsigned)(SCB_ICSR & 0x1FF));
    fault_panic(FAULT_PANIC);
}

static bool in_ram(uint32_t address, uint32_t size) {
    return address >= (uint32_t)&_ram_start && address + size <= (uint32_t)&_ram_end;
}

static void read_context(struct fault_context *context) {
    memset(context, 0, sizeof *context);
    context->saved = fault_saved;
    context->frame_address = (fault_saved.exc_return & 4) ? fault_saved.psp : fault_saved.msp;
    bool extended = !(fault_saved.exc_return & 0x10);
#if defined(__ARM_ARCH_6M__)
    extended = false;
#endif
    uint32_t size = extended ? 0x68 : 0x20;
    bool pushed = true;
#if HAS_FAULT_REGISTERS
    pushed = !(SCB_CFSR & ((1u << 12) | (1u << 4) | (1u << 20))); /* STKERR, MSTKERR, STKOF: nothing was pushed */
#endif
    context->has_frame = pushed && in_ram(context->frame_address, size);
    context->sp = context->frame_address;
#if defined(__ARM_FP)
    if (context->has_frame) {
        /* The first floating-point instruction here makes the core write s0-s15 into the frame it reserved. */
        __asm volatile("vstm %0, {s16-s31}" ::"r"(context->s16_s31) : "memory");
        context->has_float = true;
    } else {
        FPU_FPCCR &= ~1u; /* LSPACT: there is no frame to write them to */
    }
#endif
    if (context->has_frame) {
        memcpy(&context->frame, (const void *)context->frame_address, size);
        context->sp += size;
        if (context->frame.xpsr & (1u << 9)) context->sp += 4;
#if defined(__ARM_FP)
        if (!extended) { /* nothing was pushed for them: they are still in the registers */
            __asm volatile("vstm %0, {s0-s15}" ::"r"(context->frame.s) : "memory");
            __asm volatile("vmrs %0, fpscr" : "=r"(context->frame.fpscr));
        }
#endif
    }
}

static void print_registers(const struct fault_context *context) {
    const struct exception_frame *frame = &context->frame;
#if HAS_FAULT_REGISTERS
    LOG_ERR("fault", "CFSR=%08x HFSR=%08x MMFAR=%08x BFAR=%08x EXC_RETURN=%08x SP=%08x", (unsigned)SCB_CFSR, (unsigned)SCB_HFSR,
            (unsigned)SCB_MMFAR, (unsigned)SCB_BFAR, (unsigned)context->saved.exc_return, (unsigned)context->sp);
#else
    LOG_ERR("fault", "EXC_RETURN=%08x SP=%08x", (unsigned)context->saved.exc_return, (unsigned)context->sp);
#endif
    if (context->has_frame)
        LOG_ERR("fault", "PC=%08x LR=%08x R0=%08x R1=%08x R2=%08x R3=%08x R12=%08x xPSR=%08x", (unsigned)frame->pc,
                (unsigned)frame->lr, (unsigned)frame->r0, (unsigned)frame->r1, (unsigned)frame->r2, (unsigned)frame->r3,
                (unsigned)frame->r12, (unsigned)frame->xpsr);
    else
        LOG_ERR("fault", "no exception frame: the push at %08x failed", (unsigned)context->frame_address);
}

/* Runs on fault_stack with `fault_saved` filled in. */
__attribute__((used, noinline)) _Noreturn void fault_entry(void) {
    static struct fault_context context;
    read_context(&context);
    boot_record.faults_seen++;
    boot_record.last_was_fault = 1;
    print_registers(&context);
    coredump_write(&context, panic_reason);
    board_reset();
}

/* r0-r3, r12, lr, pc and xpsr are on the stack of the code that faulted; the rest is saved here, before any C code. */
__attribute__((naked)) void HardFault_Handler(void) {
    __asm volatile(
        "mrs r0, msp\n"
        "mrs r1, psp\n"
        "mrs r2, xpsr\n"
        "ldr r3, =fault_saved\n"
        "stmia r3!, {r4-r7}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "stmia r3!, {r4-r7}\n"
        "mov r4, lr\n"
        "stmia r3!, {r0-r2, r4}\n"
#if defined(__ARM_ARCH_8M_MAIN__)
        "movs r0, #0\n"
        "msr msplim, r0\n"
#endif
        "ldr r0, =fault_stack + 1024\n"
        "msr msp, r0\n"
        "ldr r0, =fault_entry\n"
        "bx r0\n"
        ".ltorg\n");
}

#if HAS_FAULT_REGISTERS
void MemManage_Handler(void) __attribute__((alias("HardFault_Handler")));
void BusFault_Handler(void) __attribute__((alias("HardFault_Handler")));
void UsageFault_Handler(void) __attribute__((alias("HardFault_Handler")));
#endif
