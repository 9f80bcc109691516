/* Fieldscope's device-side SDK on FreeRTOS (Cortex-M). SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * With it: ../fs_fault_cortex_m.c and ../fs_store_noinit.c (or a place in flash). What is left to the product: fs_port_write(), and
 * FS_ASSERT as configASSERT if asserts of the kernel shall be events.
 *
 * Metrics, events and logs may be used from tasks and from interrupts of any priority: the SDK masks all of them, briefly. */
#include "fs_port_freertos.h"

#include "task.h"

/* Before the scheduler runs the tick is 0. */
uint32_t __attribute__((weak)) fs_port_uptime_ms(void) {
    return (uint32_t)((uint64_t)xTaskGetTickCountFromISR() * 1000u / configTICK_RATE_HZ);
}
uint32_t __attribute__((weak)) fs_port_time(void) { return 0; }

static void send(void *period) {
    for (;;) {
        while (fs_poll(FS_CHUNK_WIRE)) taskYIELD();
        vTaskDelay((TickType_t)(uintptr_t)period);
    }
}

int fs_port_start_task(uint32_t period_ms, unsigned priority) {
    return xTaskCreate(send, "fieldscope", FS_TASK_STACK, (void *)(uintptr_t)pdMS_TO_TICKS(period_ms), priority, NULL) == pdPASS;
}

#if configCHECK_FOR_STACK_OVERFLOW && !defined(FS_OWN_STACK_OVERFLOW_HOOK)
void vApplicationStackOverflowHook(TaskHandle_t task, char *name) {
    (void)task;
    (void)name;
    fs_crash_reason(FS_REASON_STACK_OVERFLOW);
    __builtin_trap();
}
#endif

/* Only with these the kernel knows where the stack of a task ends. */
#if configRECORD_STACK_HIGH_ADDRESS && configUSE_TRACE_FACILITY
uint32_t fs_port_task_stack_end(uint32_t sp);
uint32_t fs_port_task_stack_end(uint32_t sp) {
    TaskStatus_t status;
    if (xTaskGetSchedulerState() == taskSCHEDULER_NOT_STARTED) return 0;
    vTaskGetInfo(NULL, &status, pdFALSE, eRunning);
    /* The last word that was given to the task, which is its highest. */
    uint32_t end = (uint32_t)(uintptr_t)status.pxEndOfStack + (uint32_t)sizeof(StackType_t);
    return (uint32_t)(uintptr_t)status.pxStackBase <= sp && sp < end ? end : 0;
}
#endif
