//! One fault print a style, in the shape that the device prints it, and what must be understood of it.

use super::FaultPrint;
use crate::formats::{Decoded, Format as _};
use crate::model::{
    coredump::{Coredump, SpMeaning},
    memory::Memory as _,
    progress::Unattended,
    registers::Reg,
};

/// A style: its name, a print, and what is in it.
struct Sample {
    style: &'static str,
    text: &'static str,
    pc: Option<u64>,
    lr: Option<u64>,
    r0: Option<u64>,
    psr: Option<u64>,
    cfsr: Option<u32>,
    reason: Option<&'static str>,
    thread: Option<&'static str>,
}

const SAMPLES: &[Sample] = &[
    Sample {
        style: "one line of status, one of registers",
        text: "[326] ERR fault: CFSR=00008200 HFSR=40000000 BFAR=f000003b MMFAR=00000000 EXC_RETURN=fffffff9 SP=38001f88\r\nPC=10000212 LR=1000023f R0=38001fb8 R1=f000003b R2=deadbeef R3=00000006 R12=0000003b xPSR=01000000\r\n",
        pc: Some(0x1000_0212),
        lr: Some(0x1000_023F),
        r0: Some(0x3800_1FB8),
        psr: Some(0x0100_0000),
        cfsr: Some(0x8200),
        reason: None,
        thread: None,
    },
    Sample {
        style: "Zephyr",
        text: "[00:00:00.880,000] \x1b[1;31m<err> os: ***** BUS FAULT *****\x1b[0m\n[00:00:00.880,000] <err> os:   Precise data bus error\n[00:00:00.880,000] <err> os:   BFAR Address: 0x50008158\n[00:00:00.880,000] <err> os: r0/a1:  0x00000004  r1/a2:  0x50008158  r2/a3:  0x00000003\n[00:00:00.880,000] <err> os: r3/a4:  0x20000a10 r12/ip:  0xa0000000 r14/lr:  0x100025f7\n[00:00:00.880,000] <err> os:  xpsr:  0x61000000\n[00:00:00.880,000] <err> os: r4/v1:  0x00000001  r5/v2:  0x00000002  r6/v3:  0x00000003\n[00:00:00.880,000] <err> os: EXC_RETURN: 0xfffffffd\n[00:00:00.880,000] <err> os: Faulting instruction address (r15/pc): 0x1000070a\n[00:00:00.880,000] <err> os: >>> ZEPHYR FATAL ERROR 25: Unknown error on CPU 0\n[00:00:00.880,000] <err> os: Current thread: 0x20000a10 (main)\n[00:00:00.900,000] <err> os: Halting system\n",
        pc: Some(0x1000_070A),
        lr: Some(0x1000_25F7),
        r0: Some(4),
        psr: Some(0x6100_0000),
        cfsr: Some(0x8200),
        reason: Some("bus fault: precise data bus error"),
        thread: Some("main"),
    },
    Sample {
        style: "Zephyr, secure fault",
        text: "E: ***** SECURE FAULT *****\nE:   Attribution unit violation\nE:   Address: 0x20010000\nE: r0/a1:  0x00000004  r1/a2:  0x50008158  r2/a3:  0x00000003\nE: r3/a4:  0x20000a10 r12/ip:  0xa0000000 r14/lr:  0x100025f7\nE:  xpsr:  0x61000000\nE: Faulting instruction address (r15/pc): 0x1000070a\nE: >>> ZEPHYR FATAL ERROR 37: Unknown error on CPU 0\nE: Current thread: 0x20000a10 (main)\n",
        pc: Some(0x1000_070A),
        lr: Some(0x1000_25F7),
        r0: Some(4),
        psr: Some(0x6100_0000),
        cfsr: None,
        reason: Some("secure fault: attribution unit violation"),
        thread: Some("main"),
    },
    Sample {
        style: "Zephyr, older",
        text: "***** HARD FAULT *****\n  Fault escalation (see below)\n***** USAGE FAULT *****\n  Unaligned memory access\n***** Hardware exception *****\nCurrent thread ID = 0x20000344\nFaulting instruction address = 0xd8a\nFatal fault in thread 0x20000344! Aborting.\n",
        pc: Some(0xD8A),
        lr: None,
        r0: None,
        psr: None,
        cfsr: Some(0x0100_0000),
        reason: Some("usage fault: unaligned memory access"),
        thread: None,
    },
    Sample {
        style: "Mbed OS",
        text: "++ MbedOS Fault Handler ++\n\nFaultType: HardFault\n\nContext:\nR0   : DEADDE00\nR1   : FFFFFFFF\nR2   : 00000001\nR3   : 20000118\nR4   : 00000004\nR12  : 00005269\nSP   : 2002FFA8\nLR   : 0000060F\nPC   : 00005276\nxPSR : 2101000B\nPSP  : 20002EB0\nMSP  : 2002FF88\nCPUID: 410FC241\nHFSR : 40000000\nMMFSR: 00000000\nBFSR : 00000082\nUFSR : 00000001\nDFSR : 00000010\nAFSR : 00000000\nBFAR : DEADDE00\nMode : Thread\nPriv : Privileged\nStack: PSP\n\n-- MbedOS Fault Handler --\n",
        pc: Some(0x5276),
        lr: Some(0x60F),
        r0: Some(0xDEAD_DE00),
        psr: Some(0x2101_000B),
        cfsr: Some(0x0001_8200),
        reason: Some("hard fault"),
        thread: None,
    },
    Sample {
        style: "CmBacktrace",
        text: "Firmware name: demo, hardware version: V1.0.0, software version: V0.1.0\nFault on thread sensor\n===== Thread stack information =====\n  addr: 20000888    data: 00000000\n  addr: 2000088c    data: 08000a61\n====================================\n=================== Registers information ====================\n  R0 : 00000011  R1 : 200008f0  R2 : 00000002  R3 : 00000003\n  R12: 0000000c  LR : 08000a57  PC : 08000a60  PSR: 21000000\n==============================================================\nUsage fault is caused by attempted to divide by zero\nShow more call stack info by run: addr2line -e demo.elf -a -f 08000a60 08000141 0800313e\n",
        pc: Some(0x0800_0A60),
        lr: Some(0x0800_0A57),
        r0: Some(0x11),
        psr: Some(0x2100_0000),
        cfsr: None,
        reason: Some("usage fault: Usage fault is caused by attempted to divide by zero"),
        thread: Some("sensor"),
    },
    Sample {
        style: "NuttX",
        text: "[ EMERG] arm_hardfault: PANIC!!! Hard fault: 40000000\n[ EMERG] up_assert: Assertion failed at file:armv7-m/fault.c line: 134 task: init\n[ EMERG] arm_registerdump: R0: 00000010 R1: 00000000 R2: 00000002  R3: 00000000\n[ EMERG] arm_registerdump: R4: 3c321cd0 R5: ffffffff R6: 00000000  FP: 3c321b50\n[ EMERG] arm_registerdump: R8: 3c321bb8 SB: 00000002 SL: 2c477300 R11: 3c3214b8\n[ EMERG] arm_registerdump: IP: feff766c SP: 3c321b50 LR: 2c3cc801  PC: 2c3f3dd8\n[ EMERG] arm_registerdump: xPSR: 61000000 BASEPRI: 000000e0 CONTROL: 00000004\n",
        pc: Some(0x2C3F_3DD8),
        lr: Some(0x2C3C_C801),
        r0: Some(0x10),
        psr: Some(0x6100_0000),
        cfsr: None,
        reason: Some("hard fault"),
        thread: Some("init"),
    },
    Sample {
        style: "NuttX, older",
        text: "up_hardfault:   CFAULTS: 00008200 HFAULTS: 40000000 DFAULTS: 00000000 BFAULTADDR: e0001000 AFAULTS: 00000000\nup_registerdump: R0: 00000001 20001800 00000000 00000000 00000000 00000000 00000000 20001a00\nup_registerdump: R8: 00000000 00000000 00000000 00000000 00000005 20001a08 08001235 08001238\nup_registerdump: xPSR: 41000000 PRIMASK: 00000000 CONTROL: 00000000\n",
        pc: Some(0x0800_1238),
        lr: Some(0x0800_1235),
        r0: Some(1),
        psr: Some(0x4100_0000),
        cfsr: Some(0x8200),
        reason: Some("hard fault"),
        thread: None,
    },
    Sample {
        style: "RT-Thread",
        text: "psr: 0x21000000\nr00: 0x20004414\nr01: 0x20000408\nr02: 0x00000000\nr03: 0x2000436c\nr04: 0x200003f4\nr12: 0x00000000\n lr: 0x08002a45\n pc: 0x08002a6a\nhard fault on thread: main\n\nthread   pri  status      sp     stack size max used left tick  error\n-------- ---  ------- ---------- ----------  ------  ---------- ---\ntshell    21  ready   0x00000040 0x00000400    06%   0x0000000a 000\ntidle      7  ready   0x00000044 0x00000100    26%   0x00000020 000\nmain       2  ready   0x00000044 0x00000200    47%   0x00000013 000\nbus fault:\nSCB_CFSR_BFSR:0x82 PRECISERR SCB->BFAR:40080000\n",
        pc: Some(0x0800_2A6A),
        lr: Some(0x0800_2A45),
        r0: Some(0x2000_4414),
        psr: Some(0x2100_0000),
        cfsr: Some(0x8200),
        reason: Some("bus fault"),
        thread: Some("main"),
    },
    Sample {
        style: "Mynewt",
        text: "024349 Assert @ 0x27a77\n024349 Unhandled interrupt (3), exception sp 0x2000bcc0\n024349  r0:0x00000001  r1:0xffffffff  r2:0x00000037  r3:0x00000001\n024349  r4:0x2000cdcc  r5:0x00002000  r6:0x2000bbec  r7:0x00000001\n024349  r8:0xffffffff  r9:0x00000035 r10:0x0001eecd r11:0x00000000\n024349 r12:0x00000000  lr:0x00010e57  pc:0x0001079e psr:0x61000000\n024349 ICSR:0x00421803 HFSR:0x40000000 CFSR:0x01000000\n024349 BFAR:0xe000ed38 MMFAR:0xe000ed34\n",
        pc: Some(0x1079E),
        lr: Some(0x10E57),
        r0: Some(1),
        psr: Some(0x6100_0000),
        cfsr: Some(0x0100_0000),
        reason: Some("unhandled exception 3 (hard fault)"),
        thread: None,
    },
    Sample {
        style: "RIOT",
        text: "2015-08-24 10:34:52,280 - INFO # Context before hardfault:\n2015-08-24 10:34:52,282 - INFO #    r0: 0x00000007\n2015-08-24 10:34:52,283 - INFO #    r1: 0x1fff103c\n2015-08-24 10:34:52,285 - INFO #    r2: 0x00003039\n2015-08-24 10:34:52,287 - INFO #    r3: 0x00000000\n2015-08-24 10:34:52,288 - INFO #   r12: 0x4004000c\n2015-08-24 10:34:52,290 - INFO #    lr: 0x00000d97\n2015-08-24 10:34:52,291 - INFO #    pc: 0x00000438\n2015-08-24 10:34:52,293 - INFO #   psr: 0x41000000\n2015-08-24 10:34:52,293 - INFO # \n2015-08-24 10:34:52,294 - INFO # FSR/FAR:\n2015-08-24 10:34:52,295 - INFO #  CFSR: 0x00000400\n2015-08-24 10:34:52,296 - INFO #  HFSR: 0x40000000\n2015-08-24 10:34:52,297 - INFO #  DFSR: 0x00000000\n2015-08-24 10:34:52,298 - INFO #  AFSR: 0x00000000\n2015-08-24 10:34:52,299 - INFO # Misc\n2015-08-24 10:34:52,300 - INFO # EXC_RET: 0xfffffffd\n2015-08-24 10:34:52,301 - INFO # *** RIOT kernel panic:\n2015-08-24 10:34:52,302 - INFO # HARD FAULT HANDLER\n",
        pc: Some(0x438),
        lr: Some(0xD97),
        r0: Some(7),
        psr: Some(0x4100_0000),
        cfsr: Some(0x400),
        reason: Some("hard fault"),
        thread: None,
    },
    Sample {
        style: "nRF5 SDK",
        text: "<error> hardfault: HARD FAULT at 0x00026A28\n<error> hardfault:   R0:  0x00000021  R1:  0x20002e88  R2:  0x0000000a  R3:  0x00000000\n<error> hardfault:   R12: 0x0000000c  LR:  0x00026a11  PSR: 0x61000000\n<error> hardfault: Cause: Data bus error (PRECISERR)\n",
        pc: Some(0x26A28),
        lr: Some(0x26A11),
        r0: Some(0x21),
        psr: Some(0x6100_0000),
        cfsr: None,
        reason: Some("hard fault: Data bus error (PRECISERR)"),
        thread: None,
    },
    Sample {
        style: "Segger, ST and NXP examples, plain %x",
        text: "[Hard fault handler - all numbers in hex]\nR0 = 1f\nR1 = 0\nR2 = 20000000\nR3 = 3\nR12 = c\nLR [R14] = 8000211  subroutine call return address\nPC [R15] = 8000204  program counter\nPSR = 1000000\nBFAR = e000ed38\nCFSR = 400\nHFSR = 40000000\nDFSR = 0\nAFSR = 0\nSCB_SHCSR = 0\n",
        pc: Some(0x0800_0204),
        lr: Some(0x0800_0211),
        r0: Some(0x1F),
        psr: Some(0x0100_0000),
        cfsr: Some(0x400),
        reason: Some("hard fault"),
        thread: None,
    },
    Sample {
        style: "ChibiOS and others, stacked_ names",
        text: "Hard fault!\nstacked_r0=0x00000005 stacked_r1=0x00000000\nstacked_lr=0x08001111 stacked_pc=0x08001000 stacked_psr=0x21000000\nSCB->CFSR = 0x00020000, SCB->HFSR = 0x40000000\n",
        pc: Some(0x0800_1000),
        lr: Some(0x0800_1111),
        r0: Some(5),
        psr: Some(0x2100_0000),
        cfsr: Some(0x20000),
        reason: Some("hard fault"),
        thread: None,
    },
    Sample {
        style: "Rust cortex-m-rt ExceptionFrame",
        text: "HardFault at ExceptionFrame {\n    r0: 0x2001fff0,\n    r1: 0x00000000,\n    r2: 0x00000000,\n    r3: 0x00000000,\n    r12: 0x00000000,\n    lr: 0x08000513,\n    pc: 0x08000a08,\n    xpsr: 0x61000000,\n}\n",
        pc: Some(0x0800_0A08),
        lr: Some(0x0800_0513),
        r0: Some(0x2001_FFF0),
        psr: Some(0x6100_0000),
        cfsr: None,
        reason: Some("hard fault"),
        thread: None,
    },
    Sample {
        style: "FreeRTOS stack overflow hook, then the fault",
        text: "I (5012) app: running\nSTACK OVERFLOW in net\nHardFault: CFSR=0x00001000 HFSR=0x40000000\nMSP=0x2001ffe0 PSP=0x20003000\n",
        pc: None,
        lr: None,
        r0: None,
        psr: None,
        cfsr: Some(0x1000),
        reason: Some("stack overflow in net"),
        thread: Some("net"),
    },
];

