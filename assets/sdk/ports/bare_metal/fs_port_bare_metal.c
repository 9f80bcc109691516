/* Fieldscope's device-side SDK on bare metal. SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * With it: ../fs_fault_cortex_m.c (or fs_port_reset() of your own) and ../fs_store_noinit.c (or a place in flash).
 * What is left to the product: fs_port_write(), a UART that takes all bytes. */
#include "fs_port_bare_metal.h"

static volatile uint32_t milliseconds;

void fs_port_tick(uint32_t ms) { milliseconds += ms; }
uint32_t fs_port_uptime_ms(void) { return milliseconds; }

/* A product with a clock has its own. */
uint32_t __attribute__((weak)) fs_port_time(void) { return 0; }
