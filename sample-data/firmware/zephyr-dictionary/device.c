/* A device: packages messages as Zephyr's dictionary output does (lib/os/cbprintf_packaged.c and
 * include/zephyr/logging/log_output_dict.h say what the bytes are) and writes them to standard output of Linux, which QEMU's
 * user mode runs without a board. Sizes, alignment, byte order and bit fields are those of the compiler for the device. */
#include "log.h"
#include <stdarg.h>
#include <stdbool.h>

#ifdef __riscv
enum { SYS_WRITE = 64, SYS_EXIT = 93, LEAST_ALIGN = sizeof(void *) };
static long syscall3(long number, long a, long b, long c)
{
    register long a7 __asm__("a7") = number, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}
#else
enum { SYS_WRITE = 4, SYS_EXIT = 1, LEAST_ALIGN = 1 };
static long syscall3(long number, long a, long b, long c)
{
    register long r7 __asm__("r7") = number, r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
    return r0;
}
#endif

/* The options of a build are absolute symbols. */
#define OPTION(name, value) __asm__(".globl CONFIG_" #name "\n.equ CONFIG_" #name ", " #value "\n");
OPTION(LOG_DICTIONARY_SUPPORT, 1)
OPTION(LOG_FMT_SECTION, 1)
#ifdef __riscv
OPTION(RISCV, 1)
OPTION(64BIT, 1)
OPTION(SYS_CLOCK_HW_CYCLES_PER_SEC, 32768)
#elif defined __ARMEB__
OPTION(ARM, 1)
OPTION(SYS_CLOCK_HW_CYCLES_PER_SEC, 32768)
#else
OPTION(ARM, 1)
OPTION(SYS_CLOCK_HW_CYCLES_PER_SEC, 25000000)
#endif
OPTION(SYS_CLOCK_TICKS_PER_SEC, 100)
#ifdef TIMESTAMP_64BIT
OPTION(LOG_TIMESTAMP_64BIT, 1)
typedef uint64_t timestamp_t;
#else
typedef uint32_t timestamp_t;
#endif

struct __attribute__((packed)) header {
    uint8_t type;
#if VERSION == 3
    uint32_t domain : 4;
    uint32_t level : 4;
    uint32_t package_len : 16;
    uint32_t data_len : 16;
#else
    uint32_t domain : 3;
    uint32_t level : 3;
    uint32_t package_len : 10;
    uint32_t data_len : 12;
#endif
    uintptr_t source;
    timestamp_t timestamp;
};

struct __attribute__((packed)) loss {
    uint8_t type;
    uint16_t n;
};

extern const char rodata_start[], rodata_end[];
extern const struct source log_const_app; /* the first by name */
static timestamp_t now;

static struct package {
    _Alignas(16) uint8_t bytes[1024];
    size_t len;
    uint8_t constant[16], copied[16];
    unsigned n_constant, n_copied;
} package;

void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = (uint8_t)value;
    }
    return to;
}

static void put(const void *value, size_t size, size_t align)
{
    align = align < LEAST_ALIGN ? LEAST_ALIGN : align;
    while (package.len & (align - 1)) {
        package.bytes[package.len++] = 0;
    }
    memcpy(package.bytes + package.len, value, size);
    package.len += size;
}

#define PUT(type, value)                           \
    do {                                           \
        type value_ = (value);                     \
        put(&value_, sizeof value_, _Alignof(type)); \
    } while (0)

static void put_string(const char *text, bool is_first, int flags)
{
    bool is_constant = is_first || (text >= rodata_start && text < rodata_end);
    PUT(const char *, text);
    uint8_t word = (uint8_t)((package.len - sizeof text) / sizeof(int));
    if (!is_constant) {
        package.copied[package.n_copied++] = word;
    } else if (flags & RO_POSITIONS) {
        package.constant[package.n_constant++] = word;
    }
}

