/* Weir: a gate controller on FreeRTOS and RISC-V. Five tasks, a timer, a queue and a mutex. */
#include "board.h"
#include "console.h"
#include "trap.h"

#include "FreeRTOS.h"
#include "queue.h"
#include "semphr.h"
#include "task.h"
#include "timers.h"
#include <string.h>

#define PRODUCT "weir-gate"
#define VERSION "1.1.0"

struct level {
    uint32_t sequence;
    int32_t millimetres;
    char basin[8];
};

enum gate_state { GATE_CLOSED, GATE_OPENING, GATE_OPEN = 4 };

struct gate {
    enum gate_state state;
    uint16_t turns;
    int8_t trim;
    struct gate *neighbour;
};

static QueueHandle_t levels;
static SemaphoreHandle_t console_lock;
static struct gate left = {.state = GATE_OPEN, .turns = 12, .trim = -3};
static struct gate right = {.state = GATE_CLOSED, .turns = 0, .trim = 2, .neighbour = &left};
static struct level last_level;
static volatile char pending_fault;
static TaskHandle_t gate_handle, level_handle, logger_handle, shell_handle;

extern void freertos_risc_v_trap_handler(void);

uint32_t uptime_ms(void) {
    return xTaskGetSchedulerState() == taskSCHEDULER_NOT_STARTED ? 0 : (uint32_t)xTaskGetTickCountFromISR() * portTICK_PERIOD_MS;
}

static void say(const char *module, const char *text, int value) {
    xSemaphoreTake(console_lock, portMAX_DELAY);
    LOG_INF(module, "%s %d", text, value);
    xSemaphoreGive(console_lock);
}

/* Tasks */

static __attribute__((noinline)) void level_publish(const struct level *level) {
    struct level copy = *level;
    xQueueSend(levels, &copy, pdMS_TO_TICKS(10));
}

static void level_task(void *argument) {
    int32_t base = (int32_t)argument;
    for (uint32_t n = 0;; n++) {
        struct level level = {.sequence = n, .millimetres = base + (int32_t)(n % 16), .basin = "upper"};
        level_publish(&level);
        vTaskDelay(pdMS_TO_TICKS(200));
    }
}

static __attribute__((noinline)) int gate_turn(struct gate *gate, int turns) {
    gate->turns = (uint16_t)(gate->turns + turns);
    vTaskDelay(pdMS_TO_TICKS(250));
    return gate->turns > 100 ? -1 : 1;
}

static void gate_task(void *argument) {
    struct gate *gate = argument;
    int direction = 1;
    for (;;) direction = gate_turn(gate, direction);
}

static void logger_task(void *argument) {
    (void)argument;
    struct level level;
    for (;;) {
        if (!xQueueReceive(levels, &level, portMAX_DELAY)) continue;
        last_level = level;
        if (level.sequence % 4 == 0) say("level", "millimetres", (int)level.millimetres);
    }
}

/* What the shell can break */

static __attribute__((noinline)) int gate_open(struct gate *gate, int turns) {
    gate->state = GATE_OPENING;
    int used = turns / 3;
    gate->turns = (uint16_t)used;
    return used + gate_open(gate->neighbour, turns - used);
}

static __attribute__((noinline)) void update_apply(const char *image) {
    last_level.basin[0] = image[0];
    __asm volatile(".word 0xFFFFFFFF");
}

static __attribute__((noinline)) uint32_t history_scan(uint32_t depth) {
    volatile uint32_t window[16];
    for (uint32_t i = 0; i < 16; i++) window[i] = depth * 100 + i;
    if (depth > 40) return window[3];
    vTaskDelay(1);
    return history_scan(depth + 1) + window[depth % 16];
}

static __attribute__((noinline)) void trim_store(uint32_t gate, int8_t trim) {
    APP_ASSERT(gate < 2);
    right.trim = trim;
}

static void shell_execute(char key) {
    say("shell", "command", key);
    switch (key) {
        case '1': say("gate", "turns", gate_open(&right, 9)); break;
        case '2': update_apply("weir-1.2.0"); break;
        case '3': say("history", "scanned", (int)history_scan(0)); break;
        case '6': trim_store(7, 4); break;
        case '4':
        case 't': pending_fault = key; break;
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

static __attribute__((noinline)) void tick_capture(volatile uint32_t *capture, uint32_t now) { *capture = now; }

void vApplicationTickHook(void) {
    if (pending_fault == '4') tick_capture((volatile uint32_t *)0xA0000020, 7);
}

static __attribute__((noinline)) void watchdog_kick(volatile uint32_t *reload, uint32_t value) { *reload = value; }

static void housekeeping(TimerHandle_t timer) {
    (void)timer;
    static uint32_t reload;
    watchdog_kick(pending_fault == 't' ? (volatile uint32_t *)0xA0000004 : &reload, 0xAAAA);
}

void vApplicationStackOverflowHook(TaskHandle_t task, char *name) {
    (void)task;
    LOG_ERR("kernel", "stack overflow in task %s", name);
    fault_panic(FAULT_STACK_CHECK);
}

/* The kernel's trap entry has saved the task's registers on its stack, and the address of that in the control block. */
__attribute__((used)) _Noreturn void freertos_risc_v_application_exception_handler(uint32_t mcause) {
    const uint32_t *saved = *(const uint32_t *const *)xTaskGetCurrentTaskHandle();
    static struct trap_frame frame;
    memset(&frame, 0, sizeof frame);
    frame.mcause = mcause;
    __asm volatile("csrr %0, mtval" : "=r"(frame.mtval));
    __asm volatile("csrr %0, mepc" : "=r"(frame.mepc));
    __asm volatile("mv %0, gp\n mv %1, tp" : "=r"(frame.gp), "=r"(frame.tp));
    frame.mstatus = saved[30];
    frame.ra = saved[1];
    frame.sp = (uint32_t)(saved + 31);
    uint32_t *const slots[] = {&frame.t0, &frame.t1, &frame.t2,  &frame.s0,  &frame.s1, &frame.a0, &frame.a1, &frame.a2, &frame.a3,
                               &frame.a4, &frame.a5, &frame.a6,  &frame.a7,  &frame.s2, &frame.s3, &frame.s4, &frame.s5, &frame.s6,
                               &frame.s7, &frame.s8, &frame.s9,  &frame.s10, &frame.s11, &frame.t3, &frame.t4, &frame.t5, &frame.t6};
    for (unsigned i = 0; i < sizeof slots / sizeof slots[0]; i++) *slots[i] = saved[2 + i];
    LOG_ERR("fault", "in task %s", pcTaskGetName(NULL));
    fault_entry(&frame);
}

int main(void) {
    board_init();
    fault_init();
    console_banner(PRODUCT, VERSION);
    __asm volatile("csrw mtvec, %0" ::"r"(freertos_risc_v_trap_handler));
    levels = xQueueCreate(4, sizeof(struct level));
    console_lock = xSemaphoreCreateMutex();
    vQueueAddToRegistry(levels, "levels");
    vQueueAddToRegistry(console_lock, "console");
    xTaskCreate(gate_task, "gate", 192, &left, 3, &gate_handle);
    xTaskCreate(level_task, "level", 192, (void *)1100, 3, &level_handle);
    xTaskCreate(logger_task, "logger", 224, NULL, 2, &logger_handle);
    xTaskCreate(shell_task, "shell", 224, NULL, 2, &shell_handle);
    xTimerStart(xTimerCreate("housekeep", pdMS_TO_TICKS(100), pdTRUE, NULL, housekeeping), 0);
    vTaskStartScheduler();
    for (;;) { }
}
