/* Unit tests of the device-side SDK on the host: what the vectors do not show. Each test begins with a device that was just switched on. */
#include "host.h"
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Messages that were sent, counted by the first digits of their first chunk. */
static unsigned n_sent(const char *prefix) {
    unsigned n = 0;
    for (const char *at = (const char *)host_sent; (at = strstr(at, prefix)); at++) n++;
    return n;
}

static void forget(void) {
    host_drain();
    memset(host_sent, 0, sizeof host_sent);
    host_n_sent = host_largest_write = 0;
}

/* 0x11 0x01: the last chunk of a heartbeat. Likewise EgE event, EwE logs, FAE coredump; FAA one of the others of a coredump. */
static unsigned n_heartbeats(void) { return n_sent("FS:EQE"); }

static void start(void) {
    host_time = 0;
    host_boot(&host_device);
    forget();
}

static uint32_t value(const struct fs_metric *metric) { return metric->state->value; }

static void test_timers(void) {
    start();
    fs_metric_start(MainTaskMs);
    host_ms += 250;
    fs_metric_start(MainTaskMs); /* runs already */
    host_ms += 250;
    fs_metric_stop(MainTaskMs);
    host_ms += 1000;
    fs_metric_stop(MainTaskMs);
    CHECK(value(&fs_metric_MainTaskMs) == 500);
    /* Over the end of an interval a timer runs on. */
    fs_metric_start(WifiConnectedMs);
    host_ms += 400;
    fs_heartbeat();
    CHECK(value(&fs_metric_WifiConnectedMs) == 0);
    host_ms += 600;
    fs_metric_stop(WifiConnectedMs);
    CHECK(value(&fs_metric_WifiConnectedMs) == 600);
    /* And over the wrap of the clock. */
    host_ms = 0xFFFFFF00u;
    fs_metric_start(MainTaskMs);
    host_ms = 0x100u;
    fs_metric_stop(MainTaskMs);
    CHECK(value(&fs_metric_MainTaskMs) == 0x200u);
}

static void test_counters_stop(void) {
    start();
    fs_heartbeat();
    fs_metric_add(FlashWrites, 0xFFFFFFF0u);
    fs_metric_add(FlashWrites, 0x20u);
    CHECK(value(&fs_metric_FlashWrites) == 0xFFFFFFFFu);
    fs_heartbeat();
    CHECK(value(&fs_metric_FlashWrites) == 0);
}

static void test_strings_are_cut_at_characters(void) {
    start();
    const char *text = (const char *)(fs_metric_Slot.state + 1);
    fs_metric_set_string(Slot, "1234567890");
    CHECK(!strcmp(text, "12345678"));
    fs_metric_set_string(Slot, "123456\xE2\x82\xAC"); /* the euro sign needs three bytes, two are left */
    CHECK(!strcmp(text, "123456"));
    fs_metric_set_string(Slot, "12345\xE2\x82\xAC");
    CHECK(!strcmp(text, "12345\xE2\x82\xAC"));
    fs_metric_set_string(Slot, "");
    CHECK(!strcmp(text, ""));
}

static void test_heartbeats_are_due(void) {
    start();
    host_ms = 3599999;
    host_drain();
    CHECK(n_heartbeats() == 0);
    host_ms = 3600000;
    host_drain();
    CHECK(n_heartbeats() == 1);
    host_ms = 7199999;
    host_drain();
    CHECK(n_heartbeats() == 1);
    fs_heartbeat();
    host_drain();
    CHECK(n_heartbeats() == 2);
}

/* Nothing is lost when the queue is full: the interval goes on. */
static void test_full_queue(void) {
    start();
    fs_metric_add(FlashWrites, 3);
    for (int i = 0; i < 200; i++) fs_disconnect(i);
    fs_heartbeat();
    CHECK(value(&fs_metric_FlashWrites) == 3);
    fs_metric_add(FlashWrites, 4);
    forget();
    fs_heartbeat();
    CHECK(value(&fs_metric_FlashWrites) == 0);
    host_drain();
    CHECK(n_heartbeats() == 1);
}

static void test_work_is_bounded(void) {
    start();
    for (int i = 0; i < 8; i++) fs_disconnect(i);
    size_t before = host_n_sent;
    CHECK(fs_poll(0));
    CHECK(host_n_sent > before && host_n_sent - before <= FS_CHUNK_WIRE);
    before = host_n_sent;
    CHECK(fs_poll(3 * FS_CHUNK_WIRE));
    CHECK(host_n_sent - before <= 3 * FS_CHUNK_WIRE);
    host_drain();
    CHECK(!fs_poll(100000));
    CHECK(host_largest_write <= FS_CHUNK_WIRE);
}