fn decode(text: &str) -> Decoded {
    FaultPrint.decode(text.as_bytes(), &Unattended).unwrap()
}

fn check(sample: &Sample, dump: &Coredump, around: &str) {
    let style = format!("{} ({around})", sample.style);
    let empty = crate::model::registers::RegisterSet::default();
    let regs = dump.threads.first().map_or(&empty, |t| &t.registers);
    assert_eq!(regs.pc(), sample.pc, "{style}: pc");
    assert_eq!(regs.known(Reg::LR), sample.lr, "{style}: lr");
    assert_eq!(regs.known(Reg::r(0)), sample.r0, "{style}: r0");
    assert_eq!(regs.known(Reg::XPSR), sample.psr, "{style}: psr");
    assert_eq!(dump.fault.get("cfsr"), sample.cfsr, "{style}: cfsr");
    assert_eq!(dump.reason.as_deref(), sample.reason, "{style}: reason");
    assert_eq!(
        dump.thread_name.as_deref(),
        sample.thread,
        "{style}: thread"
    );
}

#[test]
fn every_style_is_understood_alone_and_in_a_log() {
    let noise = "I (120) wifi: pcap ready, rpc=3\n[00:00:01.000] <inf> app: tick 17\n".repeat(20);
    for sample in SAMPLES {
        let alone = decode(sample.text);
        assert_eq!(alone.coredumps.len(), 1, "{}", sample.style);
        check(sample, &alone.coredumps[0], "alone");
        let log = format!("{noise}{}{noise}", sample.text.replace('\n', "\r\n"));
        let decoded = decode(&log);
        assert_eq!(decoded.coredumps.len(), 1, "{} in a log", sample.style);
        check(sample, &decoded.coredumps[0], "in a log");
        let source = &decoded.coredumps[0].source;
        assert!(source.start as usize >= noise.len(), "{}", sample.style);
        assert!(
            source.end as usize <= log.len() - noise.len(),
            "{}",
            sample.style
        );
    }
}

