/* A stand-in for the part of Zephyr's interface that ports/zephyr uses, so that the port is compiled at all: there is no Zephyr among the
 * tools of the tests. Names and types as Zephyr 3.7 to 4.x have them; our own text. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_CPU_CORTEX_M 1
#define CONFIG_EXTRA_EXCEPTION_INFO 1
#define CONFIG_THREAD_STACK_INFO 1
#define __weak __attribute__((__weak__))
#define ARG_UNUSED(x) (void)(x)
#define CODE_UNREACHABLE __builtin_unreachable()
#define K_LOWEST_APPLICATION_THREAD_PRIO 14

typedef struct { int64_t ticks; } k_timeout_t;
#define K_NO_WAIT ((k_timeout_t){0})
#define K_FOREVER ((k_timeout_t){-1})

struct k_mutex { int owner; };
#define K_MUTEX_DEFINE(name) struct k_mutex name
int k_mutex_lock(struct k_mutex *mutex, k_timeout_t timeout);
int k_mutex_unlock(struct k_mutex *mutex);

struct k_thread { struct { uintptr_t start; size_t size; } stack_info; };
extern struct k_thread *_current;
typedef struct k_thread *k_tid_t;
typedef struct { unsigned char data; } k_thread_stack_t;
typedef void (*k_thread_entry_t)(void *, void *, void *);
#define K_THREAD_STACK_DEFINE(name, size) k_thread_stack_t name[size]
#define K_THREAD_STACK_SIZEOF(name) sizeof(name)
k_tid_t k_thread_create(struct k_thread *thread, k_thread_stack_t *stack, size_t size, k_thread_entry_t entry, void *a, void *b, void *c, int priority,
                        uint32_t options, k_timeout_t delay);
int k_thread_name_set(k_tid_t thread, const char *name);
int32_t k_msleep(int32_t ms);
void k_yield(void);
bool k_is_in_isr(void);
uint32_t k_uptime_get_32(void);
