/* From a trap to a dump on UART0, then a restart. */
#include "trap.h"

#include "board.h"
#include "console.h"

#define BOOT_MAGIC 0x52495343u

/* Survives a reset; not touched by the start-up code. */
static struct {
    uint32_t magic, boots, last_was_fault;
} boot_record __attribute__((section(".noinit")));

static const char *reset_reason = "power on";
static enum fault_reason panic_reason = FAULT_CPU;

void fault_init(void) {
    if (boot_record.magic != BOOT_MAGIC) {
        boot_record.magic = BOOT_MAGIC;
        boot_record.boots = 0;
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
    __asm volatile("ebreak");
    __builtin_unreachable();
}

_Noreturn __attribute__((noinline)) void assert_failed(const char *expression, const char *file, int line) {
    LOG_ERR("assert", "assertion \"%s\" failed at %s:%d", expression, file, line);
    fault_panic(FAULT_PANIC);
}

static void print_registers(const struct trap_frame *f) {
    LOG_ERR("fault", "mcause=%08x mtval=%08x mepc=%08x mstatus=%08x", (unsigned)f->mcause, (unsigned)f->mtval, (unsigned)f->mepc,
            (unsigned)f->mstatus);
    LOG_ERR("fault", "ra=%08x sp=%08x gp=%08x tp=%08x s0=%08x s1=%08x", (unsigned)f->ra, (unsigned)f->sp, (unsigned)f->gp,
            (unsigned)f->tp, (unsigned)f->s0, (unsigned)f->s1);
    LOG_ERR("fault", "a0=%08x a1=%08x a2=%08x a3=%08x a4=%08x a5=%08x a6=%08x a7=%08x", (unsigned)f->a0, (unsigned)f->a1,
            (unsigned)f->a2, (unsigned)f->a3, (unsigned)f->a4, (unsigned)f->a5, (unsigned)f->a6, (unsigned)f->a7);
}

_Noreturn __attribute__((noinline)) void fault_report(const struct trap_frame *frame) {
    boot_record.last_was_fault = 1;
    print_registers(frame);
    coredump_write(frame, panic_reason);
    board_reset();
}

__attribute__((used, noinline)) _Noreturn void fault_entry(const struct trap_frame *frame) {
    static struct trap_frame last;
    last = *frame;
    fault_report(&last);
}
