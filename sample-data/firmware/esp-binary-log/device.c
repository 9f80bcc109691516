/* A device of 32 bits: writes each statement as a frame of ESP-IDF's binary log (components/log says what the bytes are: identifier of
 * the program, u16 of version, width of the time, level and length; format string, tag, time, arguments; CRC-8), most significant byte
 * first, to standard output of Linux, which QEMU's user mode runs without a board. */
#include "log.h"
#include <stdarg.h>
#include <stdbool.h>

enum { SYS_WRITE = 64, SYS_EXIT = 93 };

extern const char drom_start[], drom_end[];

static uint8_t frame[4096];
static size_t frame_len;

static long syscall3(long number, long a, long b, long c)
{
    register long a7 __asm__("a7") = number, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}

void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

static void put(uint64_t value, int n_bytes)
{
    while (n_bytes-- > 0) {
        frame[frame_len++] = (uint8_t)(value >> (8 * n_bytes));
    }
}

/* An address when the ELF has what is there; else one minus the length, and the bytes, two at least. */
static void put_text(const char *text, int n_bytes)
{
    uintptr_t address = (uintptr_t)text;
    bool is_noload = (address & 0xff000000) == 0;
#ifdef BOOTLOADER
    bool is_loaded = false;
#else
    bool is_loaded = text >= drom_start && text < drom_end;
#endif
    if (is_noload || is_loaded) {
        put(address, 4);
        return;
    }
    if (n_bytes == 0) {
        while (text[n_bytes]) {
            n_bytes++;
        }
    }
    put((uint16_t)(1 - n_bytes), 2);
    for (int i = 0; i < (n_bytes < 2 ? 2 : n_bytes); i++) {
        put((uint8_t)text[i], 1);
    }
}

static uint8_t crc8(const uint8_t *bytes, size_t n)
{
    unsigned sum = 0;
    while (n-- > 0) {
        sum ^= *bytes++;
        for (int bit = 0; bit < 8; bit++) {
            sum = sum & 0x80 ? sum << 1 ^ 0x107 : sum << 1;
        }
    }
    return (uint8_t)sum;
}

void message(enum level level, const char *tag, const char *format, ...)
{
    va_list arguments;
    bool is_buffer = format == buffer_hex || format == buffer_char || format == buffer_hexdump;
    int n_bytes = 0;
    now += 137;
    frame_len = 3;
    put_text(format, 0);
    put_text(tag, 0);
    bool is_long = now >> 32 != 0;
    put(now, is_long ? 8 : 4);
    va_start(arguments, format);
    for (enum kind kind; (kind = va_arg(arguments, int)) != END;) {
        if (kind == TEXT) {
            put_text(va_arg(arguments, const char *), n_bytes);
        } else if (kind == LONG_WORD) {
            put(va_arg(arguments, uint64_t), 8);
        } else {
            uint32_t word = va_arg(arguments, uint32_t);
            put(word, 4);
            n_bytes = is_buffer ? (int)word : 0;
        }
    }
    va_end(arguments);
    size_t len = frame_len + 1;
#ifdef BOOTLOADER
    frame[0] = 1;
#else
    frame[0] = 2;
#endif
    frame[1] = (uint8_t)(is_long << 5 | level << 2 | len >> 8);
    frame[2] = (uint8_t)len;
    put(crc8(frame, frame_len), 1);
    syscall3(SYS_WRITE, 1, (long)frame, (long)frame_len);
}

void _start(void);
void _start(void)
{
    SET();
    syscall3(SYS_EXIT, 0, 0, 0);
    for (;;) { }
}
