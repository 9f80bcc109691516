/* CrashCatcher's hex dump, version 3: signature, flags, registers, regions; every word in the byte order of memory. */
#include "board.h"
#include "console.h"
#include "fault.h"

static void put_hex(const void *from, uint32_t size) {
    const uint8_t *byte = from;
    for (uint32_t i = 0; i < size; i++) {
        console_printf("%02x", byte[i]);
        if (i % 16 == 15 || i + 1 == size) console_printf("\n");
    }
}

static void put_region(uint32_t from, uint32_t to) {
    const uint32_t header[2] = {from, to};
    put_hex(header, sizeof header);
    put_hex((const void *)from, to - from);
}

void coredump_write(const struct fault_context *context, enum fault_reason reason) {
    (void)reason;
    const struct exception_frame *frame = &context->frame;
    console_printf("\n\nCRASH ENCOUNTERED\nEnable logging and then press any key to start dump.\n\n");
    const uint8_t signature[4] = {0x63, 0x43, 3, 0};
    put_hex(signature, sizeof signature);
    uint32_t flags = context->has_float ? 1 : 0;
    put_hex(&flags, sizeof flags);
    put_hex(&frame->r0, 16);
    put_hex(context->saved.r4_r11, 32);
    put_hex(&frame->r12, 4);
    put_hex(&context->sp, 4);
    put_hex(&frame->lr, 12); /* lr, pc, xpsr */
    put_hex(&context->saved.msp, 12); /* msp, psp, the handler's xpsr */
    if (context->has_float) {
        put_hex(frame->s, 64);
        put_hex(context->s16_s31, 64);
        put_hex(&frame->fpscr, 4);
    }
    put_region((uint32_t)&_ram_start, (uint32_t)&_ram_used_end);
#if HAS_FAULT_REGISTERS
    /* These must be read as words. */
    uint32_t registers[5];
    for (int i = 0; i < 5; i++) registers[i] = REG32(0xE000ED28 + 4 * i);
    const uint32_t header[2] = {0xE000ED28, 0xE000ED3C};
    put_hex(header, sizeof header);
    put_hex(registers, sizeof registers);
#endif
    console_printf("\nEnd of dump\n");
}
