/* Meadow: a weather and soil station on FreeRTOS that tells about itself with Fieldscope's device-side SDK. */
#include "board.h"
#include "clock.h"
#include "console.h"
#include "fs_port_freertos.h"

#include "semphr.h"
#include "task.h"

FS_METRIC_DEFINE(MainTaskMs, timer, "ms", 0, FS_NONE, "Time in which the main task measured and computed");
FS_METRIC_DEFINE(RssiDbm, gauge_i32, "dBm", -120, 0, "Signal strength of the access point when it was last heard");
FS_METRIC_DEFINE(WifiConnectedMs, timer, "ms", 0, FS_NONE, "Time with a connection to the access point");
FS_METRIC_DEFINE(Disconnects, counter, "", 0, FS_NONE, "Connections lost");
FS_METRIC_DEFINE(SoilMoisturePct, gauge_f32, "%", 0, 60, "Volumetric water content of the soil");
FS_METRIC_DEFINE(AirTemperatureC, gauge_f32, "°C", -40, 85, "Temperature of the air in the shade");
FS_METRIC_DEFINE(WindGustKmh, gauge_u32, "km/h", 0, 200, "Strongest gust; nothing while the anemometer is iced");
FS_METRIC_DEFINE(RainTips, counter, "tips", 0, 400, "Tips of the rain gauge, 0.2 mm each");
FS_METRIC_DEFINE(FlashWrites, counter, "pages", 0, 1000, "Pages of the log flash that were written");
FS_METRIC_DEFINE(BatteryMv, gauge_u32, "mV", 3000, 4300, "Voltage of the battery at rest");
FS_METRIC_DEFINE_STATE(Valve, "closed,opening,open,stuck", "The valve of the irrigation line");
FS_METRIC_DEFINE_STRING(FirmwareSlot, 8, "The slot that the firmware was started from");

enum valve { VALVE_CLOSED, VALVE_OPENING, VALVE_OPEN };

struct probe {
    uint8_t address;
    const volatile uint16_t *raw; /* of the bus controller */
    float scale, offset;
    struct probe *below;
};

extern uint32_t scene;
void product_start(void);
void clock_set(void);

SemaphoreHandle_t console_lock;

static const volatile uint16_t soil_raw[2] = {1873, 2210};
static struct probe deep = {.address = 0x42, .raw = &soil_raw[1], .scale = 0.0125f, .offset = -3.0f};
static struct probe shallow = {.address = 0x41, .raw = &soil_raw[0], .scale = 0.0125f, .offset = -2.5f, .below = &deep};
static uint32_t chance = 20211;

static uint32_t draw(uint32_t below) {
    chance = chance * 1664525u + 1013904223u;
    return (chance >> 16) % below;
}

static void say(const char *module, const char *text, int value) {
    xSemaphoreTake(console_lock, portMAX_DELAY);
    LOG_INF(module, "%s %d", text, value);
    xSemaphoreGive(console_lock);
}

static uint32_t hours(void) { return uptime_ms() / 3600000u; }

/* Weather and soil */

static __attribute__((noinline)) float probe_read(const struct probe *probe, uint32_t depth) {
    float here = (float)*probe->raw * probe->scale + probe->offset;
    if (!probe->below) return here;
    float below = probe_read(probe->below, depth + 1);
    return (here + below) / 2.0f;
}

static __attribute__((noinline)) void measure(uint32_t hour) {
    FS_LOG_DBG("measuring, draw %u", (unsigned)(chance >> 16));
    float moisture = probe_read(&shallow, 0) + (float)draw(20) / 10.0f;
    float temperature = 9.0f + (float)(hour % 24 < 12 ? hour % 24 : 24 - hour % 24) * 0.75f - (float)draw(10) / 10.0f;
    fs_metric_set_f32(SoilMoisturePct, moisture);
    fs_metric_set_f32(AirTemperatureC, temperature);
    if (hour % 24 < 3 || hour % 24 > 6) fs_metric_set(WindGustKmh, 10 + draw(35));
    if (draw(5) == 0) fs_metric_add(RainTips, 1 + draw(9));
    fs_metric_set(BatteryMv, 4150 - 4 * hour - draw(6));
    FS_LOG_INF("soil %.2f %%, air %.1f C, probe %#x", (double)moisture, (double)temperature, (unsigned)shallow.address);
}

