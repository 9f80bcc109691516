/* Fieldscope's device-side SDK. SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A message is encoded once, into a queue in RAM, with interrupts locked; fs_poll() cuts what is queued into chunks. A coredump is
 * encoded by the fault handler, piece by piece. The wire format is described in wire-format.md. */
#include "fieldscope.h"

#include <stdarg.h>

/* A critical section: short, and all that keeps a message from being torn. */
#ifndef FS_LOCK
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#define FS_LOCK()       \
    uint32_t fs_masked; \
    __asm__ __volatile__("mrs %0, primask\n\tcpsid i" : "=r"(fs_masked) : : "memory")
#define FS_UNLOCK() __asm__ __volatile__("msr primask, %0" : : "r"(fs_masked) : "memory")
#elif defined(__riscv)
#define FS_LOCK()         \
    unsigned long fs_mie; \
    __asm__ __volatile__("csrrci %0, mstatus, 8" : "=r"(fs_mie) : : "memory")
#define FS_UNLOCK() __asm__ __volatile__("csrs mstatus, %0" : : "r"(fs_mie & 8u) : "memory")
#else
#define FS_LOCK() ((void)0)
#define FS_UNLOCK() ((void)0)
#endif
#endif
#ifndef FS_NOINIT
#define FS_NOINIT __attribute__((section(".noinit")))
#endif

enum { KIND_HEARTBEAT = 1, KIND_EVENT = 2, KIND_LOGS = 3, KIND_COREDUMP = 4, KIND_DEVICE = 5 };
enum { EVENT_BOOT = 1, EVENT_CRASH = 2, EVENT_ASSERT = 5 };
#define UINT 0u
#define NEGATIVE 1u
#define BYTES 2u
#define TEXT 3u
#define ARRAY 4u
enum { BEGIN_ARRAY = 0x9F, BEGIN_MAP = 0xBF, FLOAT32 = 0xFA, FLOAT64 = 0xFB, UNSET = 0xF6, BREAK = 0xFF };
enum { METRIC_LISTED = FS_METRIC_LISTED_, METRIC_SET = FS_METRIC_SET_, METRIC_RUNNING = FS_METRIC_RUNNING_ };
/* Read from the ELF; takes no flash. */
__asm__("\t.pushsection .fieldscope.version,\"\",%progbits\n\t.asciz \"" FS_SDK_VERSION "\"\n\t.popsection\n");

#define WIRE_VERSION 1u
#define HEADER 8u
#define PAYLOAD 75u /* 8 + 75 + 4 bytes are 116 characters of base64 */
#define CHECKSUM 4u
#define RECORD 3u /* of the queue: length (2), kind (1), then the message */
#define STORE_PIECE 64u
#define SURVIVORS_SEED 0x54525346u
#define DUMP_TO_STORE (FS_COREDUMP && FS_STORE)
#define NOINLINE __attribute__((noinline)) /* smaller: large functions run out of registers */

#if FS_LOG_SIZE && FS_LOG_SIZE < 256
#error "fieldscope: FS_LOG_SIZE must be 0 or at least 256"
#endif

/* All of the state. It lies where a reset leaves it alone (`check` tells what survived from the noise after power-on); what begins
 * at `device` is cleared by fs_init(). What is used most stands first: short offsets are short instructions. */
#if FS_RETAINED
FS_NOINIT
#endif
static struct {
    uint32_t now[2], time; /* uptime in 64 bits from a clock of 32, low word first; Unix time. They change too often to be checked */
    uint32_t boots, restart_reason, crash_reason, crash_pc, crash_lr, check;

