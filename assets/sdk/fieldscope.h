/* Fieldscope's device-side SDK: metrics, events, logs and coredumps that describe themselves in the ELF.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Two lines add a metric; nothing else is touched:
 *
 *     FS_METRIC_DEFINE(RssiDbm, gauge_i32, "dBm", -120, 0, "Signal strength of the access point");
 *     fs_metric_set(RssiDbm, -57);
 *
 * Names, units, ranges and format strings lie in sections of the ELF that are not loaded: they take no flash. What the device
 * sends is described in wire-format.md. C99, GCC or Clang; no malloc, no RTOS, no floating point unless a metric is gauge_f32. */
#ifndef FIELDSCOPE_H
#define FIELDSCOPE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FS_SDK_VERSION "0.1.0"

/* What it may take. Define any of these for the compiler (-DFS_LOG_SIZE=1024) or in a header (-DFS_CONFIG='"fs_config.h"'). */
#ifdef FS_CONFIG
#include FS_CONFIG
#endif
#ifndef FS_QUEUE_SIZE
#define FS_QUEUE_SIZE 1024 /* RAM for messages that are not sent yet, bytes; a heartbeat must fit */
#endif
#ifndef FS_LOG_SIZE
#define FS_LOG_SIZE 512 /* RAM for log entries that are not sent yet, bytes; 0: no logs */
#endif
#ifndef FS_COREDUMP
#define FS_COREDUMP 1 /* 0: a crash is an event only */
#endif
#ifndef FS_COREDUMP_MAX
#define FS_COREDUMP_MAX 65536 /* of a coredump that is sent from the fault handler, bytes; one that is kept is bounded by its place */
#endif
#ifndef FS_LOG_HOLD_MS
#define FS_LOG_HOLD_MS 5000 /* log entries are sent together: at most this old, or when the half of FS_LOG_SIZE is full */
#endif
#ifndef FS_STORE
#define FS_STORE 1 /* 1: the coredump is kept by fs_port_store_*() and sent after the reboot; 0: sent from the fault handler */
#endif
#ifndef FS_RETAINED
#define FS_RETAINED 1 /* 1: a section `.noinit` survives resets; 0: no count of boots, no crash event after a reboot */
#endif
#ifndef FS_WIRE_COBS
#define FS_WIRE_COBS 0 /* 0: `FS:` lines among the console's text; 1: COBS frames on a byte stream of its own */
#endif
#ifndef FS_SAMPLING
#define FS_SAMPLING FS_SAMPLE_ALL /* what is sent until fs_sampling_set() says otherwise */
#endif

/* Reasons of a reset. Numbers from 64 are the product's own. */
enum fs_reason {
    FS_REASON_UNKNOWN = 0,
    FS_REASON_POWER_ON = 1,
    FS_REASON_PIN = 2,
    FS_REASON_BROWN_OUT = 3,
    FS_REASON_SOFTWARE = 4,
    FS_REASON_WATCHDOG = 5,
    FS_REASON_LOCKUP = 6,
    FS_REASON_FAULT = 7,
    FS_REASON_ASSERT = 8,
    FS_REASON_STACK_OVERFLOW = 9,
    FS_REASON_OUT_OF_MEMORY = 10,
    FS_REASON_FIRMWARE_UPDATE = 11,
    FS_REASON_WAKE_UP = 12,
    FS_REASON_DEBUGGER = 13,
    FS_REASON_CLOCK = 14,
    FS_REASON_USER = 15
};

/* Kinds of data that can be switched off, one by one. */
#define FS_SAMPLE_HEARTBEATS 1u
#define FS_SAMPLE_EVENTS 2u
#define FS_SAMPLE_LOGS 4u
#define FS_SAMPLE_COREDUMPS 8u
#define FS_SAMPLE_ALL 15u

/* RAM that a coredump shall hold, in the order of its worth: what does not fit is left out. */
struct fs_region {
    const void *start;
    size_t size;
};