/* The arguments as the format string names them. */
static void put_by_format(const char *format, va_list *arguments, int flags)
{
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            continue;
        }
        int n_long = 0, size = 0;
        bool is_done = false, is_wide = false;
        while (!is_done) {
            switch (*++at) {
            case 'l': n_long++; break;
            case 'L': is_wide = true; break;
            case 'j': case 'z': case 't': size = *at; break;
            case '*': PUT(int, va_arg(*arguments, int)); break;
            case 'd': case 'i': case 'u': case 'o': case 'x': case 'X': case 'c':
                if (size == 'j') {
                    PUT(intmax_t, va_arg(*arguments, intmax_t));
                } else if (size) {
                    PUT(size_t, va_arg(*arguments, size_t));
                } else if (n_long == 2) {
                    PUT(long long, va_arg(*arguments, long long));
                } else if (n_long == 1) {
                    PUT(long, va_arg(*arguments, long));
                } else {
                    PUT(int, va_arg(*arguments, int));
                }
                is_done = true;
                break;
            case 's': put_string(va_arg(*arguments, const char *), false, flags); is_done = true; break;
            case 'p': PUT(void *, va_arg(*arguments, void *)); is_done = true; break;
            case 'f': case 'e': case 'g': case 'F': case 'E': case 'G': case 'a':
                if (is_wide) {
                    PUT(long double, va_arg(*arguments, long double));
                } else {
                    PUT(double, va_arg(*arguments, double));
                }
                is_done = true;
                break;
            case '%': is_done = true; break;
            default: break; /* flags, width, precision, h */
            }
        }
    }
}

/* The arguments as their tags name them. The list ends with the format's last argument. */
static void put_by_tags(va_list *arguments, int n, int flags)
{
    while (n-- > 0) {
        int tag = va_arg(*arguments, int);
        PUT(int, tag);
        switch (tag) {
        case LONG: case ULONG: PUT(long, va_arg(*arguments, long)); break;
        case LLONG: case ULLONG: PUT(long long, va_arg(*arguments, long long)); break;
        case FLOAT: case DOUBLE: PUT(double, va_arg(*arguments, double)); break;
        case LDOUBLE: PUT(long double, va_arg(*arguments, long double)); break;
        case STRING: put_string(va_arg(*arguments, const char *), false, flags); break;
        case POINTER: PUT(void *, va_arg(*arguments, void *)); break;
        default: PUT(int, va_arg(*arguments, int)); break;
        }
    }
    PUT(int, END);
}

static int n_arguments(const char *format)
{
    int n = 0;
    for (; *format; format++) {
        if (*format == '%' && *++format != '%') {
            n++;
        }
    }
    return n;
}

void message(int flags, enum level level, const struct source *source, const void *data, size_t n_data, const char *format, ...)
{
    va_list arguments;
    memset(&package, 0, sizeof package);
    package.len = sizeof(void *);
    put_string(format, true, flags);
    va_start(arguments, format);
    if (flags & TAGGED) {
        put_by_tags(&arguments, n_arguments(format), flags);
    } else {
        put_by_format(format, &arguments, flags);
    }
    va_end(arguments);
    package.bytes[0] = (uint8_t)(package.len / sizeof(int));
    package.bytes[1] = (uint8_t)package.n_copied;
    package.bytes[2] = (uint8_t)package.n_constant;
    memcpy(package.bytes + package.len, package.constant, package.n_constant);
    package.len += package.n_constant;
    for (unsigned i = 0; i < package.n_copied; i++) {
        const char *text, *no_text = NULL;
        memcpy(&text, package.bytes + package.copied[i] * sizeof(int), sizeof text);
        memcpy(package.bytes + package.copied[i] * sizeof(int), &no_text, sizeof text);
        package.bytes[package.len++] = package.copied[i];
        do {
            package.bytes[package.len++] = (uint8_t)*text;
        } while (*text++);
    }
    struct header header = {0};
    header.level = level;
    header.package_len = package.len;
    header.data_len = n_data;
    header.source = source == NULL ? 0 : (uintptr_t)(source - &log_const_app);
    header.timestamp = now += 137;
    syscall3(SYS_WRITE, 1, (long)&header, sizeof header);
    syscall3(SYS_WRITE, 1, (long)package.bytes, (long)package.len);
    if (n_data > 0) {
        syscall3(SYS_WRITE, 1, (long)data, (long)n_data);
    }
}

void dropped(uint16_t n)
{
    struct loss loss = {1, n};
    syscall3(SYS_WRITE, 1, (long)&loss, sizeof loss);
}

void _start(void);
void _start(void)
{
    SET();
    syscall3(SYS_EXIT, 0, 0, 0);
    for (;;) { }
}