static void test_sampling(void) {
    start();
    fs_sampling_set(0);
    forget();
    fs_disconnect(1);
    fs_metric_add(FlashWrites, 3);
    fs_heartbeat();
    CHECK(value(&fs_metric_FlashWrites) == 0); /* the interval ended, unsampled */
    FS_LOG_INF("not sent");
    host_ms += 60000;
    host_drain();
    CHECK(host_n_sent == 0);
    fs_sampling_set(FS_SAMPLE_ALL);
    host_drain();
    CHECK(n_sent("FS:EwE") == 1); /* the log waited in its ring */
}

/* The ring keeps the newest and counts the others; the longest entries fit. */
static void test_logs(void) {
    start();
    for (int i = 0; i < 1000; i++) {
        FS_LOG_WRN("%s %s %lld %f %d %d %d %s", "a text that is much longer than all that may be kept of it in the ring, so it is cut somewhere",
                   "another", 1234567890123LL, 1.5, i, i, i, "the last");
    }
    host_ms += 60000;
    host_drain();
    CHECK(n_sent("FS:EwE") >= 1);
    fs_log_(0, 0x1F, 1); /* one argument, level 15 is masked */
    forget();
}

static void test_stores(void) {
    static const uint32_t words[3] = {1, 2, 3};
    static uint8_t memory[6000];
    const struct fs_region regions[] = {{memory, sizeof memory}};
    struct fs_device device = host_device;
    device.regions = regions;
    device.n_regions = 1;
    const struct fs_registers registers = {.arch = FS_ARCH_RISCV32, .n = 3, .pc = 1, .lr = 2, .words = words, .stack = {memory, 100}};
    host_boot(&device);
    forget();
    for (int i = 0; i < 100; i++) FS_LOG_DBG("filler %d", i);
    host_crash(&registers, FS_REASON_FAULT); /* more memory than the place takes: cut, not overrun */
    host_boot(&device);
    host_drain();
    CHECK(n_sent("FS:FAA") >= 30); /* 4096 bytes in parts of 75, all but the last */
    CHECK(n_sent("FS:FAE") == 1);
    /* It was sent: it does not come again. */
    forget();
    host_boot(&device);
    host_drain();
    CHECK(n_sent("FS:FA") == 0);
    /* A reset in the middle of sending: it comes again, from its beginning. */
    forget();
    host_crash(&registers, FS_REASON_FAULT);
    host_boot(&device);
    while (n_sent("FS:FAA") < 5) fs_poll(0);
    host_boot(&device);
    forget();
    CHECK(fs_poll(0) == 0);
    host_boot(&device);
    /* A byte of it changed: it is none. */
    host_crash(&registers, FS_REASON_FAULT);
    uint8_t byte;
    fs_port_store_read(200, &byte, 1);
    byte ^= 0x40;
    fs_port_store_write(200, &byte, 1);
    memset(host_sent, 0, sizeof host_sent);
    host_n_sent = 0;
    host_boot(&device);
    host_drain();
    CHECK(n_sent("FS:FA") == 0);
    /* A length that reaches beyond the place. */
    static const uint32_t header[4] = {0xFFFFFFF0u, 0, 0, 0};
    fs_port_store_write(0, header, sizeof header);
    host_boot(&device);
    host_drain();
    /* A crash in the crash resets at once. */
    host_crash(&registers, FS_REASON_FAULT);
    host_crash(&registers, FS_REASON_FAULT);
    host_boot(&device);
    forget();
    /* Coredumps that are not sampled are not kept. */
    fs_sampling_set(FS_SAMPLE_ALL & ~FS_SAMPLE_COREDUMPS);
    host_crash(&registers, FS_REASON_FAULT);
    memset(host_sent, 0, sizeof host_sent);
    host_n_sent = 0;
    host_boot(&device);
    host_drain();
    CHECK(n_sent("FS:FA") == 0);
    CHECK(n_sent("FS:EgE") == 2); /* its event and the boot's */
}

int main(void) {
    test_timers();
    test_counters_stop();
    test_strings_are_cut_at_characters();
    test_heartbeats_are_due();
    test_full_queue();
    test_work_is_bounded();
    test_sampling();
    test_logs();
    test_stores();
    printf("unit tests: ok\n");
    return 0;
}
