/* Fieldscope's device-side SDK: keeps the coredump in RAM that is not cleared by the start-up code, until it is sent after the reset.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fieldscope.h"

#if FS_COREDUMP && FS_STORE
#ifndef FS_STORE_SIZE
#define FS_STORE_SIZE 4096 /* bytes, a multiple of 16 */
#endif
#ifndef FS_NOINIT
#define FS_NOINIT __attribute__((section(".noinit")))
#endif

static FS_NOINIT uint8_t store[FS_STORE_SIZE] __attribute__((aligned(16)));

size_t fs_port_store_size(void) { return FS_STORE_SIZE; }
void fs_port_store_begin(void) { fs_port_store_clear(); }
/* A length that is never right. */
void fs_port_store_clear(void) {
    for (unsigned i = 0; i < FS_STORE_HEADER; i++) store[i] = 0xFF;
}

void fs_port_store_write(size_t offset, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    for (; size-- && offset < FS_STORE_SIZE; offset++) store[offset] = *from++;
}

void fs_port_store_read(size_t offset, void *bytes, size_t size) {
    uint8_t *to = bytes;
    for (; size-- && offset < FS_STORE_SIZE; offset++) *to++ = store[offset];
}
#else
typedef int fs_store_is_not_built;
#endif