/* Who the device is. Texts are kept by pointer; those that are unknown are NULL. */
struct fs_device {
    const char *serial, *hardware, *software_type, *software_version;
    const uint8_t *build_id; /* the GNU build id: 20 bytes with --build-id=sha1 */
    uint8_t build_id_size;
    uint32_t heartbeat_ms;            /* time between heartbeats; 0: only fs_heartbeat() makes them */
    uint32_t reset_reason;            /* enum fs_reason, from the reset status register */
    uint32_t reset_code;              /* that register as it was read; 0: not given */
    const struct fs_region *regions;  /* for coredumps */
    uint8_t n_regions;
};

/* Once, before anything else is called. Makes the device and boot messages, and those of a crash before the reset. */
void fs_init(const struct fs_device *device);

/* Sends what waits, at most `max_bytes` bytes (but one chunk if there is any: FS_CHUNK_WIRE bytes). Makes the heartbeat when it
 * is due. From one thread, as often as it pleases. True while more is waiting. */
int fs_poll(size_t max_bytes);
#define FS_CHUNK_WIRE 121u

/* Ends the interval now, for example before a long sleep. */
void fs_heartbeat(void);
/* Makes a device message: identity, sampling, messages lost. */
void fs_send_device(void);
void fs_sampling_set(uint32_t kinds);

/* ---- Metrics ---- */

/* The numbers are not sent: they only tell the setters apart. */
#define FS_METRIC_TYPE_gauge_i32 1u
#define FS_METRIC_TYPE_gauge_u32 2u
#define FS_METRIC_TYPE_gauge_f32 3u
#define FS_METRIC_TYPE_state 4u
#define FS_METRIC_TYPE_string 5u
#define FS_METRIC_TYPE_counter 6u
#define FS_METRIC_TYPE_timer 7u

struct fs_metric;
struct fs_metric_state {
    const struct fs_metric *next; /* metrics are listed when they are first used */
    uint32_t value;               /* a float's bits; a timer's gathered milliseconds */
    uint32_t started;             /* when a running timer was started */
    uint8_t flags;
};
struct fs_metric {
    const char *definition; /* its address in the section that is not loaded: the id */
    struct fs_metric_state *state;
    uint8_t type, size; /* size: of a string's buffer, which follows the state */
};

#define FS_NONE /* no limit */

/* FS_METRIC_DEFINE(name, type, unit, minimum, maximum, description), in one source file, outside functions.
 *   gauge_i32, gauge_u32, gauge_f32   what was measured last in the interval; fs_metric_set(), fs_metric_set_f32()
 *   counter                           how often something happened in the interval; fs_metric_add()
 *   timer                             milliseconds of the interval; fs_metric_start(), fs_metric_stop(), fs_metric_add()
 * Unit and description are one string literal each; minimum and maximum are numbers or FS_NONE. */
#define FS_METRIC_DEFINE(name, type, unit, min, max, description)                                                       \
    FS_METRIC_RECORD_(name, FS_FIELD_TEXT_("type", type) FS_FIELD_LITERAL_("unit", unit) FS_FIELD_NUMBER_("min", min)   \
                      FS_FIELD_NUMBER_("max", max) FS_FIELD_LITERAL_("description", description));                      \
    FS_METRIC_DECLARE(name, type);                                                                                      \
    static struct fs_metric_state fs_metric_state_##name;                                                               \
    const struct fs_metric fs_metric_##name = {fs_metric_definition_##name, &fs_metric_state_##name, FS_METRIC_TYPE_##type, 0}

/* One of some named values, numbered from 0: FS_METRIC_DEFINE_STATE(Valve, "closed,opening,open", "The inlet valve").
 * It holds until it is set again. */
#define FS_METRIC_DEFINE_STATE(name, values, description)                                                               \
    FS_METRIC_RECORD_(name, FS_FIELD_TEXT_("type", state) FS_FIELD_LITERAL_("values", values)                           \
                      FS_FIELD_LITERAL_("description", description));                                                   \
    FS_METRIC_DECLARE(name, state);                                                                                     \
    static struct fs_metric_state fs_metric_state_##name;                                                               \
    const struct fs_metric fs_metric_##name = {fs_metric_definition_##name, &fs_metric_state_##name, FS_METRIC_TYPE_state, 0}

