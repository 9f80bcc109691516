/* Start-up of the build matrix: memory, one fault handler that stops, and an observer that no optimiser can see
 * through. Built without -g: the code below main has no debug information, as a boot ROM has none. */
#include <stdint.h>

extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_top;

int main(void);
void Reset_Handler(void);
void fault_entry(void);

/* Takes a pointer, so that what it points to must exist. */
void observe(const void *what);
const void *volatile observed;
void observe(const void *what) { observed = what; }

/* A number that the compiler does not know. */
uint32_t unknown_number(void);
volatile uint32_t seed;
uint32_t unknown_number(void) { return seed + 3; }

/* An address that no board answers at. */
uint32_t nowhere(void);
uint32_t nowhere(void) { return NOWHERE + seed; }

__attribute__((noreturn, used)) static void start(void) {
    const uint32_t *from = &_data_load;
    for (uint32_t *to = &_data_start; to < &_data_end;) *to++ = *from++;
    for (uint32_t *to = &_bss_start; to < &_bss_end;) *to++ = 0;
    main();
    for (;;) { }
}

#if defined(__riscv)
__attribute__((naked, aligned(4))) void fault_entry(void) { __asm__("1: wfi\n j 1b"); }
__attribute__((naked, section(".vectors"))) void Reset_Handler(void) {
    __asm__(".option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n"
            "la sp, _stack_top\n la t0, fault_entry\n csrw mtvec, t0\n"
#if defined(__riscv_flen)
            "li t0, 0x2000\n csrs mstatus, t0\n"
#endif
            "j start");
}
#else
__attribute__((naked)) void fault_entry(void) { __asm__("1: wfi\n b 1b"); }
__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    &_stack_top, Reset_Handler, fault_entry, fault_entry, fault_entry, fault_entry, fault_entry, fault_entry,
    0, 0, 0, fault_entry, fault_entry, 0, fault_entry, fault_entry,
};
void Reset_Handler(void) {
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xE000ED88 |= 0xF << 20;
    __asm__ volatile("dsb\n isb");
#endif
    start();
}
#endif

void *memcpy(void *to, const void *from, __SIZE_TYPE__ n);
void *memcpy(void *to, const void *from, __SIZE_TYPE__ n) {
    for (__SIZE_TYPE__ i = 0; i < n; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}
void *memmove(void *to, const void *from, __SIZE_TYPE__ n);
void *memmove(void *to, const void *from, __SIZE_TYPE__ n) {
    if (to < from) return memcpy(to, from, n);
    while (n--) ((volatile char *)to)[n] = ((const char *)from)[n];
    return to;
}
void *memset(void *to, int byte, __SIZE_TYPE__ n);
void *memset(void *to, int byte, __SIZE_TYPE__ n) {
    for (__SIZE_TYPE__ i = 0; i < n; i++) ((volatile char *)to)[i] = (char)byte;
    return to;
}
int memcmp(const void *a, const void *b, __SIZE_TYPE__ n);
int memcmp(const void *a, const void *b, __SIZE_TYPE__ n) {
    for (__SIZE_TYPE__ i = 0; i < n; i++)
        if (((const unsigned char *)a)[i] != ((const unsigned char *)b)[i])
            return ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];
    return 0;
}
__SIZE_TYPE__ strlen(const char *text);
__SIZE_TYPE__ strlen(const char *text) {
    __SIZE_TYPE__ n = 0;
    while (((const volatile char *)text)[n]) n++;
    return n;
}

#if defined(__arm__)
void __aeabi_memcpy(void *to, const void *from, __SIZE_TYPE__ n);
void __aeabi_memcpy(void *to, const void *from, __SIZE_TYPE__ n) { memcpy(to, from, n); }
void __aeabi_memcpy4(void *, const void *, __SIZE_TYPE__) __attribute__((alias("__aeabi_memcpy")));
void __aeabi_memcpy8(void *, const void *, __SIZE_TYPE__) __attribute__((alias("__aeabi_memcpy")));
void __aeabi_memmove(void *to, const void *from, __SIZE_TYPE__ n);
void __aeabi_memmove(void *to, const void *from, __SIZE_TYPE__ n) { memmove(to, from, n); }
void __aeabi_memmove4(void *, const void *, __SIZE_TYPE__) __attribute__((alias("__aeabi_memmove")));
void __aeabi_memset(void *to, __SIZE_TYPE__ n, int byte);
void __aeabi_memset(void *to, __SIZE_TYPE__ n, int byte) { memset(to, byte, n); }
void __aeabi_memclr(void *to, __SIZE_TYPE__ n);
void __aeabi_memclr(void *to, __SIZE_TYPE__ n) { memset(to, 0, n); }
void __aeabi_memclr4(void *, __SIZE_TYPE__) __attribute__((alias("__aeabi_memclr")));
void __aeabi_memclr8(void *, __SIZE_TYPE__) __attribute__((alias("__aeabi_memclr")));
#endif
