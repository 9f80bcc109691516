/* Fieldscope's device-side SDK on bare metal. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef FS_PORT_BARE_METAL_H
#define FS_PORT_BARE_METAL_H

#include "fieldscope.h"

#ifdef __cplusplus
extern "C" {
#endif
/* From the SysTick handler, or whatever counts time: `ms` milliseconds have passed. */
void fs_port_tick(uint32_t ms);
#ifdef __cplusplus
}
#endif
#endif