/* A text of at most `length` (1-250) bytes of UTF-8; longer ones are cut. It holds until it is set again. */
#define FS_METRIC_DEFINE_STRING(name, length, description)                                                              \
    FS_METRIC_RECORD_(name, FS_FIELD_TEXT_("type", string) FS_FIELD_NUMBER_("length", length)                           \
                      FS_FIELD_LITERAL_("description", description));                                                   \
    FS_METRIC_DECLARE(name, string);                                                                                    \
    static struct {                                                                                                     \
        struct fs_metric_state state;                                                                                   \
        char text[(length) + 1];                                                                                        \
    } fs_metric_state_##name;                                                                                           \
    const struct fs_metric fs_metric_##name = {fs_metric_definition_##name, &fs_metric_state_##name.state, FS_METRIC_TYPE_string, \
                                               (uint8_t)((length) + 1)}

/* For other source files, or a header: the metric is defined elsewhere. */
#define FS_METRIC_DECLARE(name, type)                                                                     \
    FS_EXTERN_C_ char fs_metric_type_##name[FS_METRIC_TYPE_##type]; /* its size alone is of use */        \
    FS_EXTERN_C_ const char fs_metric_definition_##name[];                                                \
    FS_EXTERN_C_ const struct fs_metric fs_metric_##name

