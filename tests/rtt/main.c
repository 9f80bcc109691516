/* A board that writes into RTT buffers as fast as they are read, and never loses a byte: each row has the number behind that of the one
 * before it. With STREAM, a file of numbers with commas, it writes these bytes over and over instead. It has a metric of the SDK too, which is set to what is known. */
#include "board.h"
#include "console.h"
#include "fault.h"
#include "fs_port_bare_metal.h"

FS_METRIC_DEFINE(RSSI, gauge_i32, "dBm", -120, 0, "Signal strength");
FS_METRIC_DEFINE(SensorC, gauge_f32, "°C", -40, 125, "Never set");

/* The layout of SEGGER's control block. The identifier is put together at run time, so that it stands nowhere else. */
struct ring {
    const char *name;
    char *buffer;
    uint32_t size;
    volatile uint32_t write, read;
    uint32_t flags;
};
static char terminal[8192], numbers[512];
static struct {
    char id[16];
    uint32_t n_up, n_down;
    struct ring up[2];
} block __asm__("_SEGGER_RTT");

#ifdef STREAM
static const char stream[] = {
#include STREAM
};
#endif

volatile uint32_t rows;
uint64_t wide = 0x0000000100000001u; /* both halves are always equal */

uint32_t uptime_ms(void) { return fs_port_uptime_ms(); }
uint32_t fs_port_time(void) { return 0; }
void fs_port_write(const void *bytes, size_t size) { (void)bytes, (void)size; }
void fault_init(void) { }
_Noreturn void fault_unexpected_interrupt(void) { for (;;) { } }
uint32_t fault_boot_count(void) { return 1; }
const char *fault_reset_reason(void) { return "power on"; }
void SysTick_Handler(void) { }

static void put(struct ring *ring, const char *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next = ring->write + 1 == ring->size ? 0 : ring->write + 1;
        while (next == ring->read) { } /* waits for whoever reads */
        ring->buffer[ring->write] = bytes[i];
        __asm volatile("dmb" ::: "memory");
        ring->write = next;
    }
}

int main(void) {
    static struct fs_device device = {.serial = "RTT1", .software_type = "rtt", .software_version = "1.0.0", .build_id_size = 20,
                                      .heartbeat_ms = 3600000};
    device.build_id = _build_id_note + 16;
    fs_init(&device);
    fs_metric_set(RSSI, -57);
    fs_metric_unset(SensorC);
    block.up[0] = (struct ring){"Terminal", terminal, sizeof terminal, 0, 0, 2};
    block.up[1] = (struct ring){"Numbers", numbers, sizeof numbers, 0, 0, 2};
    block.n_up = 2;
    const char id[] = "TTR REGGES";
    for (int i = 0; i < 10; i++) block.id[i] = id[9 - i];
#ifdef STREAM
    for (;;) put(&block.up[0], stream, sizeof stream);
#endif
    for (;;) {
        char row[24] = "row 00000000 of RTT\n";
        uint32_t n = rows;
        for (int digit = 11; digit > 3; digit--, n /= 10) row[digit] = (char)('0' + n % 10);
        put(&block.up[0], row, 20);
        rows++;
        if (rows % 64 == 0) put(&block.up[1], "64 more\n", 8);
        wide += 0x0000000100000001u;
    }
}
