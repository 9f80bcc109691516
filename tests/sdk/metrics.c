#include "metrics.h"

FS_METRIC_DEFINE(MainTaskMs, timer, "ms", 0, FS_NONE, "Time in which the main task ran");
FS_METRIC_DEFINE(RssiDbm, gauge_i32, "dBm", -120, 0, "Signal strength of the access point");
FS_METRIC_DEFINE(WifiConnectedMs, timer, "ms", 0, FS_NONE, "Time with a connection");
FS_METRIC_DEFINE(BatteryMv, gauge_u32, "mV", 2400, 4300, "Voltage of the \"battery\"");
FS_METRIC_DEFINE(SoilPct, gauge_f32, "%", 0, 100.0f, "Moisture of the soil, at 10\302\260C");
FS_METRIC_DEFINE(FlashWrites, counter, "", FS_NONE, FS_NONE, "Pages written");
FS_METRIC_DEFINE_STATE(Valve, "closed,opening,open,stuck", "The inlet valve");
FS_METRIC_DEFINE_STRING(Slot, 8, "The firmware slot that runs");
FS_METRIC_DEFINE(NeverUsed, counter, "times", 0, 10, "No code touches it");
