/* A device on the host: a clock that the test sets, and what it sent, as a text or as bytes. */
#ifndef TEST_HOST_H
#define TEST_HOST_H
#include "fieldscope.h"

#include <setjmp.h>

extern uint32_t host_ms, host_time;
extern unsigned char host_sent[1 << 20];
extern size_t host_n_sent, host_largest_write;
extern jmp_buf host_reset;
extern const struct fs_device host_device;

/* As the start-up code of a device does it: what is not in .noinit begins anew. */
void host_boot(const struct fs_device *device);
void host_drain(void);
/* Runs until the reset. */
void host_crash(const struct fs_registers *registers, uint32_t reason);

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);       \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)
#endif
