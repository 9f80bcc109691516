/* Brook: a pump controller on FreeRTOS. Five tasks, one timer, a queue and a mutex. */
#include "board.h"
#include "console.h"
#include "fault.h"

#include "FreeRTOS.h"
#include "queue.h"
#include "semphr.h"
#include "task.h"
#include "timers.h"
#include <string.h>

#define PRODUCT "brook-pump"
#define VERSION "1.4.0"

struct reading {
    uint32_t sequence;
    float litres_per_minute;
    char pump[8];
};

struct pump {
    float setpoint, integral, previous_error;
    uint16_t speed_rpm;
    bool running;
};

enum link_state { LINK_DOWN, LINK_JOINING, LINK_UP };

struct session {
    enum link_state state;
    uint32_t sent, acknowledged;
    uint8_t address[6];
};

struct valve {
    uint8_t id;
    const char *name;
    struct valve *downstream;
};

static QueueHandle_t readings;
static SemaphoreHandle_t console_lock;
static struct pump pump = {.setpoint = 12.5f, .speed_rpm = 1450, .running = true};
static struct session session = {.address = {0x02, 0x42, 0xAC, 0x11, 0x00, 0x07}};
static struct reading last_reading;
static volatile char pending_fault;
static TaskHandle_t control_handle, flow_handle, modem_handle, logger_handle, shell_handle;

/* The tank's valve is wired to an address that does not exist. */
static struct valve drain = {.id = 4, .name = "drain", .downstream = (struct valve *)0xF0000040};
static struct valve outlet = {.id = 3, .name = "outlet", .downstream = &drain};
static struct valve mixer = {.id = 2, .name = "mixer", .downstream = &outlet};
static struct valve inlet = {.id = 1, .name = "inlet", .downstream = &mixer};

uint32_t uptime_ms(void) {
    return xTaskGetSchedulerState() == taskSCHEDULER_NOT_STARTED ? 0 : (uint32_t)xTaskGetTickCountFromISR() * portTICK_PERIOD_MS;
}

static void say(const char *module, const char *text, int value) {
    xSemaphoreTake(console_lock, portMAX_DELAY);
    LOG_INF(module, "%s %d", text, value);
    xSemaphoreGive(console_lock);
}

/* Flow */

static __attribute__((noinline)) void reading_publish(const struct reading *reading) {
    struct reading copy = *reading;
    xQueueSend(readings, &copy, pdMS_TO_TICKS(10));
}

static void flow_task(void *argument) {
    uint32_t base = (uint32_t)argument;
    for (uint32_t n = 0;; n++) {
        struct reading reading = {.sequence = n, .litres_per_minute = (float)base + 0.25f * (float)(n % 16), .pump = "main"};
        reading_publish(&reading);
        vTaskDelay(pdMS_TO_TICKS(500));
    }
}

/* Control */

static __attribute__((noinline)) void motor_set(volatile uint16_t *speed_register, float rpm) {
    *speed_register = (uint16_t)rpm;
    __asm volatile("dsb" ::: "memory");
}

static __attribute__((noinline)) float pid_step(struct pump *p, float measured, float dt, volatile uint16_t *speed_register) {
    float error = p->setpoint - measured;
    p->integral += error * dt;
    float slope = (error - p->previous_error) / dt;
    p->previous_error = error;
    float rpm = 1400.0f + 40.0f * error + 8.0f * p->integral + 0.5f * slope;
    motor_set(speed_register, rpm);
    return rpm + slope;
}

static void control_task(void *argument) {
    struct pump *p = argument;
    for (;;) {
        volatile uint16_t *speed_register = pending_fault == 'f' ? (volatile uint16_t *)0xF0000010 : &p->speed_rpm;
        float rpm = pid_step(p, last_reading.litres_per_minute, 0.25f, speed_register);
        if (rpm > 9000.0f) p->running = false;
        vTaskDelay(pdMS_TO_TICKS(250));
    }
}

/* Modem */

static __attribute__((noinline)) int link_wait(struct session *s, int tries) {
    int joined = 0;
    while (tries--) {
        vTaskDelay(pdMS_TO_TICKS(5000));
        s->sent++;
        joined++;
    }
    return joined;
}

static __attribute__((noinline)) void session_attach(struct session *s, enum link_state state) {
    s->sent = 0;
    s->acknowledged = 0;
    s->state = state;
}

static void modem_task(void *argument) {
    struct session *s = argument;
    int joined = 0;
    for (;;) {
        joined += link_wait(s, 3);
        session_attach(s, joined > 3 ? LINK_UP : LINK_JOINING);
    }
}

/* Logger */

static void logger_task(void *argument) {
    (void)argument;
    struct reading reading;
    for (;;) {
        if (!xQueueReceive(readings, &reading, portMAX_DELAY)) continue;
        last_reading = reading;
        if (reading.sequence % 4 == 0) say("flow", "millilitres per minute", (int)(reading.litres_per_minute * 1000.0f));
    }
}