/* From threads and, if FS_LOCK allows it, interrupts. A setter of another type does not compile. */
#define fs_metric_set(name, value)                                                                                   \
    (FS_REQUIRE_(FS_IS_(name, gauge_i32) || FS_IS_(name, gauge_u32) || FS_IS_(name, state)),                          \
     fs_metric_set_(&fs_metric_##name, (uint32_t)(value)))
#define fs_metric_set_f32(name, value) (FS_REQUIRE_(FS_IS_(name, gauge_f32)), fs_metric_set_f32_(&fs_metric_##name, (value)))
#define fs_metric_set_string(name, text) (FS_REQUIRE_(FS_IS_(name, string)), fs_metric_set_string_(&fs_metric_##name, (text)))
/* To a counter, or milliseconds to a timer. Stops at 4294967295. */
#define fs_metric_add(name, n) \
    (FS_REQUIRE_(FS_IS_(name, counter) || FS_IS_(name, timer)), fs_metric_add_(&fs_metric_##name, (uint32_t)(n)))
/* Starting a timer that runs, or stopping one that does not, changes nothing. */
#define fs_metric_start(name) \
    (FS_REQUIRE_(FS_IS_(name, timer)), fs_metric_mark_(&fs_metric_##name, FS_METRIC_LISTED_ | FS_METRIC_SET_ | FS_METRIC_RUNNING_))
#define fs_metric_stop(name) (FS_REQUIRE_(FS_IS_(name, timer)), fs_metric_mark_(&fs_metric_##name, FS_METRIC_LISTED_ | FS_METRIC_SET_))
/* Takes back what was set: null is sent. Not of counters and timers. */
#define fs_metric_unset(name) \
    (FS_REQUIRE_(!FS_IS_(name, counter) && !FS_IS_(name, timer)), fs_metric_mark_(&fs_metric_##name, FS_METRIC_LISTED_))

/* ---- Events ---- */

/* The connection was lost, for a reason of the product's own. */
#define fs_disconnect(code) fs_event_(4u, (int32_t)(code), FS_NO_TEXT_)
/* Something worth looking at, with the place in the code: fs_trace("radio gave up", status). */
#define fs_trace(text, code)                                      \
    do {                                                          \
        uint32_t fs_id_;                                          \
        FS_TEXT_RECORD_(__COUNTER__, FS_STRING_(text), "trace");  \
        fs_event_(3u, (int32_t)(code), fs_id_);                   \
    } while (0)
/* Ends in a fault, so that the coredump shows the caller. */
#define FS_ASSERT(expression) ((expression) ? (void)0 : fs_assert_failed())
/* Before a restart that is meant: the next boot event has this reason. */
void fs_restart_reason(uint32_t reason);

/* ---- Logs ---- */

/* printf's format as one string literal (%d %u %x %s %f, 64-bit with ll or j; at most 8 arguments; no %n, no *). Only the arguments
 * are kept, FS_LOG_ENTRY bytes in all: texts are cut to what the others leave. */
#define FS_LOG_ERR(...) FS_LOG_(1, "error", __VA_ARGS__)
#define FS_LOG_WRN(...) FS_LOG_(2, "warning", __VA_ARGS__)
#define FS_LOG_INF(...) FS_LOG_(3, "info", __VA_ARGS__)
#define FS_LOG_DBG(...) FS_LOG_(4, "debug", __VA_ARGS__)
#define FS_LOG_ENTRY 112u

/* ---- Crashes ---- */

#define FS_ARCH_CORTEX_M 1u /* r0-r12, sp, lr, pc, xpsr, msp, psp, EXC_RETURN, CFSR, HFSR, DFSR, MMFAR, BFAR, AFSR */
#define FS_ARCH_RISCV32 2u  /* pc, x1-x31, mcause, mtval, mstatus */

struct fs_registers {
    uint8_t arch, n;
    uint32_t unknown; /* bit i: words[i] was lost, null is sent */
    uint32_t pc, lr;
    const uint32_t *words;
    struct fs_region stack; /* what comes first in the dump: from sp on, as far as the stack is known to go */
};

/* From the fault handler: keeps what is known of the crash (a coredump too, if there is room) and resets. */
void fs_crash(const struct fs_registers *registers, uint32_t reason) __attribute__((noreturn));
void fs_assert_failed(void) __attribute__((noreturn));
/* What fs_crash() shall give as its reason if the fault that follows was made on purpose. */
void fs_crash_reason(uint32_t reason);

/* ---- The port: what the product or a file of ports/ provides ---- */

uint32_t fs_port_uptime_ms(void);                    /* may wrap; fs_poll() must run once in 49 days */
uint32_t fs_port_time(void);                         /* Unix seconds; 0: not known */
void fs_port_write(const void *bytes, size_t size);  /* all of them; a whole line or frame at a time */
void fs_port_reset(void) __attribute__((noreturn));
#if FS_COREDUMP && FS_STORE
/* A place for one coredump that survives the reset: RAM that is not cleared, or flash. Called in rising order from fs_crash(); the
 * first FS_STORE_HEADER bytes are written last. Offsets and sizes are multiples of 16. */
#define FS_STORE_HEADER 16u
size_t fs_port_store_size(void);
void fs_port_store_begin(void); /* erase */
void fs_port_store_write(size_t offset, const void *bytes, size_t size);
void fs_port_store_read(size_t offset, void *bytes, size_t size);
void fs_port_store_clear(void); /* the dump was sent: the header must not read as it did */
#endif

/* ---- What the macros are made of ---- */

#ifdef __cplusplus
#define FS_EXTERN_C_ extern "C"
#else
#define FS_EXTERN_C_ extern
#endif
#define FS_IS_(name, type) (sizeof fs_metric_type_##name == FS_METRIC_TYPE_##type)
#define FS_REQUIRE_(condition) ((void)sizeof(char[(condition) ? 1 : -1]))
#define FS_STRING__(...) #__VA_ARGS__
#define FS_STRING_(...) FS_STRING__(__VA_ARGS__)

/* A record of a metric: its name, then key=value texts, each ended by NUL, then an empty text. */
#define FS_FIELD_TEXT_(key, value) "\t.asciz \"" key "=" #value "\"\n"
#define FS_FIELD_NUMBER_(key, value) "\t.asciz \"" key "=" FS_STRING_(value) "\"\n"
#define FS_FIELD_LITERAL_(key, value) "\t.ascii \"" key "=\"\n\t.asciz " FS_STRING_(value) "\n"
#define FS_METRIC_RECORD_(name, fields)                                                                          \
    __asm__("\t.pushsection .fieldscope.metrics,\"\",%progbits\n\t.globl fs_metric_definition_" #name            \
            "\nfs_metric_definition_" #name ":\n\t.asciz \"" #name "\"\n" fields "\t.byte 0\n\t.popsection\n")

/* A record of a format string, and its address into `fs_id_`. Its label is told by the file and a count: what is inlined more
 * than once has one record. No C declaration can name such a label, so each processor family has its own load. */
#define FS_LABEL_(n) "\".Lfs:" __FILE__ ":" FS_STRING_(n) "\""
#define FS_TEXT_RECORD_(n, literal, level) FS_TEXT_RECORD__(n, literal, level)
#define FS_TEXT_RECORD__(n, literal, level)                                                                              \
    __asm__ __volatile__("\t.ifndef " FS_LABEL_(n) "\n\t.pushsection .fieldscope.logs,\"\",%progbits\n" FS_LABEL_(n)      \
                         ":\n\t.asciz " literal "\n\t.asciz \"level=" level "\"\n\t.asciz \"file=" __FILE__               \
                         "\"\n\t.asciz \"line=" FS_STRING_(__LINE__) "\"\n\t.byte 0\n\t.popsection\n\t.endif\n");         \
    FS_LOAD_LABEL_(n)
#if defined(__thumb2__) || (defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7)
#define FS_LOAD_LABEL_(n) __asm__ __volatile__("movw %0, #:lower16:" FS_LABEL_(n) "\n\tmovt %0, #:upper16:" FS_LABEL_(n) : "=r"(fs_id_))
#elif defined(__arm__)
#define FS_LOAD_LABEL_(n) \
    __asm__ __volatile__("ldr %0, 1f\n\tb 2f\n\t.balign 4\n1:\t.4byte " FS_LABEL_(n) "\n2:" : "=l"(fs_id_))
#elif defined(__riscv)
#define FS_LOAD_LABEL_(n) \
    __asm__ __volatile__("lui %0, %%hi(" FS_LABEL_(n) ")\n\taddi %0, %0, %%lo(" FS_LABEL_(n) ")" : "=r"(fs_id_))
#elif defined(__aarch64__)
#define FS_LOAD_LABEL_(n) \
    __asm__ __volatile__("movz %w0, #:abs_g0_nc:" FS_LABEL_(n) "\n\tmovk %w0, #:abs_g1:" FS_LABEL_(n) : "=r"(fs_id_))
#elif defined(__x86_64__)
#define FS_LOAD_LABEL_(n) __asm__ __volatile__("movl $" FS_LABEL_(n) ", %0" : "=r"(fs_id_)) /* for tests on the host; -no-pie */
#else
#error "fieldscope: FS_LOAD_LABEL_ is not written for this processor family"
#endif

#define FS_CAT__(a, b) a##b
#define FS_CAT_(a, b) FS_CAT__(a, b)
#define FS_COUNT__(f, a, b, c, d, e, g, h, i, n, ...) n
#define FS_COUNT_(...) FS_COUNT__(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0, ~)
#define FS_FIRST__(f, ...) f
#define FS_FIRST_(...) FS_FIRST__(__VA_ARGS__, ~)

/* What an argument is after promotion: 0 up to 32 bits, 1 64 bits, 2 double, 3 text. */
#ifdef __cplusplus
#define FS_TYPE_(x) fs_argument_type_(x)
#else
#define FS_TYPE_(x) FS_TYPE__(__typeof__(1 ? (x) : (x)))
#define FS_TYPE__(t)                                                                                                  \
    (__builtin_types_compatible_p(t, double) || __builtin_types_compatible_p(t, float)              ? 2u              \
     : __builtin_types_compatible_p(t, char *) || __builtin_types_compatible_p(t, const char *)     ? 3u              \
     : sizeof(t) > 4u                                                                               ? 1u              \
                                                                                                    : 0u)
#endif
#define FS_TYPES_0(f) 0u
#define FS_TYPES_1(f, a) FS_TYPE_(a)
#define FS_TYPES_2(f, a, b) (FS_TYPE_(a) | FS_TYPE_(b) << 2)
#define FS_TYPES_3(f, a, b, c) (FS_TYPES_2(f, a, b) | FS_TYPE_(c) << 4)
#define FS_TYPES_4(f, a, b, c, d) (FS_TYPES_3(f, a, b, c) | FS_TYPE_(d) << 6)
#define FS_TYPES_5(f, a, b, c, d, e) (FS_TYPES_4(f, a, b, c, d) | FS_TYPE_(e) << 8)
#define FS_TYPES_6(f, a, b, c, d, e, g) (FS_TYPES_5(f, a, b, c, d, e) | FS_TYPE_(g) << 10)
#define FS_TYPES_7(f, a, b, c, d, e, g, h) (FS_TYPES_6(f, a, b, c, d, e, g) | FS_TYPE_(h) << 12)
#define FS_TYPES_8(f, a, b, c, d, e, g, h, i) (FS_TYPES_7(f, a, b, c, d, e, g, h) | FS_TYPE_(i) << 14)
#define FS_CALL_0(id, info, f) fs_log_(id, info)
#define FS_CALL_1(id, info, f, a) fs_log_(id, info, a)
#define FS_CALL_2(id, info, f, a, b) fs_log_(id, info, a, b)
#define FS_CALL_3(id, info, f, a, b, c) fs_log_(id, info, a, b, c)
#define FS_CALL_4(id, info, f, a, b, c, d) fs_log_(id, info, a, b, c, d)
#define FS_CALL_5(id, info, f, a, b, c, d, e) fs_log_(id, info, a, b, c, d, e)
#define FS_CALL_6(id, info, f, a, b, c, d, e, g) fs_log_(id, info, a, b, c, d, e, g)
#define FS_CALL_7(id, info, f, a, b, c, d, e, g, h) fs_log_(id, info, a, b, c, d, e, g, h)
#define FS_CALL_8(id, info, f, a, b, c, d, e, g, h, i) fs_log_(id, info, a, b, c, d, e, g, h, i)

#if FS_LOG_SIZE
#define FS_LOG_(number, level, ...)                                                                                     \
    do {                                                                                                                \
        uint32_t fs_id_;                                                                                                \
        if (0) fs_check_format_(__VA_ARGS__);                                                                           \
        FS_TEXT_RECORD_(__COUNTER__, FS_STRING_(FS_FIRST_(__VA_ARGS__)), level);                                        \
        FS_CAT_(FS_CALL_, FS_COUNT_(__VA_ARGS__))                                                                       \
        (fs_id_, (number##u | (uint32_t)FS_COUNT_(__VA_ARGS__) << 4 | (FS_CAT_(FS_TYPES_, FS_COUNT_(__VA_ARGS__))(__VA_ARGS__)) << 8), \
         __VA_ARGS__);                                                                                                  \
    } while (0)
#else
#define FS_LOG_(number, level, ...)                   \
    do {                                              \
        if (0) fs_check_format_(__VA_ARGS__);         \
    } while (0)
#endif

#define FS_NO_TEXT_ 0xFFFFFFFFu
#define FS_METRIC_LISTED_ 1u
#define FS_METRIC_SET_ 2u
#define FS_METRIC_RUNNING_ 4u

void fs_metric_set_(const struct fs_metric *metric, uint32_t value);
void fs_metric_set_string_(const struct fs_metric *metric, const char *text);
void fs_metric_add_(const struct fs_metric *metric, uint32_t n);
void fs_metric_mark_(const struct fs_metric *metric, unsigned flags);
void fs_event_(uint32_t event, int32_t code, uint32_t text);
void fs_log_(uint32_t id, uint32_t info, ...);

static inline void fs_metric_set_f32_(const struct fs_metric *metric, float value) {
    union {
        float value;
        uint32_t bits;
    } number;
    number.value = value;
    fs_metric_set_(metric, number.bits);
}
static inline void __attribute__((format(printf, 1, 2), unused)) fs_check_format_(const char *format, ...) { (void)format; }

#ifdef __cplusplus
}
template <typename T> constexpr uint32_t fs_argument_type_(T) { return sizeof(T) > 4u ? 1u : 0u; }
template <> constexpr uint32_t fs_argument_type_(float) { return 2u; }
template <> constexpr uint32_t fs_argument_type_(double) { return 2u; }
template <> constexpr uint32_t fs_argument_type_(char *) { return 3u; }
template <> constexpr uint32_t fs_argument_type_(const char *) { return 3u; }
#endif

#endif
