/* Fieldscope's device-side SDK on Zephyr. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef FS_PORT_ZEPHYR_H
#define FS_PORT_ZEPHYR_H

#include "fieldscope.h"

#ifdef __cplusplus
extern "C" {
#endif
/* After fs_init(): a thread of the lowest application priority that sends what waits. */
void fs_port_start_thread(void);
#ifdef __cplusplus
}
#endif
#endif