#[test]
fn prints_of_all_styles_in_one_log_stay_apart() {
    let boot = "\r\n*** Booting demo, build id 8631d12a50f997b81a875cd8f0b1c6ef9bb95b50 ***\r\n";
    let log: String = SAMPLES
        .iter()
        .map(|s| format!("{boot}{}", s.text))
        .collect();
    let decoded = decode(&log);
    assert_eq!(decoded.coredumps.len(), SAMPLES.len());
    for (sample, dump) in SAMPLES.iter().zip(&decoded.coredumps) {
        check(sample, dump, "after another");
    }
}

#[test]
fn two_prints_without_a_line_between_are_two() {
    let other = SAMPLES[0]
        .text
        .replace("CFSR=00008200", "CFSR=00010000")
        .replace("PC=10000212", "PC=10000300");
    let decoded = decode(&format!("{}{other}", SAMPLES[0].text));
    let pcs: Vec<_> = decoded
        .coredumps
        .iter()
        .map(|d| d.threads[0].registers.pc())
        .collect();
    assert_eq!(pcs, [Some(0x1000_0212), Some(0x1000_0300)]);
}

#[test]
fn the_meaning_of_a_printed_stack_pointer_is_kept() {
    let meaning = |n: usize| decode(SAMPLES[n].text).coredumps[0].threads[0].sp_meaning;
    let index = |style: &str| SAMPLES.iter().position(|s| s.style == style).unwrap();
    assert_eq!(meaning(0), SpMeaning::ExceptionFrame);
    assert_eq!(meaning(index("Mynewt")), SpMeaning::ExceptionFrame);
    assert_eq!(meaning(index("NuttX")), SpMeaning::Popped);
    assert_eq!(meaning(index("Mbed OS")), SpMeaning::Unknown);
}

