#include "console.h"

#include "board.h"
#include "fault.h"

static void put_text(const char *text) {
    for (; *text; text++) {
        if (*text == '\n') uart_putc('\r');
        uart_putc(*text);
    }
}

static void put_number(uint32_t value, uint32_t base, int width, char fill) {
    char digits[10];
    int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (int i = n; i < width; i++) uart_putc(fill);
    while (n) uart_putc(digits[--n]);
}

static void put_formatted(const char *format, va_list arguments) {
    for (; *format; format++) {
        if (*format != '%') {
            if (*format == '\n') uart_putc('\r');
            uart_putc(*format);
            continue;
        }
        format++;
        char fill = *format == '0' ? '0' : ' ';
        int width = 0;
        while (*format >= '0' && *format <= '9') width = width * 10 + (*format++ - '0');
        while (*format == 'l') format++;
        switch (*format) {
            case 's': put_text(va_arg(arguments, const char *)); break;
            case 'c': uart_putc((char)va_arg(arguments, int)); break;
            case 'u': put_number(va_arg(arguments, uint32_t), 10, width, fill); break;
            case 'x': put_number(va_arg(arguments, uint32_t), 16, width, fill); break;
            case 'd': {
                int32_t value = va_arg(arguments, int32_t);
                if (value < 0) uart_putc('-');
                put_number(value < 0 ? 0u - (uint32_t)value : (uint32_t)value, 10, width, fill);
                break;
            }
            default: uart_putc(*format); break;
        }
    }
}

void console_printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    put_formatted(format, arguments);
    va_end(arguments);
}

void console_log(const char *level, const char *module, const char *format, ...) {
    uint32_t ms = uptime_ms();
    uint32_t s = ms / 1000;
    console_printf("[%02u:%02u:%02u.%03u] %s %s: ", (unsigned)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60),
                   (unsigned)(ms % 1000), level, module);
    va_list arguments;
    va_start(arguments, format);
    put_formatted(format, arguments);
    va_end(arguments);
    put_text("\n");
}

void console_banner(const char *product, const char *version) {
    console_printf("\n*** %s %s (%s), build id ", product, version, board_name);
    /* The note: three words (name size, description size, type), "GNU\0", then the id. */
    for (int i = 0; i < 20; i++) console_printf("%02x", _build_id_note[16 + i]);
    console_printf(" ***\n");
    LOG_INF("boot", "boot %u, reset reason: %s", (unsigned)fault_boot_count(), fault_reset_reason());
}
