/* Reset: the C memory, the board, main. The vector table is the only thing the core needs before. */
#include "board.h"
#include "fault.h"

extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end;

int main(void);
void Reset_Handler(void);
void SysTick_Handler(void);
void __attribute__((weak)) SVC_Handler(void) { fault_unexpected_interrupt(); }
void __attribute__((weak)) PendSV_Handler(void) { fault_unexpected_interrupt(); }
void Default_Handler(void) { fault_unexpected_interrupt(); }

__attribute__((section(".vectors"), used)) const void *const vectors[48] = {
    &_stack_top,        Reset_Handler,     Default_Handler,   HardFault_Handler,
#if HAS_FAULT_REGISTERS
    MemManage_Handler,  BusFault_Handler,  UsageFault_Handler, Default_Handler,
#else
    0, 0, 0, 0,
#endif
    0, 0, 0, SVC_Handler, Default_Handler, 0, PendSV_Handler, SysTick_Handler,
};

void Reset_Handler(void) {
    const uint32_t *from = &_data_load;
    for (uint32_t *to = &_data_start; to < &_data_end;) *to++ = *from++;
    for (uint32_t *to = &_bss_start; to < &_bss_end;) *to++ = 0;
    board_init();
    fault_init();
    main();
    for (;;) { }
}