    const struct fs_device *device;
    const struct fs_metric *metrics; /* the list of those that were used */
    uint32_t interval_start, sampling, dropped;
    /* What put() writes to. */
    uint8_t *to;
    uint32_t size, limit;
    uint32_t left, offset, kind, sequence; /* of the message that is being sent */
    uint32_t queued, logged;               /* bytes of `queue` and of `logs` */
    uint32_t full, dumping;
    uint32_t dump, crc; /* of the coredump that is kept: length; checksum while it is made */
    uint32_t logs_sent, logs_dropped;
    uint8_t chunk[HEADER + PAYLOAD + CHECKSUM + 2]; /* base64 reads groups of three */
    uint8_t queue[FS_QUEUE_SIZE];
#if FS_LOG_SIZE
    uint8_t logs[FS_LOG_SIZE]; /* entries, each after its length */
#endif
} fs;
/* Cleared by the start-up code: a crash before fs_init(), or within a crash, finds nothing to keep. */
static uint8_t life;
enum { ALIVE = 1, CRASHED = 2 };

/* ---- Helpers ---- */

static uint32_t crc32_add(uint32_t crc, const void *from, uint32_t size) {
    const uint8_t *byte = from;
    while (size--) {
        crc ^= *byte++;
        for (unsigned bit = 8; bit--;) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return crc;
}

/* Forwards, also onto itself. */
static void copy(void *to, const void *from, uint32_t size) {
    uint8_t *byte = to;
    for (const uint8_t *next = from; size--;) *byte++ = *next++;
}

#if !FS_WIRE_COBS
static uint8_t base64_digit(uint32_t value) {
    uint32_t letter = value + 'A';
    if (value >= 26) letter += 'a' - 'Z' - 1;
    if (value >= 52) letter -= 'z' + 1 - '0';
    if (value >= 62) letter = value == 62 ? '+' : '/';
    return (uint8_t)letter;
}
#endif

static NOINLINE void store_le(uint8_t *to, uint32_t value, unsigned size) {
    for (; size--; value >>= 8) *to++ = (uint8_t)value;
}

static uint32_t survivors_check(void) { return crc32_add(SURVIVORS_SEED, &fs.boots, (uint32_t)((uint8_t *)&fs.check - (uint8_t *)&fs.boots)); }

static uint32_t uptime(void) {
    uint32_t now = fs_port_uptime_ms();
    if (now < fs.now[0]) fs.now[1]++;
    return fs.now[0] = now;
}

/* ---- Chunks ---- */

static NOINLINE void write_chunk(uint32_t payload, unsigned last) {
    uint32_t size = HEADER + payload;
    store_le(fs.chunk, WIRE_VERSION << 4 | fs.kind | (uint32_t)last << 8 | fs.sequence << 16, 4);
    store_le(fs.chunk + 4, fs.offset, 4);
    store_le(fs.chunk + size, ~crc32_add(~0u, fs.chunk, size), 4);
    size += CHECKSUM;
    fs.offset += payload;
    uint8_t line[FS_CHUNK_WIRE];
    uint8_t *to = line;
#if FS_WIRE_COBS
    /* 0x00, then each run without zeros after its length + 1, then 0x00. No run is longer than 253. */
    *to++ = 0;
    uint8_t *code = to++;
    for (const uint8_t *from = fs.chunk; size--; from++) {
        *to++ = *from;
        if (*from) continue;
        *code = (uint8_t)(to - 1 - code);
        code = to - 1;
    }
    *code = (uint8_t)(to - code);
    *to++ = 0;
#else
    *to++ = 'F';
    *to++ = 'S';
    *to++ = ':';
    store_le(fs.chunk + size, 0, 2);
    /* Without padding: of a last group of one or two bytes, two or three digits. */
    for (const uint8_t *from = fs.chunk, *end = from + size; from < end; from += 3) {
        uint32_t bits = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        for (unsigned digit = 0; digit < 4 && from + digit <= end; digit++, bits <<= 6) *to++ = base64_digit(bits >> 18 & 63u);
    }
    *to++ = '\r';
    *to++ = '\n';
#endif
    fs_port_write(line, (size_t)(to - line));
}

static void begin_sending(uint32_t kind) {
    fs.kind = kind;
    fs.sequence++;
    fs.offset = 0;
}

/* ---- CBOR ---- */

#if FS_COREDUMP
/* A coredump goes out piece by piece. */
static void flush_piece(void) {
#if FS_STORE
    fs.crc = crc32_add(fs.crc, fs.to, fs.size);
    fs_port_store_write(FS_STORE_HEADER + fs.offset, fs.to, (fs.size + 15u) & ~15u);
    fs.offset += fs.size;
#else
    write_chunk(fs.size, 0);
#endif
    fs.size = 0;
}
#endif

static void put(uint32_t byte) {
    if (fs.size == fs.limit) {
#if FS_COREDUMP
        if (fs.dumping) {
            flush_piece();
        } else
#endif
        {
            fs.full = 1;
            return;
        }
    }
    fs.to[fs.size++] = (uint8_t)byte;
}

static void put_n(uint32_t value, unsigned size) {
    while (size--) put(value >> 8 * size);
}

static void put_bytes(const void *from, uint32_t size) {
    for (const uint8_t *byte = from; size--;) put(*byte++);
}

static void put_64(unsigned major, uint32_t low, uint32_t high) {
    unsigned size = high ? 8 : low < 24 ? 0 : low < 0x100 ? 1 : low < 0x10000 ? 2 : 4;
    put(major << 5 | (size ? 24 + (size >> 1) - (size >> 3) : low));
    if (high) put_n(high, size = 4);
    put_n(low, size);
}

static void put_head(unsigned major, uint32_t value) { put_64(major, value, 0); }

static void put_signed(uint32_t low, int32_t high) {
    uint32_t sign = high < 0 ? ~0u : 0;
    put_64(sign & NEGATIVE, low ^ sign, (uint32_t)high ^ sign);
}

static void put_int(int32_t value) { put_signed((uint32_t)value, value >> 31); }

/* Keys are below 24. */
static void put_pair(unsigned key, uint32_t value) {
    put(key);
    put_head(UINT, value);
}

/* How many bytes of a text are at most `max`, without cutting a character. */
static uint32_t text_size(const char *text, uint32_t max) {
    uint32_t size = 0;
    while (size < max && text[size]) size++;
    if (text[size]) {
        while (size && ((uint8_t)text[size] & 0xC0u) == 0x80u) size--;
    }
    return size;
}

static void put_text(const char *text, uint32_t max) {
    uint32_t size = text_size(text, max);
    put_head(TEXT, size);
    put_bytes(text, size);
}

/* ---- Messages ---- */

/* The map's head and what each message begins with: who (`whole`: all of it), when, and `first`, which has key 9. */
static void put_identity(int whole, uint32_t first) {
    const struct fs_device *device = fs.device;
    uint32_t id_size = device->build_id_size;
    put(BEGIN_MAP);
    if (whole) {
        const char *const *texts = &device->serial;
        for (unsigned key = 1; key <= 4; key++, texts++) {
            if (!*texts) continue;
            put(key);
            put_text(*texts, 63);
        }
    } else if (id_size > 8) {
        id_size = 8;
    }
    if (id_size) {
        put(5);
        put_head(BYTES, id_size);
        put_bytes(device->build_id, id_size);
    }
    if (FS_RETAINED) put_pair(6, fs.boots);
    put(7);
    put_64(UINT, fs.now[0], fs.now[1]);
    if (fs.time) put_pair(8, fs.time);
    put_pair(9, first);
}

static NOINLINE void begin_message_then(uint32_t kind, int whole, uint32_t first) {
    fs.to = fs.queue;
    fs.size = fs.queued;
    fs.limit = FS_QUEUE_SIZE;
    fs.full = 0;
    put_n(kind, RECORD);
    put_identity(whole, first);
}

static void begin_message(uint32_t kind, int whole, uint32_t first) {
    uptime();
    fs.time = fs_port_time();
    begin_message_then(kind, whole, first);
}

/* False if the queue is too full: nothing of the message was kept. Nor is it if its kind (0: none) is switched off. */
static int end_message(uint32_t kind) {
    put(BREAK);
    if (kind & ~fs.sampling) return 1;
    if (fs.full) {
        fs.dropped++;
        return 0;
    }
    store_le(fs.queue + fs.queued, fs.size - fs.queued - RECORD, 2);
    fs.queued = fs.size;
    return 1;
}

void fs_send_device(void) {
    FS_LOCK();
    begin_message(KIND_DEVICE, 1, fs.sampling);
    put_pair(10, fs.dropped);
    end_message(0);
    FS_UNLOCK();
}

void fs_sampling_set(uint32_t kinds) {
    fs.sampling = kinds;
    fs_send_device();
}

/* ---- Metrics ---- */

/* Listed when it is first used: so there is neither a table to keep nor a section that a linker script must know. */
static struct fs_metric_state *touch(const struct fs_metric *metric) {
    struct fs_metric_state *state = metric->state;
    if (!(state->flags & METRIC_LISTED)) {
        state->next = fs.metrics;
        fs.metrics = metric;
    }
    state->flags |= METRIC_LISTED | METRIC_SET;
    return state;
}

/* To a counter or timer, which stops at the largest number. A timer that runs gets what has passed, too. */
static void add(struct fs_metric_state *state, uint32_t n) {
    if (state->flags & METRIC_RUNNING) {
        uint32_t now = uptime();
        n += now - state->started;
        state->started = now;
    }
    state->value = state->value > ~n ? ~0u : state->value + n;
}

void fs_metric_set_(const struct fs_metric *metric, uint32_t value) {
    FS_LOCK();
    touch(metric)->value = value;
    FS_UNLOCK();
}

void fs_metric_set_string_(const struct fs_metric *metric, const char *text) {
    FS_LOCK();
    char *to = (char *)(touch(metric) + 1);
    uint32_t size = text_size(text, metric->size - 1u);
    copy(to, text, size);
    to[size] = 0;
    FS_UNLOCK();
}

void fs_metric_add_(const struct fs_metric *metric, uint32_t n) {
    FS_LOCK();
    add(touch(metric), n);
    FS_UNLOCK();
}

/* Sets the flags of the metric: of a timer that runs or not, of what is taken back. */
void fs_metric_mark_(const struct fs_metric *metric, unsigned flags) {
    FS_LOCK();
    struct fs_metric_state *state = touch(metric);
    add(state, 0);
    state->started = uptime();
    state->flags = (uint8_t)flags;
    FS_UNLOCK();
}

static void put_metric(const struct fs_metric *metric) {
    struct fs_metric_state *state = metric->state;
    if (metric->type >= FS_METRIC_TYPE_counter) add(state, 0);
    put_head(UINT, (uint32_t)(uintptr_t)metric->definition);
    if (!(state->flags & METRIC_SET)) {
        put(UNSET);
    } else if (metric->type == FS_METRIC_TYPE_string) {
        put_text((const char *)(state + 1), metric->size);
    } else if (metric->type == FS_METRIC_TYPE_gauge_f32) {
        put(FLOAT32);
        put_n(state->value, 4);
    } else if (metric->type == FS_METRIC_TYPE_gauge_i32) {
        put_int((int32_t)state->value);
    } else {
        put_head(UINT, state->value);
    }
}

/* What was measured is cleared when it is in a message, not before: if the queue is full, the interval goes on. */
void fs_heartbeat(void) {
    FS_LOCK();
    const struct fs_metric *metric;
    begin_message(KIND_HEARTBEAT, 1, uptime() - fs.interval_start);
    put_n(10u << 8 | BEGIN_MAP, 2);
    for (metric = fs.metrics; metric; metric = metric->state->next) put_metric(metric);
    put(BREAK);
    if (end_message(FS_SAMPLE_HEARTBEATS)) {
        for (metric = fs.metrics; metric; metric = metric->state->next) {
            if (metric->type >= FS_METRIC_TYPE_counter) metric->state->value = 0;
            if (metric->type <= FS_METRIC_TYPE_gauge_f32) metric->state->flags = METRIC_LISTED;
        }
        fs.interval_start = fs.now[0];
    }
    FS_UNLOCK();
}

/* ---- Events ---- */

void fs_event_(uint32_t event, int32_t code, uint32_t text) {
    uint32_t pc = (uint32_t)(uintptr_t)__builtin_return_address(0);
    FS_LOCK();
    begin_message(KIND_EVENT, 0, event);
    put(11);
    put_int(code);
    put_pair(12, pc);
    if (text != FS_NO_TEXT_) put_pair(14, text);
    end_message(FS_SAMPLE_EVENTS);
    FS_UNLOCK();
}

void fs_restart_reason(uint32_t reason) {
    FS_LOCK();
    fs.restart_reason = reason;
    fs.check = survivors_check();
    FS_UNLOCK();
}

/* ---- Logs ---- */

#if FS_LOG_SIZE
static void drop_logs(uint32_t size) {
    fs.logged -= size;
    copy(fs.logs, fs.logs + size, fs.logged);
}

/* The oldest make room. */
static void begin_entry(uint32_t n, unsigned level) {
    while (fs.logged > FS_LOG_SIZE - 1u - FS_LOG_ENTRY) {
        drop_logs(1u + fs.logs[0]);
        fs.logs_dropped++;
    }
    uptime();
    fs.to = fs.logs;
    fs.size = fs.logged + 1u;
    fs.limit = fs.size + FS_LOG_ENTRY;
    put_head(ARRAY, n);
    put_64(UINT, fs.now[0], fs.now[1]);
    put(level);
}

static void end_entry(void) {
    fs.logs[fs.logged] = (uint8_t)(fs.size - fs.logged - 1u);
    fs.logged = fs.size;
}

void fs_log_(uint32_t id, uint32_t info, ...) {
    uint32_t n = info >> 4 & 15u;
    uint32_t types = info >> 8;
    va_list arguments;
    va_start(arguments, info);
    FS_LOCK();
    begin_entry(3 + n, info & 7u);
    put_head(UINT, id);
    for (; n--; types >>= 2) {
        unsigned type = types & 3u;
        if (!type) {
            put_int(va_arg(arguments, int));
        } else if (type < 3) {
            union {
                int64_t integer;
                double value;
            } number;
            if (type == 1) {
                number.integer = va_arg(arguments, int64_t);
            } else {
                number.value = va_arg(arguments, double);
            }
            uint32_t low = (uint32_t)number.integer, high = (uint32_t)((uint64_t)number.integer >> 32);
            if (type == 1) {
                put_signed(low, (int32_t)high);
            } else {
                put(FLOAT64);
                put_n(high, 4);
                put_n(low, 4);
            }
        } else {
            /* Numbers take at most 9 bytes: those that follow must fit. */
            put_text(va_arg(arguments, const char *), fs.limit - fs.size - 9u * n - 2u);
        }
    }
    end_entry();
    FS_UNLOCK();
    va_end(arguments);
}

/* Moves the oldest entries, as many as make a message of a bounded size. The queue is empty. */
static NOINLINE void batch_logs(void) {
    FS_LOCK();
    uint32_t taken = 0;
    begin_message(KIND_LOGS, 0, fs.logs_dropped);
    while (taken < fs.logged && taken < 3u * FS_LOG_ENTRY) taken += 1u + fs.logs[taken];
    put(10);
    put_head(BYTES, taken);
    put_bytes(fs.logs, taken);
    if (end_message(FS_SAMPLE_LOGS)) {
        drop_logs(taken);
        fs.logs_dropped = 0;
    }
    fs.logs_sent = fs.now[0];
    FS_UNLOCK();
}
#endif

/* ---- Crashes ---- */

void fs_crash_reason(uint32_t reason) { fs.crash_reason = reason; }

void __attribute__((noinline)) fs_assert_failed(void) {
    fs.crash_reason = FS_REASON_ASSERT;
    fs.crash_pc = (uint32_t)(uintptr_t)__builtin_return_address(0);
    __builtin_trap();
}

#if FS_COREDUMP
/* The stack, then the regions in the order of their worth; what does not fit is cut off and counted. */
static NOINLINE void put_memory(const struct fs_region *region, uint32_t capacity) {
    uint32_t left_out = 0;
    for (unsigned i = 0; i <= fs.device->n_regions; region = &fs.device->regions[i++]) {
        uint32_t size = (uint32_t)region->size, end = fs.offset + fs.size + 48u; /* what stands around the bytes, and the header */
        uint32_t room = end < capacity ? capacity - end : 0;
        if (size > room) {
            left_out += size - room;
            size = room;
        }
        put_head(ARRAY, 2);
        put_head(UINT, (uint32_t)(uintptr_t)region->start);
        put_head(BYTES, size);
        put_bytes(region->start, size);
    }
    put(BREAK);
    put_pair(14, left_out);
}

static NOINLINE void write_coredump(const struct fs_registers *registers) {
    uint32_t capacity = FS_COREDUMP_MAX;
    fs.dumping = 1;
    fs.size = 0;
#if FS_STORE
    fs.offset = 0;
    capacity = (uint32_t)fs_port_store_size();
    fs.to = fs.chunk;
    fs.limit = STORE_PIECE;
    fs.crc = ~0u;
    fs_port_store_begin();
#else
    begin_sending(KIND_COREDUMP);
    fs.to = fs.chunk + HEADER;
    fs.limit = PAYLOAD;
#if !FS_WIRE_COBS
    fs_port_write("\r\n", 2); /* a line may have been cut */
#endif
#endif
    uptime();
    put_identity(1, fs.crash_reason);
    put_pair(10, registers->arch);
    put(11);
    put_head(ARRAY, registers->n);
    const uint32_t *word = registers->words;
    uint32_t unknown = registers->unknown;
    for (unsigned i = registers->n; i--; word++, unknown >>= 1) {
        if (unknown & 1u) {
            put(UNSET);
        } else {
            put_head(UINT, *word);
        }
    }
#if FS_LOG_SIZE
    put(12);
    put_head(BYTES, fs.logged);
    put_bytes(fs.logs, fs.logged);
#endif
    put_n(13u << 8 | BEGIN_ARRAY, 2);
    put_memory(&registers->stack, capacity);
    put(BREAK);
#if FS_STORE
    /* The header comes last: a dump that was not finished is none. */
    flush_piece();
    const uint32_t header[4] = {fs.offset, fs.crc, 0, 0};
    fs_port_store_write(0, header, FS_STORE_HEADER);
#else
    write_chunk(fs.size, 1);
#endif
}
#endif

#if DUMP_TO_STORE
/* The length of the coredump that is kept, if it is whole. */
static NOINLINE uint32_t stored_coredump(void) {
    uint32_t header[4];
    fs_port_store_read(0, header, FS_STORE_HEADER);
    uint32_t length = header[0];
    if (length > fs_port_store_size() - FS_STORE_HEADER) return 0;
    uint32_t crc = ~0u;
    for (uint32_t at = 0; at < length;) {
        uint32_t size = length - at < STORE_PIECE ? length - at : STORE_PIECE;
        fs_port_store_read(FS_STORE_HEADER + at, fs.chunk, size);
        crc = crc32_add(crc, fs.chunk, size);
        at += size;
    }
    return crc == header[1] ? length : 0;
}
#endif

void fs_crash(const struct fs_registers *registers, uint32_t reason) {
    if (life != ALIVE) fs_port_reset();
    life = CRASHED;
    uptime();
    fs.time = fs_port_time();
    if (!fs.crash_reason) fs.crash_reason = reason;
    if (!fs.crash_pc) fs.crash_pc = registers->pc;
    fs.crash_lr = registers->lr;
    fs.check = survivors_check();
#if FS_COREDUMP
    if (fs.sampling & FS_SAMPLE_COREDUMPS) write_coredump(registers);
#endif
    (void)registers;
    fs_port_reset();
}

/* ---- Life ---- */

void fs_init(const struct fs_device *device) {
    uint32_t reason = device->reset_reason;
    for (uint8_t *byte = (uint8_t *)&fs.device; byte < (uint8_t *)(&fs + 1);) *byte++ = 0;
    fs.device = device;
    life = ALIVE;
    fs.sampling = FS_SAMPLING;
    if (!FS_RETAINED || fs.check != survivors_check()) {
        fs.boots = fs.restart_reason = fs.crash_reason = 0;
        fs.now[0] = fs.now[1] = 0;
    }
    if (fs.restart_reason) reason = fs.restart_reason;
    if (fs.crash_reason) {
        /* As of the boot that crashed: its number, its time. */
        reason = fs.crash_reason;
        begin_message_then(KIND_EVENT, 1, reason == FS_REASON_ASSERT ? EVENT_ASSERT : EVENT_CRASH);
        put_pair(10, reason);
        put_pair(12, fs.crash_pc);
        put_pair(13, fs.crash_lr);
        end_message(FS_SAMPLE_EVENTS);
    }
    fs.boots++;
    fs.restart_reason = fs.crash_reason = fs.crash_pc = 0;
    fs.check = survivors_check();
    uint32_t low = fs.now[0], high = fs.now[1];
    fs.now[0] = fs.now[1] = 0;
    fs.interval_start = uptime();
    fs_send_device();
    begin_message(KIND_EVENT, 1, EVENT_BOOT);
    put_pair(10, reason);
    put_pair(11, device->reset_code);
    put(15);
    put_64(UINT, low, high);
    end_message(FS_SAMPLE_EVENTS);
#if DUMP_TO_STORE
    if (fs.sampling & FS_SAMPLE_COREDUMPS) fs.dump = stored_coredump();
#endif
}

/* Sends one chunk; false if there is none. */
static NOINLINE int send_chunk(void) {
    if (!fs.left) {
#if FS_LOG_SIZE
        if (!fs.queued && fs.logged && (fs.sampling & FS_SAMPLE_LOGS) &&
            (fs.logged > FS_LOG_SIZE / 2 || uptime() - fs.logs_sent >= FS_LOG_HOLD_MS)) {
            batch_logs();
        }
#endif
        uint32_t kind = KIND_COREDUMP;
        fs.left = fs.dump;
        if (fs.queued) {
            kind = fs.queue[2];
            fs.left = (uint32_t)(fs.queue[0] | fs.queue[1] << 8);
        }
        if (!fs.left) return 0;
        begin_sending(kind);
    }
    uint8_t *to = fs.chunk + HEADER;
    uint32_t n = fs.left < PAYLOAD ? fs.left : PAYLOAD;
#if DUMP_TO_STORE
    if (fs.kind == KIND_COREDUMP) {
        fs_port_store_read(FS_STORE_HEADER + fs.offset, to, n);
    } else
#endif
    {
        copy(to, fs.queue + RECORD + fs.offset, n);
    }
    fs.left -= n;
    write_chunk(n, !fs.left);
    if (!fs.left) {
#if DUMP_TO_STORE
        if (fs.kind == KIND_COREDUMP) {
            fs_port_store_clear();
            fs.dump = 0;
            return 1;
        }
#endif
        FS_LOCK();
        uint32_t sent = RECORD + fs.offset;
        fs.queued -= sent;
        copy(fs.queue, fs.queue + sent, fs.queued);
        fs.full = 0;
        FS_UNLOCK();
    }
    return 1;
}

int fs_poll(size_t max_bytes) {
    FS_LOCK();
    uint32_t now = uptime();
    FS_UNLOCK();
    if (fs.device->heartbeat_ms && now - fs.interval_start >= fs.device->heartbeat_ms && !fs.full) fs_heartbeat();
    size_t sent = 0;
    do {
        if (!send_chunk()) return 0;
        sent += FS_CHUNK_WIRE;
    } while (sent + FS_CHUNK_WIRE <= max_bytes);
    return fs.left || fs.queued || fs.dump;
}
