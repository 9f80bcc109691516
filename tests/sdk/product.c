/* A product that uses everything once; it is linked for every processor, not run. */
#include "metrics.h"

FS_METRIC_DEFINE(Starts, counter, "starts", 0, FS_NONE, "Starts of the pump");

#ifdef __cplusplus
extern "C" {
#endif
void product(void);
void fs_port_write(const void *bytes, size_t size) {
    (void)bytes;
    (void)size;
}
#if defined(__arm__)
void HardFault_Handler(void);
#else
void fs_port_reset(void) {
    for (;;) { }
}
#endif

void product(void) {
    static const struct fs_device device = {"1", "h", "t", "v", 0, 0, 3600000, FS_REASON_POWER_ON, 0, 0, 0};
    fs_init(&device);
#if defined(__arm__)
    void (*volatile vector)(void) = HardFault_Handler;
    (void)vector;
#endif
    fs_metric_set(RssiDbm, -57);
    fs_metric_set_f32(SoilPct, 1.5f);
    fs_metric_set_string(Slot, "a");
    fs_metric_set(Valve, 1);
    fs_metric_add(Starts, 1);
    fs_metric_start(MainTaskMs);
    fs_metric_stop(MainTaskMs);
    FS_LOG_INF("pump at %u rpm", 1450u);
    FS_LOG_ERR("%s: %d %lld", "text", -1, 5LL);
    FS_LOG_WRN("no arguments");
    FS_ASSERT(device.n_regions == 0);
    fs_trace("radio gave up", -3);
    fs_disconnect(2);
    fs_restart_reason(FS_REASON_USER);
    for (;;) fs_poll(1000);
}
#ifdef __cplusplus
}
#endif
