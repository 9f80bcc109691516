/* A stand-in, see ../kernel.h. */
#pragma once
#define SYS_REBOOT_COLD 1
void __attribute__((noreturn)) sys_reboot(int type);
