#include "host.h"

#include "metrics.h"

#include <string.h>

uint32_t host_ms, host_time;
unsigned char host_sent[1 << 20];
size_t host_n_sent, host_largest_write;
jmp_buf host_reset;

static const uint8_t build_id[20] = {0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1, 0xf0, 0x00, 0x11, 0x22, 0x33};
const struct fs_device host_device = {
    .serial = "DA143532",
    .hardware = "rev-c",
    .software_type = "brook-main",
    .software_version = "1.0.1",
    .build_id = build_id,
    .build_id_size = 20,
    .heartbeat_ms = 3600000,
    .reset_reason = FS_REASON_POWER_ON,
    .reset_code = 0x14,
};

uint32_t fs_port_uptime_ms(void) { return host_ms; }
uint32_t fs_port_time(void) { return host_time; }
void fs_port_write(const void *bytes, size_t size) {
    if (size > host_largest_write) host_largest_write = size;
    if (host_n_sent + size > sizeof host_sent) return;
    memcpy(host_sent + host_n_sent, bytes, size);
    host_n_sent += size;
}
void fs_port_reset(void) { longjmp(host_reset, 1); }

void host_boot(const struct fs_device *device) {
    static const struct fs_metric *const metrics[] = {&fs_metric_MainTaskMs, &fs_metric_RssiDbm, &fs_metric_WifiConnectedMs, &fs_metric_BatteryMv,
                                                      &fs_metric_SoilPct, &fs_metric_FlashWrites, &fs_metric_Valve, &fs_metric_Slot};
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) memset(metrics[i]->state, 0, sizeof *metrics[i]->state);
    host_ms = 0;
    fs_init(device);
}

void host_drain(void) {
    /* Once more when nothing waits: then logs are looked at. */
    for (int i = 0; i < 3; i++) {
        while (fs_poll(FS_CHUNK_WIRE)) { }
    }
}

void host_crash(const struct fs_registers *registers, uint32_t reason) {
    if (!setjmp(host_reset)) fs_crash(registers, reason);
}
