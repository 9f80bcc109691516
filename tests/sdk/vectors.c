/* Prints each test vector as the SDK sends it: its name, then all bytes in hex. scripts/sdk-test compares them with
 * tests/fixtures/sdk/vectors.json, which was made without this code. It builds the SDK so that every return address is 0x8000100: a vector
 * may not depend on where the compiler puts a call. */
#define _GNU_SOURCE
#include "host.h"
#include "metrics.h"

#include <stdio.h>
#include <sys/mman.h>

static void show(const char *name) {
    host_drain();
    printf("%s ", name);
    for (size_t i = 0; i < host_n_sent; i++) printf("%02x", host_sent[i]);
    printf("\n");
    host_n_sent = 0;
}

int main(void) {
    /* Addresses are a part of the dump: this memory lies where a microcontroller has it. */
    uint8_t *memory = mmap((void *)0x20000000, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory != (void *)0x20000000) return 1;
    const struct fs_region regions[] = {{memory + 0x400, 300}};
    struct fs_device device = host_device;
    device.regions = regions;
    device.n_regions = 1;

    /* 1: what a first boot says. */
    host_time = 0;
    host_boot(&device);
    show("first-boot");

    /* 2: the heartbeat of the documentation, an hour after; of every type one. */
    fs_metric_add(MainTaskMs, 1243983);
    fs_metric_set(RssiDbm, -57);
    fs_metric_add(WifiConnectedMs, 3012321);
    fs_metric_set(BatteryMv, 3711);
    fs_metric_set_f32(SoilPct, 41.25f);
    fs_metric_add(FlashWrites, 12);
    fs_metric_set(Valve, 2);
    fs_metric_set_string(Slot, "slot-b");
    host_ms = 3600000;
    host_time = 1605910419;
    show("heartbeat");

    /* 3: an hour later: gauges are null, counters 0, the others hold. */
    host_ms = 7200000;
    host_time = 1605914019;
    show("heartbeat-unset");

    /* 4: events. */
    host_ms = 7200500;
    fs_event_(3, -5, 0x123);
    show("trace");

    /* 5: logs; the ids are given by hand, too. */
    host_ms = 7201000;
    fs_log_(0x10, 3u | 2u << 4 | (0u | 0u << 2) << 8, 1450, -20);
    fs_log_(0x2000, 1u | 4u << 4 | (3u | 1u << 2 | 2u << 4 | 0u << 6) << 8, "outlet valve", (int64_t)-5000000000, 2.5, (int)4000000000u);
    host_ms = 7207000;
    show("logs");

    /* 6: sampling is switched. */
    fs_sampling_set(FS_SAMPLE_HEARTBEATS | FS_SAMPLE_COREDUMPS);
    show("device");

    /* 7: a crash; after the reset its event and its coredump. */
    static uint32_t words[26];
    for (unsigned i = 0; i < 26; i++) words[i] = 0x1000u * i + i;
    for (unsigned i = 0; i < 0x1000; i++) memory[i] = (uint8_t)(i * 7u);
    const struct fs_registers registers = {
        .arch = FS_ARCH_CORTEX_M, .n = 26, .unknown = 0x1D00Fu, .pc = 0x8001234, .lr = 0x8005679, .words = words, .stack = {memory + 0x100, 40}};
    host_ms = 7300000;
    host_time = 1605914119;
    fs_log_(0x10, 2u | 0u << 4);
    host_crash(&registers, FS_REASON_FAULT);
    host_time = 0;
    device.reset_reason = FS_REASON_SOFTWARE;
    host_boot(&device);
    show("crash");

    /* 8: restarts: one that is meant, one that nobody announced. The boots are counted through both. */
    host_ms = 5000;
    host_time = 1605920000;
    fs_send_device();
    fs_restart_reason(FS_REASON_FIRMWARE_UPDATE);
    host_ms = 6000;
    host_time = 0;
    fs_send_device();
    host_boot(&device);
    show("restart");
    host_ms = 7000;
    host_time = 1605930000;
    fs_send_device();
    host_time = 0;
    host_boot(&device);
    show("reset");
    return 0;
}