static uint32_t slots[4];

static __attribute__((noinline)) void calibration_store(uint32_t slot, uint32_t value) {
    FS_ASSERT(slot < 4);
    slots[slot] = value;
    fs_metric_add(FlashWrites, 1);
}

static void main_task(void *argument) {
    (void)argument;
    uint32_t last_hour = 0;
    bool quiet = false;
    fs_metric_set_string(FirmwareSlot, scene < 3 ? "slot-a" : "slot-b");
    for (uint32_t n = 0;; n++) {
        uint32_t hour = hours();
        fs_metric_start(MainTaskMs);
        measure(hour);
        vTaskDelay(MINUTES(5) + draw(40));
        fs_metric_stop(MainTaskMs);
        if (n % 4 == 0 && slots[n / 4 % 4] != n) calibration_store(n / 4 % 4, n);
        if (hour != last_hour) say("station", "hours since boot", (int)hour);
        last_hour = hour;
        if (scene == 0 && hour == 26) {
            /* The bus controller forgot where the deep probe is. */
            FS_LOG_ERR("probe %#x does not answer, %s", (unsigned)deep.address, "using its last address");
            deep.raw = (const volatile uint16_t *)0xF0000040;
        }
        if (scene == 1 && hour == 5) calibration_store(4, n);
        if (scene == 2 && hour == 8) {
            fs_restart_reason(FS_REASON_FIRMWARE_UPDATE);
            board_reset();
        }
        if (scene == 3 && hour == 3 && !quiet) {
            fs_sampling_set(FS_SAMPLE_ALL & ~FS_SAMPLE_LOGS);
            quiet = true;
        }
        vTaskDelay(MINUTES(9));
    }
}

/* Radio */

static void radio_task(void *argument) {
    (void)argument;
    for (uint32_t n = 0;; n++) {
        vTaskDelay(MINUTES(1 + draw(4)));
        fs_metric_start(WifiConnectedMs);
        if (n == 0) clock_set();
        for (uint32_t beacons = 40 + draw(60); beacons--;) {
            fs_metric_set(RssiDbm, -50 - (int)draw(30));
            vTaskDelay(MINUTES(2));
        }
        fs_metric_stop(WifiConnectedMs);
        fs_metric_add(Disconnects, 1);
        fs_metric_unset(RssiDbm);
        fs_disconnect(n % 3 == 2 ? -110 : 8);
        FS_LOG_WRN("access point lost after %u connections, code %d", (unsigned)n + 1, n % 3 == 2 ? -110 : 8);
        if (n % 3 == 2) fs_trace("access point gave no address", -110);
    }
}

/* Irrigation */

static void valve_task(void *argument) {
    (void)argument;
    fs_metric_set(Valve, VALVE_CLOSED);
    for (;;) {
        vTaskDelay(HOURS(3));
        fs_metric_set(Valve, VALVE_OPENING);
        FS_LOG_DBG("valve opens");
        vTaskDelay(MINUTES(1));
        fs_metric_set(Valve, VALVE_OPEN);
        say("valve", "open at minute", (int)(uptime_ms() / 60000u % 60u));
        vTaskDelay(HOURS(1));
        fs_metric_set(Valve, VALVE_CLOSED);
    }
}

static void end_task(void *argument) {
    vTaskDelay(HOURS((uint32_t)argument));
    say("station", "the last scene ends", (int)scene);
    vTaskSuspend(NULL);
}

int main(void) {
    product_start();
    chance += scene;
    console_lock = xSemaphoreCreateMutex();
    vQueueAddToRegistry(console_lock, "console");
    xTaskCreate(main_task, "main", 320, NULL, 3, NULL);
    xTaskCreate(radio_task, "radio", 192, NULL, 2, NULL);
    xTaskCreate(valve_task, "valve", 192, NULL, 2, NULL);
    if (scene == 4) xTaskCreate(end_task, "end", 192, (void *)5, 1, NULL);
    fs_port_start_task(50, 1);
    vTaskStartScheduler();
    for (;;) { }
}
