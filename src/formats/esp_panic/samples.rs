//! One print a style, and what has to come out of it.

use super::EspPanic;
use crate::formats::{Format as _, scan::scan};
use crate::model::{arch::Arch, coredump::Coredump, progress::Unattended, registers::Reg};

const XTENSA: &str = "\
Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.\r
\r
Core  1 register dump:\r
PC      : 0x400d2b1e  PS      : 0x00060a30  A0      : 0x800d2b8c  A1      : 0x3ffb4f50  \r
A2      : 0x00000000  A3      : 0x3ffb4f70  A4      : 0x00000004  A5      : 0x00000005  \r
A6      : 0x00000006  A7      : 0x00000007  A8      : 0x00000008  A9      : 0x3ffb4f30  \r
A10     : 0x0000000a  A11     : 0x0000000b  A12     : 0x0000000c  A13     : 0x0000000d  \r
A14     : 0x0000000e  A15     : 0x0000000f  SAR     : 0x00000010  EXCCAUSE: 0x0000001c  \r
EXCVADDR: 0x00000014  LBEG    : 0x4000c46c  LEND    : 0x4000c477  LCOUNT  : 0xffffffff  \r
\r
\r
Backtrace: 0x400d2b1b:0x3ffb4f50 0x400d2b89:0x3ffb4f70 0x40085ac1:0x3ffb4f90  |<-CORRUPTED\r
\r
\r
ELF file SHA256: 0c6ee0f9a\r
\r
Rebooting...\r
";

const RISCV: &str = "\
Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.

Core  0 register dump:
MEPC    : 0x420069b4  RA      : 0x420069a2  SP      : 0x3fc8f9f0  GP      : 0x3fc8a400  
TP      : 0x3fc87ee0  T0      : 0x4005890e  T1      : 0x90000000  T2      : 0xffffffff  
S0/FP   : 0x3fc8fa10  S1      : 0x00000000  A0      : 0x00000001  A1      : 0x3fc8f9d4  
A2      : 0x00000000  A3      : 0x00000001  A4      : 0x00000000  A5      : 0x00000000  
A6      : 0x60023000  A7      : 0x0000000a  S2      : 0x00000000  S3      : 0x00000000  
MSTATUS : 0x00001881  MTVEC   : 0x40380001  MCAUSE  : 0x00000005  MTVAL   : 0x00000008  
MHARTID : 0x00000000  

Stack memory:
3fc8f9f0: 0x00000000 0x3fc8fa10 0x00000002 0x00000003 0x00000004 0x00000005 0x00000006 0x420069a2
3fc8fa10: 0xa5a5a5a5 0xa5a5a5a5 0xa5a5a5a5 0xa5a5a5a5 0xa5a5a5a5 0xa5a5a5a5 0xa5a5a5a5 0xa5a5a5a5

ELF file SHA256: d95cbf1dd3f91d6e
";

const WATCHDOG: &str = "\
E (10303) task_wdt: Task watchdog got triggered. The following tasks/users did not reset the watchdog in time:
E (10303) task_wdt:  - IDLE0 (CPU 0)
E (10303) task_wdt: Tasks currently running:
E (10303) task_wdt: CPU 0: spin_task
E (10303) task_wdt: CPU 1: IDLE1
E (10303) task_wdt: Print CPU 0 (current core) backtrace


Backtrace: 0x400D3A5A:0x3FFB1570 0x400D3C11:0x3FFB1590 0x4008273D:0x3FFB15B0
E (10303) task_wdt: Print CPU 1 backtrace


Backtrace: 0x400840B5:0x3FFB1B70 0x4008273D:0x3FFB1B90
";

fn prints(text: &str) -> Vec<Coredump> {
    EspPanic
        .decode(text.as_bytes(), &Unattended)
        .unwrap()
        .coredumps
}

