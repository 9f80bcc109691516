/* Log lines on UART0: `[00:00:12.340] INF flow: text`. */
#pragma once
#include <stdarg.h>
#include <stdint.h>

/* %s %c %d %u %x, with a width and leading zeros (%08x). */
void console_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_log(const char *level, const char *module, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Milliseconds since boot; each product has its own clock. */
uint32_t uptime_ms(void);
/* Name, version, board, build id and why the last boot ended. */
void console_banner(const char *product, const char *version);

#define LOG_INF(module, ...) console_log("INF", module, __VA_ARGS__)
#define LOG_WRN(module, ...) console_log("WRN", module, __VA_ARGS__)
#define LOG_ERR(module, ...) console_log("ERR", module, __VA_ARGS__)
