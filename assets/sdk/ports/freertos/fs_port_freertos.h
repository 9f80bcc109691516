/* Fieldscope's device-side SDK on FreeRTOS. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef FS_PORT_FREERTOS_H
#define FS_PORT_FREERTOS_H

#include "fieldscope.h"

#include "FreeRTOS.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef FS_TASK_STACK
#define FS_TASK_STACK 192 /* words */
#endif
/* A task that sends what waits, every `period_ms` milliseconds, at a low priority. False if there is no memory for it. */
int fs_port_start_task(uint32_t period_ms, unsigned priority);
#ifdef __cplusplus
}
#endif
#endif