fn only(text: &str) -> Coredump {
    let mut found = prints(text);
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

#[test]
fn an_xtensa_panic_gives_registers_backtrace_and_the_hash_of_its_elf() {
    let dump = only(XTENSA);
    assert_eq!((dump.arch, dump.format), (Arch::Xtensa, "esp-panic"));
    assert_eq!(dump.reason.as_deref(), Some("LoadProhibited"));
    assert_eq!(dump.elf_sha256.as_deref(), Some("0c6ee0f9a"));
    let registers = &dump.threads[0].registers;
    assert_eq!(registers.pc(), Some(0x400D_2B1E));
    assert_eq!(registers.sp(), Some(0x3FFB_4F50));
    assert_eq!(registers.known(Reg::EXCCAUSE), Some(28));
    assert_eq!(registers.known(Reg::EXCVADDR), Some(0x14));
    // The device prints calls; the frames of a report are return addresses.
    assert_eq!(dump.printed_stack, [0x400D_2B1E, 0x400D_2B8C, 0x4008_5AC4]);
    assert_eq!(dump.warnings[0].code, "FS-ESP-020");
}

#[test]
fn a_riscv_panic_gives_registers_and_the_stack() {
    let dump = only(RISCV);
    assert_eq!(dump.arch, Arch::Riscv32);
    let registers = &dump.threads[0].registers;
    assert_eq!(registers.pc(), Some(0x4200_69B4));
    assert_eq!(registers.known(Reg(8)), Some(0x3FC8_FA10));
    assert_eq!(registers.known(Reg::MCAUSE), Some(5));
    assert_eq!(registers.known(Reg::MTVAL), Some(8));
    assert_eq!(dump.memory.regions().len(), 1);
    assert_eq!(dump.memory.regions()[0].bytes.len(), 64);
    assert_eq!(dump.elf_sha256.as_deref(), Some("d95cbf1dd3f91d6e"));
}

#[test]
fn a_task_watchdog_names_the_running_tasks_of_both_cores() {
    let dump = only(WATCHDOG);
    let reason = dump.reason.unwrap();
    assert!(
        reason.starts_with("Task watchdog got triggered"),
        "{reason}"
    );
    assert!(reason.contains("IDLE0"), "{reason}");
    let names: Vec<_> = dump.threads.iter().map(|t| t.name.as_deref()).collect();
    assert_eq!(names, [Some("spin_task"), Some("IDLE1")]);
    assert_eq!(dump.threads[0].registers.pc(), Some(0x400D_3A5D));
    assert_eq!(dump.threads[1].registers.sp(), Some(0x3FFB_1B70));
    assert_eq!(dump.printed_stack.len(), 3);
}

#[test]
fn each_style_of_panic_is_known() {
    for (text, reason, pc) in [
        (
            "\r\nabort() was called at PC 0x400d66b9 on core 0\r\n\r\n\r\nBacktrace: 0x4008110a:0x3ffb4ec0 0x40085109:0x3ffb4ee0\r\n",
            "abort() was called at PC 0x400d66b9 on core 0",
            Some(0x4008_110D),
        ),
        (
            "assert failed: app_main hello_world_main.c:24 (x == 1)\n\n\nBacktrace:0x4008110a:0x3ffb4ec0 0x40085109:0x3ffb4ee0\n",
            "assert failed",
            Some(0x4008_110D),
        ),
        (
            "Guru Meditation Error: Core  0 panic'ed (Unhandled debug exception). \nDebug exception reason: Stack canary watchpoint triggered (main) \nCore  0 register dump:\nPC      : 0x40081234  PS      : 0x00060a30  A0      : 0x800d2b8c  A1      : 0x3ffb4f50  \nA14     : 0x0000000e  A15     : 0x0000000f  SAR     : 0x00000010  EXCCAUSE: 0x00000001  \n",
            "Unhandled debug exception: Stack canary watchpoint triggered (main)",
            Some(0x4008_1234),
        ),
        (
            "\nBrownout detector was triggered\n\nets Jun  8 2016 00:22:57\n",
            "Brownout detector was triggered",
            None,
        ),
        (
            "Stack smashing protect failure!\n\nabort() was called at PC 0x400d1000 on core 0\n\nBacktrace: 0x4008110a:0x3ffb4ec0\n",
            "Stack smashing protect failure!",
            Some(0x4008_110D),
        ),
        (
            "ESP_ERROR_CHECK failed: esp_err_t 0x102 (ESP_ERR_INVALID_ARG) at 0x400d1234\nfile: \"./main/main.c\" line 23\nfunc: app_main\nexpression: nvs_flash_init()\n\nabort() was called at PC 0x40081234 on core 0\n\nBacktrace: 0x4008110a:0x3ffb4ec0\n",
            "ESP_ERROR_CHECK failed: esp_err_t 0x102 (ESP_ERR_INVALID_ARG)",
            Some(0x4008_110D),
        ),
        (
            "Guru Meditation Error: Core  0 panic'ed (Interrupt wdt timeout on CPU0). \n\nCore  0 register dump:\nPC      : 0x40081234  PS      : 0x00060a30  A0      : 0x800d2b8c  A1      : 0x3ffb4f50  \nA14     : 0x0000000e  A15     : 0x0000000f  SAR     : 0x00000010  EXCCAUSE: 0x00000005  \nCore  1 register dump:\nPC      : 0x40085678  PS      : 0x00060a30  A0      : 0x800d2b8c  A1      : 0x3ffb8f50  \n",
            "Interrupt wdt timeout on CPU0",
            Some(0x4008_1234),
        ),
    ] {
        let dump = only(text);
        assert_eq!(dump.reason.as_deref(), Some(reason));
        let found = dump.threads.first().and_then(|t| t.registers.pc());
        assert_eq!(found, pc, "{reason}");
    }
    let assert = only("assert failed: xQueueGenericSend queue.c:832 (pxQueue)\n")
        .assert
        .unwrap();
    assert_eq!(assert.message.as_deref(), Some("pxQueue"));
    assert_eq!(
        (assert.file.as_deref(), assert.line),
        (Some("queue.c"), Some(832))
    );
    assert!(prints("I (12) app: abort() was called at PC 0x40081234 on core 0\n").is_empty());
}

#[test]
fn a_panic_in_a_log_is_one_crash_and_no_other_format_takes_it() {
    for text in [XTENSA, RISCV, WATCHDOG] {
        let log = format!("I (31) boot: up\r\n{text}rst:0xc (SW_CPU_RESET),boot:0x13\r\n{text}");
        let found = scan("a.log", log.as_bytes(), &Unattended).unwrap();
        let formats: Vec<_> = found.coredumps.iter().map(|d| d.format).collect();
        assert_eq!(formats, ["esp-panic", "esp-panic"], "{text}");
    }
}