/* What the shell can break */

static __attribute__((noinline)) uint32_t valve_open(struct valve *valve, uint32_t pressure_kpa) {
    valve->id |= 0x80;
    uint32_t drop = pressure_kpa / 8;
    if (valve->downstream) drop += valve_open(valve->downstream, pressure_kpa - drop);
    return drop;
}

static __attribute__((noinline)) uint32_t history_scan(uint32_t depth) {
    volatile uint32_t window[24];
    for (uint32_t i = 0; i < 24; i++) window[i] = depth * 100 + i;
    if (depth > 40) return window[3];
    vTaskDelay(1);
    return history_scan(depth + 1) + window[depth % 24];
}

/* Never yields: only a stack limit in hardware (PSPLIM) stops it in time. */
static __attribute__((noinline)) uint32_t route_search(volatile uint32_t hop) {
    volatile uint8_t visited[64];
    visited[hop % sizeof visited] = 1;
    return route_search(hop + 1) + visited[0];
}

static __attribute__((noinline)) void calibration_store(uint32_t slot, uint32_t value) {
    APP_ASSERT(slot < 8);
    pump.speed_rpm = (uint16_t)value;
}

static __attribute__((noinline)) int litres_per_cycle(int litres, volatile int cycles) { return litres / cycles; }

static __attribute__((noinline)) void update_apply(const char *image) {
    last_reading.pump[0] = image[0];
    __asm volatile("udf #9");
}

static __attribute__((noinline)) uint64_t crc_block(const uint64_t *block, uint32_t n) {
    uint64_t sum = 0;
    while (n--) sum ^= *block++;
    return sum;
}

static void shell_execute(char key) {
    say("shell", "command", key);
    switch (key) {
        case '1': say("valve", "pressure drop", (int)valve_open(&inlet, 800)); break;
        case '2': session_attach(NULL, LINK_UP); break;
        case '3': say("history", "scanned", (int)history_scan(0)); break;
        case '4': calibration_store(11, 1450); break;
        case '5': say("flow", "litres per cycle", litres_per_cycle(120, 0)); break;
        case '6': update_apply("brook-1.5.0"); break;
        case '8': say("crc", "block", (int)crc_block((const uint64_t *)((const char *)&session + 1), 2)); break;
        case '9': ((void (*)(uint32_t))0x40004001)(7); break;
        case 'p': say("route", "hops", (int)route_search(0)); break;
        case '7':
        case 'f':
        case 't': pending_fault = key; break;
        case 'r': board_reset();
        default: say("shell", "unknown command", key); break;
    }
}

static void shell_task(void *argument) {
    (void)argument;
    for (;;) {
        int key = uart_getc();
        if (key > ' ') shell_execute((char)key);
        vTaskDelay(pdMS_TO_TICKS(20));
    }
}

/* Called by the kernel */

static __attribute__((noinline)) void tick_capture(volatile uint32_t *capture, uint32_t now) {
    *capture = now;
    __asm volatile("dsb" ::: "memory");
}

void vApplicationTickHook(void) {
    if (pending_fault == '7') tick_capture((volatile uint32_t *)0xF0000020, 7);
}

static __attribute__((noinline)) void watchdog_kick(volatile uint32_t *reload, uint32_t value) {
    *reload = value;
    __asm volatile("dsb" ::: "memory");
}

static void housekeeping(TimerHandle_t timer) {
    (void)timer;
    static uint32_t reload;
    watchdog_kick(pending_fault == 't' ? (volatile uint32_t *)0xF0000004 : &reload, 0xAAAA);
}

void vApplicationStackOverflowHook(TaskHandle_t task, char *name) {
    (void)task;
    LOG_ERR("kernel", "stack overflow in task %s", name);
    fault_panic(FAULT_STACK_CHECK);
}

int main(void) {
    console_banner(PRODUCT, VERSION);
    readings = xQueueCreate(4, sizeof(struct reading));
    console_lock = xSemaphoreCreateMutex();
    vQueueAddToRegistry(readings, "readings");
    vQueueAddToRegistry(console_lock, "console");
    xTaskCreate(control_task, "control", 160, &pump, 4, &control_handle);
    xTaskCreate(flow_task, "flow", 160, (void *)11, 3, &flow_handle);
    xTaskCreate(logger_task, "logger", 192, NULL, 2, &logger_handle);
    xTaskCreate(shell_task, "shell", 224, NULL, 2, &shell_handle);
    xTaskCreate(modem_task, "modem", 128, &session, 1, &modem_handle);
    xTimerStart(xTimerCreate("housekeep", pdMS_TO_TICKS(100), pdTRUE, NULL, housekeeping), 0);
    vTaskStartScheduler();
    for (;;) { }
}
