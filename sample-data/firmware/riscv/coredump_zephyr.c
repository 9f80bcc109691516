/* Zephyr's core dump for RISC-V, 32 bit, as text: every line of up to 32 bytes of hex is marked `#CD:`.
   Header, architecture block version 1 (no s0-s11: Zephyr stores the registers that a call may change, and sp), one
   memory block, and a CRC block. */
#include "board.h"
#include "console.h"
#include "trap.h"

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

static void put_u16(uint32_t value) {
    put_byte((uint8_t)value);
    put_byte((uint8_t)(value >> 8));
}

static void put_u32(uint32_t value) {
    put_u16(value & 0xFFFF);
    put_u16(value >> 16);
}

void coredump_write(const struct trap_frame *f, enum fault_reason reason) {
    crc = 0xFFFFFFFFu;
    column = 0;
    console_printf("#CD:BEGIN#\n");
    put_byte('Z');
    put_byte('E');
    put_u16(2);  /* header version */
    put_u16(4);  /* target: RISC-V */
    put_byte(5); /* pointers of 2^5 bits */
    put_byte(1); /* a CRC follows */
    put_u32(reason);
    end_record();

    const uint32_t registers[19] = {f->ra, f->tp, f->t0, f->t1, f->t2, f->a0, f->a1, f->a2, f->a3,   f->a4,
                                    f->a5, f->a6, f->a7, f->t3, f->t4, f->t5, f->t6, f->mepc, f->sp};
    put_byte('A');
    put_u16(1);
    put_u16(sizeof registers);
    for (int i = 0; i < 19; i++) put_u32(registers[i]);
    end_record();

    put_byte('M');
    put_u16(1);
    put_u32((uint32_t)&_ram_start);
    put_u32((uint32_t)&_ram_used_end);
    end_record();
    for (const uint8_t *byte = (const uint8_t *)&_ram_start; byte < (const uint8_t *)&_ram_used_end; byte++) put_byte(*byte);
    end_record();
    uint32_t sum = ~crc;
    put_byte('C');
    put_u16(1);
    put_u32(sum);
    end_record();
    console_printf("#CD:END#\n");
}
