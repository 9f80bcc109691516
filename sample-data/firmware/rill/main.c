/* Rill: a rain gauge on a RISC-V core, without an RTOS. The loop samples, the timer counts, the software interrupt calibrates. */
#include "board.h"
#include "console.h"
#include "trap.h"

#include <stddef.h>
#include <string.h>

#define PRODUCT "rill-gauge"
#define VERSION "0.9.2"

#define MTIME (*(volatile uint64_t *)0x0200BFF8)
#define MTIMECMP (*(volatile uint64_t *)0x02004000)
#define MSIP REG32(0x02000000)
#define TICK 100000u /* 10 ms at 10 MHz */

enum gauge_mode { GAUGE_IDLE, GAUGE_RAIN = 3, GAUGE_STORM };

struct bucket {
    uint32_t tips;
    int16_t millimetres_x10;
    uint8_t sensor : 3, channel : 5;
    struct bucket *next;
};

struct station {
    char name[8];
    enum gauge_mode mode;
    struct bucket *first;
    uint64_t total;
};

static struct bucket buckets[3] = {{.tips = 3, .millimetres_x10 = 12, .sensor = 5, .channel = 9, .next = &buckets[1]},
                                   {.tips = 7, .millimetres_x10 = -4, .next = &buckets[2]},
                                   {.tips = 9}};
static struct station station = {.name = "hill", .mode = GAUGE_RAIN, .first = &buckets[0], .total = 0x100000002ull};
static volatile uint32_t ticks;
static volatile char pending_fault;
static uint32_t last_level;

extern const uint32_t trap_vectors[];

uint32_t uptime_ms(void) { return ticks * 10; }

/* Timer */

static __attribute__((noinline)) void level_capture(volatile uint32_t *capture, uint32_t now) { *capture = now; }

static __attribute__((noinline)) uint32_t level_sample(uint32_t now) {
    volatile uint32_t *capture = pending_fault == '4' ? (volatile uint32_t *)0xA0000020 : &last_level;
    level_capture(capture, now * 3);
    return last_level;
}

__attribute__((used)) void timer_interrupt(void) {
    MTIMECMP = MTIME + TICK;
    ticks++;
    if (level_sample(ticks) == 1) ticks++;
}

/* Software interrupt: the compiler writes its entry, which does not save mepc. */
__attribute__((interrupt("machine"), used, aligned(4))) void software_interrupt(void) {
    MSIP = 0;
    level_capture((volatile uint32_t *)(pending_fault == 'i' ? 0xA0000040 : (uint32_t)&last_level), 5);
}

/* What the shell can break */

static __attribute__((noinline)) int bucket_store(struct bucket *bucket, uint32_t tips) {
    bucket->tips = tips;
    return (int)bucket->tips;
}

static __attribute__((noinline)) int bucket_empty(const uint8_t *packet, size_t size, struct bucket *bucket) {
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) sum += packet[i];
    return bucket_store(bucket, sum) + (int)size;
}

static __attribute__((noinline)) struct bucket *bucket_at(struct bucket *first, int index) {
    while (index-- && first) first = first->next;
    return first;
}

static __attribute__((noinline)) int packet_handle(struct station *at, char key) {
    uint8_t packet[] = {1, 2, 3, 4, (uint8_t)key};
    struct bucket *bucket = bucket_at(at->first, 3);
    return bucket_empty(packet, sizeof packet, bucket);
}

static __attribute__((noinline)) uint32_t firmware_apply(const char *image) {
    station.name[0] = image[0];
    __asm volatile(".word 0xFFFFFFFF");
    return station.mode;
}

static __attribute__((noinline)) uint32_t storm_scan(volatile uint32_t depth) {
    volatile uint32_t window[12];
    window[depth % 12] = depth;
    return storm_scan(depth + 1) + window[0];
}

static __attribute__((noinline)) uint32_t sensor_read(const volatile uint32_t *sensor, int scale) { return *sensor * (uint32_t)scale; }

static __attribute__((noinline)) uint32_t counter_add(uint8_t *raw, uint32_t n) {
    uint32_t old;
    __asm volatile("amoadd.w %0, %2, (%1)" : "=r"(old) : "r"(raw + 1), "r"(n) : "memory");
    return old;
}

static __attribute__((noinline)) void calibration_store(uint32_t slot, int16_t value) {
    APP_ASSERT(slot < 3);
    buckets[slot].millimetres_x10 = value;
}

static __attribute__((noinline)) void monitor_call(uint32_t service) {
    register uint32_t a7 __asm("a7") = service;
    __asm volatile("ecall" ::"r"(a7));
}

static __attribute__((noinline)) void command(char key) {
    LOG_INF("shell", "command %c", key);
    switch (key) {
        case '1': LOG_INF("gauge", "stored %d", packet_handle(&station, key)); break;
        case '2': LOG_INF("update", "mode %u", (unsigned)firmware_apply("rill-1.0.0")); break;
        case '3': ((void (*)(uint32_t))0xA0000000)(7); break;
        case '4': pending_fault = key; break;
        case '5': LOG_INF("storm", "scanned %u", (unsigned)storm_scan(0)); break;
        case '6': calibration_store(11, -3); break;
        case '7': monitor_call(93); break;
        case '8': LOG_INF("gauge", "sensor %u", (unsigned)sensor_read((const volatile uint32_t *)0xA0000010, 3)); break;
        case '9': LOG_INF("gauge", "counter %u", (unsigned)counter_add((uint8_t *)buckets, 1)); break;
        case 'i':
            pending_fault = key;
            MSIP = 1;
            break;
        default: LOG_WRN("shell", "unknown command %c", key); break;
    }
}

static __attribute__((noinline)) void loop(struct station *at) {
    uint32_t reported = 0;
    for (;;) {
        int key = uart_getc();
        if (key > ' ') command((char)key);
        if (ticks - reported >= 50) {
            reported = ticks;
            at->total += ticks;
            LOG_INF("gauge", "level %u", (unsigned)last_level);
        }
    }
}

int main(void) {
    board_init();
    fault_init();
    __asm volatile("csrw mtvec, %0" ::"r"((uint32_t)trap_vectors | 1));
    console_banner(PRODUCT, VERSION);
    MTIMECMP = MTIME + TICK;
    __asm volatile("csrs mie, %0\n csrsi mstatus, 8" ::"r"(1u << 7 | 1u << 3));
    loop(&station);
    return 0;
}
