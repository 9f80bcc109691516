/* Log statements whose strings stay in the ELF, for a device (frames on standard output) and, with HOST, for the machine at hand
 * (through the C library's printf: what each must say). */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum level { LEVEL_ERROR = 1, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG, LEVEL_VERBOSE };

/* What a frame has of an argument. */
enum kind { END, WORD, LONG_WORD, TEXT };

#ifdef HOST
#define NOLOAD
#define A(value) value
#else
#define NOLOAD_NAME(n) ".noload_keep_in_elf." #n
#define NOLOAD_IN(n) __attribute__((section(NOLOAD_NAME(n)), used))
#define NOLOAD NOLOAD_IN(1)
#define A(value)                                                                                                        \
    _Generic((value), char *: TEXT, const char *: TEXT, uint8_t *: TEXT, const uint8_t *: TEXT, long long: LONG_WORD,    \
             unsigned long long: LONG_WORD, float: LONG_WORD, double: LONG_WORD, default: WORD),                         \
        value
#endif

#define NOLOAD_TEXT(text)                   \
    ({                                      \
        static NOLOAD const char own[] = text; \
        own;                                \
    })

void message(enum level level, const char *tag, const char *format, ...);

#define LOG(level, tag, text, ...) message(LEVEL_##level, tag, NOLOAD_TEXT(text), ##__VA_ARGS__, END)
/* A statement whose format string is where the program can read it. */
#define LOG_LOADED(level, tag, text, ...) message(LEVEL_##level, tag, text, ##__VA_ARGS__, END)
#define BUFFER(level, tag, how, data, n) \
    message(LEVEL_##level, tag, how, A((int)(n)), A((const char *)(data)), A((void *)(uintptr_t)(data)), END)

extern const char buffer_hex[], buffer_char[], buffer_hexdump[];
extern uint64_t now;

/* What Espressif's monitor decodes. */
void plain(void);
/* Contents of buffers. */
void buffers(void);
/* What Espressif's monitor decodes in another way than C says. */
void wide(void);
/* A boot loader. */
void boot(void);
