/* The same statements through the C library of the machine at hand, a line each. */
#include "log.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void message(enum level level, const char *tag, const char *format, ...)
{
    va_list arguments;
    now += 137;
    printf("%c (%" PRIu64 ") %s: ", " EWIDV"[level], now, tag);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

int main(void)
{
    SET();
    return 0;
}
