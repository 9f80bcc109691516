/* The same messages through the C library of the machine at hand: time, level, source and text of each, a line each. */
#include "log.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint64_t now;

void message(int flags, enum level level, const struct source *source, const void *data, size_t n_data, const char *format, ...)
{
    static const char *const levels[] = {"none", "err", "wrn", "inf", "dbg"};
    char text[1024];
    va_list arguments;
    (void)flags;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text[strcspn(text, "\n")] = 0;
    printf("%" PRIu64 "|%s|%s|%s", now += 137, levels[level], source == NULL ? "" : source->name, text);
    for (size_t i = 0; i < n_data; i++) {
        printf("%s%02x", i == 0 ? "|" : " ", ((const uint8_t *)data)[i]);
    }
    putchar('\n');
}

void dropped(uint16_t n)
{
    printf("dropped %u\n", n);
}

int main(void)
{
    SET();
    return 0;
}
