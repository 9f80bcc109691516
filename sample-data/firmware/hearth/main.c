/* Hearth: a room thermostat without an operating system. One loop samples, regulates and answers commands; SysTick keeps time. */
#include "board.h"
#include "console.h"
#include "fault.h"
#include <string.h>

#define PRODUCT "hearth-thermostat"
#define VERSION "2.3.1"
#define TICKS_PER_SECOND 100
#define N_ZONES 3
/* Nothing answers from here on. */
#if defined(BOARD_NRF51)
#define NOWHERE 0x30000000u
#else
#define NOWHERE 0xF0000000u
#endif

enum mode { MODE_OFF, MODE_HEAT, MODE_ECO = 4, MODE_FROST };

struct sample {
    uint32_t sequence;
    int16_t temperature_c10;
    uint8_t quality : 3;
    uint8_t channel : 5;
    union {
        float celsius;
        uint32_t raw;
    } value;
    struct sample *next;
};

struct zone {
    char name[12];
    enum mode mode;
    float target_c, integral;
    struct sample latest;
};

static struct zone zones[N_ZONES] = {
    {.name = "living", .mode = MODE_HEAT, .target_c = 21.5f},
    {.name = "bedroom", .mode = MODE_ECO, .target_c = 18.0f},
    {.name = "hall", .mode = MODE_FROST, .target_c = 7.0f},
};
static volatile uint32_t ticks;
static volatile bool radio_beacon_due;
static uint32_t *volatile beacon_slot = (uint32_t *)(NOWHERE + 0x200);
static void (*volatile display_hook)(void) = (void (*)(void))0x40004001;
const char *last_command = "none";

uint32_t uptime_ms(void) { return ticks * (1000 / TICKS_PER_SECOND); }

/* Radio */

static __attribute__((noinline)) void beacon_send(uint32_t *slot, uint32_t now) {
    *slot = now;
    __asm volatile("dsb" ::: "memory"); /* a buffered write would fault an instruction later */
}

void SysTick_Handler(void) {
    ticks++;
    if (radio_beacon_due && ticks % 8 == 0) beacon_send(beacon_slot, ticks);
}

/* Sampling */

static __attribute__((noinline)) uint32_t register_write(volatile uint32_t *address, uint32_t value) {
    *address = value;
    __asm volatile("dsb" ::: "memory");
    return *address;
}

static __attribute__((noinline)) uint32_t packet_decode(const uint8_t *packet, size_t length, struct sample *out) {
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++) sum += packet[i];
    out->sequence++;
    out->temperature_c10 = (int16_t)sum;
    return register_write((uint32_t *)(NOWHERE + 4 * sum), 0x5AFE);
}

static __attribute__((noinline)) void sensor_probe(char channel) {
    uint8_t packet[] = {1, 2, 3, 4, (uint8_t)channel};
    struct sample sample = {.sequence = 41, .temperature_c10 = -12, .quality = 5, .channel = 9, .value = {.celsius = 3.25f}, .next = &zones[1].latest};
    uint32_t answer = packet_decode(packet, sizeof packet, &sample);
    LOG_INF("sensor", "answer %u", (unsigned)(answer + sample.sequence));
}

static __attribute__((noinline)) void zone_sample(struct zone *zone, uint32_t index) {
    zone->latest.sequence++;
    zone->latest.channel = (uint8_t)index;
    zone->latest.temperature_c10 = (int16_t)(180 + (int)(ticks / 100 + index * 7) % 40);
    zone->latest.value.celsius = (float)zone->latest.temperature_c10 / 10.0f;
}

/* Regulation */

static __attribute__((noinline)) float valve_store(float *valve, float opening) {
    *valve = opening;
    __asm volatile("dsb" ::: "memory");
    return opening;
}

static __attribute__((noinline)) float regulate(struct zone *zone, float measured_c, float gain, float *valve) {
    float error = zone->target_c - measured_c;
    zone->integral += error * 0.125f;
    float opening = valve_store(valve, gain * error + zone->integral);
    return opening + error * gain;
}

static __attribute__((noinline)) int32_t mean_c10(const struct zone *first, uint32_t n_zones) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < n_zones; i++) sum += first[i].latest.temperature_c10;
    volatile int32_t count = (int32_t)n_zones;
    return sum / count;
}

/* Schedule */

static __attribute__((noinline)) uint32_t schedule_next(volatile uint32_t day) {
    volatile uint8_t slots[96];
    slots[day % sizeof slots] = (uint8_t)day;
    return schedule_next(day + 1) + slots[0];
}

static __attribute__((noinline)) void schedule_set(struct zone *zone, float target_c) {
    APP_ASSERT(target_c < 35.0f);
    zone->target_c = target_c;
}

static __attribute__((noinline)) void zone_rename(struct zone *zone, const char *name) {
    zone->mode = MODE_OFF;
    strcpy(zone->name, name);
}

static __attribute__((noinline)) uint32_t checksum_words(const uint32_t *word, uint32_t n_words) {
    uint32_t sum = 0;
    while (n_words--) sum = (sum << 1) ^ *word++;
    return sum;
}

static __attribute__((noinline)) void bootloader_enter(uint32_t magic) {
    last_command = "bootloader";
    if (magic == 0xB007) __asm volatile("udf #17");
}

static void command(int key) {
    LOG_INF("command", "received '%c'", key);
    switch (key) {
        case '1': sensor_probe((char)key); break;
        case '2': zone_rename(NULL, "attic"); break;
        case '3': schedule_next(0); break;
        case '4': schedule_set(&zones[0], 47.5f); break;
        case '5': LOG_INF("zones", "mean %d", (int)mean_c10(zones, (uint32_t)(key - '5'))); break;
        case '6': bootloader_enter(0xB007); break;
        case '7': radio_beacon_due = true; break;
        case '8': LOG_INF("config", "checksum %08x", (unsigned)checksum_words((const uint32_t *)((const char *)zones + 2), 6)); break;
        case '9': display_hook(); break;
        case 'f': regulate(&zones[0], 19.75f, 2.5f, (float *)(NOWHERE + 0x100)); break;
        case 'r': board_reset();
        default: LOG_WRN("command", "unknown '%c'", key); break;
    }
}

static _Noreturn __attribute__((noinline)) void run(void) {
    uint32_t reported = 0;
    for (;;) {
        int key = uart_getc();
        if (key > ' ') command(key);
        uint32_t now = ticks;
        if (now - reported < TICKS_PER_SECOND) continue;
        reported = now;
        for (uint32_t i = 0; i < N_ZONES; i++) zone_sample(&zones[i], i);
        struct zone *zone = &zones[now / TICKS_PER_SECOND % N_ZONES];
        LOG_INF("zone", "%s %d.%d C, target %d C", zone->name, zone->latest.temperature_c10 / 10, zone->latest.temperature_c10 % 10, (int)zone->target_c);
    }
}

int main(void) {
    console_banner(PRODUCT, VERSION);
    board_start_tick(TICKS_PER_SECOND);
    run();
}