#[test]
fn stack_words_and_the_printed_call_stack_are_taken_along() {
    let sample = SAMPLES.iter().find(|s| s.style == "CmBacktrace").unwrap();
    let dump = &decode(sample.text).coredumps[0];
    assert_eq!(dump.memory.read_u32(0x2000_088C), Ok(0x0800_0A61));
    assert_eq!(dump.threads[0].registers.sp(), Some(0x2000_0888));
    assert_eq!(dump.printed_stack, [0x0800_0A60, 0x0800_0141, 0x0800_313E]);
    let nuttx = format!(
        "{}[ EMERG] up_stackdump: 3c321b40: 00000000 00000001 00000002 00000003 00000004 00000005 00000006 00000007\n",
        SAMPLES.iter().find(|s| s.style == "NuttX").unwrap().text
    );
    let dump = &decode(&nuttx).coredumps[0];
    assert_eq!(dump.memory.read_u32(0x3C32_1B5C), Ok(7));
    assert_eq!(
        dump.threads[0].registers.known(Reg::r(7)),
        Some(0x3C32_1B50)
    );
}

#[test]
fn ordinary_lines_with_registers_in_them_are_no_faults() {
    for text in [
        "trace: pc=0x08001234 lr=0x08001111\n",
        "pc: 0x08001234\n",
        "sampling PC=08001234 SP=20001000 LR=08000001\n",
        "PC      : 0x400d1234  PS      : 0x00060330  A0      : 0x800d2345  A1      : 0x3ffb1f80\n",
        "MEPC    : 0x42009f7e  RA      : 0x42004c92  SP      : 0x3fc9a9c0  GP      : 0x3fc8a000\n",
        "app: CFSR register is at 0xE000ED28\n",
    ] {
        assert_eq!(decode(text).coredumps.len(), 0, "{text}");
    }
}

#[test]
fn the_assertion_before_a_print_is_attached() {
    let text = format!("ASSERT main.c:19\r\n\r\n{}", SAMPLES[0].text);
    let dump = &decode(&text).coredumps[0];
    let assert = dump.assert.as_ref().unwrap();
    assert_eq!(
        (assert.file.as_deref(), assert.line),
        (Some("main.c"), Some(19))
    );
    assert_eq!(dump.source.start, 0);
}
