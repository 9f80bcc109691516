/* Log statements as Zephyr's macros make them, for a device (packed, on standard output) and, with HOST, for the machine at
 * hand (through the C library's printf: what each message must say). */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum level { NONE, ERR, WRN, INF, DBG };

/* Tags of arguments (Zephyr, include/zephyr/sys/cbprintf_enums.h). */
enum tag { END, CHAR, UCHAR, SHORT, USHORT, INT, UINT, LONG, ULONG, LLONG, ULLONG, FLOAT, DOUBLE, LDOUBLE, STRING, POINTER };

struct source {
    const char *name;
    uint8_t level;
};

/* How a package is made. */
enum {
    TAGGED = 1,        /* each argument behind its tag */
    RO_POSITIONS = 2,  /* where the pointers to constant strings are is noted */
};

#ifdef HOST
#define SOURCE(id) const struct source log_const_##id = {#id, DBG}
#define FORMAT(text) text
#define T(value) value
#else
#define SOURCE(id) const struct source log_const_##id __attribute__((section("._log_const.static.log_const_" #id "_"), used)) = {#id, DBG}
#define FORMAT(text)                                                                     \
    ({                                                                                   \
        static const char format_text[] __attribute__((section("log_strings"))) = text;  \
        format_text;                                                                     \
    })
#define T(value)                                                                                                               \
    _Generic((value), char: CHAR, unsigned char: UCHAR, short: SHORT, unsigned short: USHORT, int: INT, unsigned: UINT,       \
             long: LONG, unsigned long: ULONG, long long: LLONG, unsigned long long: ULLONG, float: FLOAT, double: DOUBLE,    \
             long double: LDOUBLE, char *: STRING, const char *: STRING, default: POINTER),                                   \
        value
#endif

/* A message, with data behind it. */
void message(int flags, enum level level, const struct source *source, const void *data, size_t n_data, const char *format, ...)
    __attribute__((format(printf, 6, 7)
#ifndef HOST
                       , noinline
#endif
                       ));
/* Messages that were lost. */
void dropped(uint16_t n);

#define LOG(level, id, text, ...) message(0, level, &log_const_##id, NULL, 0, FORMAT(text), ##__VA_ARGS__)
/* A debug message begins with the function's name. */
#define LOG_DEBUG(id, text, ...) message(0, DBG, &log_const_##id, NULL, 0, FORMAT("%s: " text), __func__, ##__VA_ARGS__)
#define LOG_FLAGS(flags, level, id, text, ...) message(flags, level, &log_const_##id, NULL, 0, FORMAT(text), ##__VA_ARGS__)
#define LOG_TAGGED(level, id, text, ...) LOG_FLAGS(TAGGED, level, id, text, ##__VA_ARGS__)
#define DUMP(level, id, data, n, text) message(0, level, &log_const_##id, data, n, FORMAT(text))
#define PRINTK(text, ...) message(0, NONE, NULL, NULL, 0, FORMAT(text), ##__VA_ARGS__)

/* Messages that Zephyr's own parser decodes. */
void plain(void);
/* Messages that it does not, and that no device sends without tags or such types. */
void wide(void);
