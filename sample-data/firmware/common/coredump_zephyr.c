/* Zephyr's core dump for Cortex-M as text: every line of up to 32 bytes of hex is marked `#CD:`.
   Header, architecture block version 2 (r4-r11 are written as zero, as a Zephyr without CONFIG_EXTRA_EXCEPTION_INFO does),
   one memory block a RAM range, and a CRC block if COREDUMP_CRC is set. */
#include "board.h"
#include "console.h"
#include "fault.h"

static uint32_t crc;
static unsigned column;

static void put_byte(uint8_t byte) {
    if (column == 0) console_printf("#CD:");
    console_printf("%02x", byte);
    if (++column == 32) {
        console_printf("\n");
        column = 0;
    }
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
}

static void end_record(void) {
    if (column) console_printf("\n");
    column = 0;
}

static void put_bytes(const void *from, uint32_t size) {
    for (const uint8_t *byte = from; size--; byte++) put_byte(*byte);
}

static void put_u16(uint32_t value) {
    put_byte((uint8_t)value);
    put_byte((uint8_t)(value >> 8));
}

static void put_u32(uint32_t value) {
    put_u16(value & 0xFFFF);
    put_u16(value >> 16);
}

static void put_memory(const void *from, const void *to) {
    put_byte('M');
    put_u16(1);
    put_u32((uint32_t)from);
    put_u32((uint32_t)to);
    end_record();
    put_bytes(from, (uint32_t)to - (uint32_t)from);
    end_record();
}

void coredump_write(const struct fault_context *context, enum fault_reason reason) {
    const struct exception_frame *frame = &context->frame;
    crc = 0xFFFFFFFFu;
    column = 0;
    console_printf("#CD:BEGIN#\n");
    put_byte('Z');
    put_byte('E');
    put_u16(2);  /* header version */
    put_u16(3);  /* target: Arm Cortex-M */
    put_byte(5); /* pointers of 2^5 bits */
#if defined(COREDUMP_CRC)
    put_byte(1);
#else
    put_byte(0);
#endif
    put_u32(reason);
    end_record();

    put_byte('A');
    put_u16(2);
    put_u16(17 * 4);
    const uint32_t registers[9] = {frame->r0,  frame->r1, frame->r2, frame->r3,  frame->r12,
                                   frame->lr, frame->pc, frame->xpsr, context->sp};
    put_bytes(registers, sizeof registers);
    for (int i = 4; i <= 11; i++) put_u32(0);
    end_record();

    put_memory(&_ram_start, &_ram_used_end);
#if defined(COREDUMP_CRC)
    uint32_t sum = ~crc;
    put_byte('C');
    put_u16(1);
    put_u32(sum);
    end_record();
#endif
    console_printf("#CD:END#\n");
}
