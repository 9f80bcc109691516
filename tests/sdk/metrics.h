/* The metrics of the tests, defined in metrics.c: all types, and the three of the example in the documentation. */
#ifndef TEST_METRICS_H
#define TEST_METRICS_H
#include "fieldscope.h"

FS_METRIC_DECLARE(MainTaskMs, timer);
FS_METRIC_DECLARE(RssiDbm, gauge_i32);
FS_METRIC_DECLARE(WifiConnectedMs, timer);
FS_METRIC_DECLARE(BatteryMv, gauge_u32);
FS_METRIC_DECLARE(SoilPct, gauge_f32);
FS_METRIC_DECLARE(FlashWrites, counter);
FS_METRIC_DECLARE(Valve, state);
FS_METRIC_DECLARE(Slot, string);
#endif
