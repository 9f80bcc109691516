/* Sprout: a bare-metal board whose clock is moved by hand, so that what it sends is known to the last digit. It sends its coredump from the
 * fault handler. Built once for `FS:` lines among console text, once for COBS frames and nothing else on the UART. */
#include "board.h"
#include "console.h"
#include "fault.h"
#include "fs_port_bare_metal.h"

FS_METRIC_DEFINE(MainTaskMs, timer, "ms", 0, FS_NONE, "Time in which the main task ran");
FS_METRIC_DEFINE(RSSI, gauge_i32, "dBm", -120, 0, "Signal strength");
FS_METRIC_DEFINE(WifiConnectedMs, timer, "ms", 0, FS_NONE, "Time with a connection");
FS_METRIC_DEFINE(SensorC, gauge_f32, "°C", -40, 125, "Temperature of the sensor, if it answers");

extern uint32_t _data_start;
static uint32_t scene __attribute__((section(".noinit"))), magic __attribute__((section(".noinit")));
static uint32_t unix_time;

uint32_t uptime_ms(void) { return fs_port_uptime_ms(); }
uint32_t fs_port_time(void) { return unix_time; }
void fs_port_write(const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) uart_putc(((const char *)bytes)[i]);
}

void fault_init(void) {
    scene = magic == 0x5350524Fu ? scene + 1 : 0;
    magic = 0x5350524Fu;
}
_Noreturn void fault_unexpected_interrupt(void) { fs_assert_failed(); }
uint32_t fault_boot_count(void) { return scene + 1; }
const char *fault_reset_reason(void) { return scene ? "software" : "power on"; }
void SysTick_Handler(void) { }

static void send_all(void) {
    for (int i = 0; i < 3; i++) {
        while (fs_poll(FS_CHUNK_WIRE)) { }
    }
}

static __attribute__((noinline)) int litres_per_cycle(int litres, volatile int cycles) {
#if defined(__ARM_ARCH_6M__)
    if (!cycles) __asm volatile("udf #3"); /* it does not divide, and so does not trap */
#endif
    return litres / cycles;
}

static __attribute__((noinline)) void cycle_report(int litres) {
    FS_LOG_ERR("%d litres in %d cycles, pump %s", litres, 0, "main");
    FS_LOG_INF("%d per cycle", litres_per_cycle(litres, 0));
}

int main(void) {
    static struct fs_region regions[1];
    static struct fs_device device = {.serial = "DA143532", .software_type = "sprout", .software_version = "1.0.1",
                                      .build_id_size = 20, .heartbeat_ms = 3600000, .regions = regions, .n_regions = 1, .reset_code = 0x10};
    regions[0].start = &_data_start;
    regions[0].size = 64;
    device.hardware = board_name;
    device.build_id = _build_id_note + 16;
    device.reset_reason = scene ? FS_REASON_SOFTWARE : FS_REASON_POWER_ON;
#if !FS_WIRE_COBS
    console_banner("sprout", "1.0.1");
#endif
    fs_init(&device);
    send_all();
    if (scene == 0) {
        fs_metric_start(WifiConnectedMs);
        fs_port_tick(3012321);
        fs_metric_stop(WifiConnectedMs);
        fs_metric_add(MainTaskMs, 1243983);
        fs_metric_set(RSSI, -57);
        unix_time = 1605910419;
        fs_port_tick(3600000 - 3012321);
        send_all();
        fs_port_tick(3600000);
        unix_time += 3600;
        send_all();
        cycle_report(120);
    }
#if FS_WIRE_COBS
    for (int i = 0; i < 8; i++) uart_putc(0); /* the end */
#else
    LOG_INF("sprout", "the last scene ends");
#endif
    for (;;) __asm volatile("wfi");
}
