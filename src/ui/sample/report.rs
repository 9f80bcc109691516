//! A crash report with something in every part.

use crate::model::addr::TargetAddr;
use crate::model::arch::Arch;
use crate::model::build_id::BuildId;
use crate::model::report::{
    BACKTRACE_SCHEMA, CrashReport, Fault, FaultBit, FaultKind, Fingerprint, Frame, FrameTrust,
    Instruction, Local, Thread, ThreadState, Unavailable,
};
use crate::model::rtos_objects::{
    Deadlock, DeadlockStep, ObjectKind, RtosObject, ThreadRef, Waiter,
};
use crate::model::target_state::{
    HeapBlock, HeapView, InterruptLine, InterruptView, MpuRegion, SymbolQuality,
};
use crate::model::warning::Warning;

pub(in crate::ui) fn frame(name: &str, file: &str, line: u32, pc: u64, trust: FrameTrust) -> Frame {
    Frame {
        pc: TargetAddr(pc),
        sp: Some(TargetAddr(0x2000_1f20)),
        function: Some(name.to_owned()),
        qualified: None,
        file: Some(format!("/build/fw/src/{file}")),
        line: Some(line),
        column: None,
        inlined: false,
        tail_call: false,
        fault_handler: false,
        trust,
        interrupted: None,
        locals: Vec::new(),
    }
}

pub(super) fn local(name: &str, type_name: &str, value: Option<&str>) -> Local {
    Local {
        name: name.to_owned(),
        type_name: Some(type_name.to_owned()),
        value: value.map(str::to_owned),
        argument: false,
        unavailable: None,
        children: Vec::new(),
        target: None,
    }
}

pub(super) fn thread(name: &str, state: ThreadState, waits: Option<&str>, used: u64) -> Thread {
    Thread {
        name: Some(name.to_owned()),
        id: Some(TargetAddr(0x2000_0400)),
        state,
        priority: Some(3),
        waits_on: waits.map(str::to_owned),
        crashed: false,
        stack_base: Some(TargetAddr(0x2000_1c00)),
        stack_size: Some(1000),
        stack_used: Some(used),
        stack_unused_min: Some(40),
        frames: vec![
            frame(
                "xTaskDelay",
                "tasks.c",
                812,
                0x0800_2110,
                FrameTrust::Context,
            ),
            frame("prvTaskEntry", "task.c", 20, 0x0800_0420, FrameTrust::Cfi),
        ],
        stopped: Some("thread entry".to_owned()),
    }
}

pub(in crate::ui) fn report() -> CrashReport {
    let mut first = frame(
        "prv_write_page",
        "flash.c",
        212,
        0x0800_04a1,
        FrameTrust::Context,
    );
    let mut data = local("data", "const uint8_t *", Some("0x20001f40"));
    data.target = Some(TargetAddr(0x2000_1f40));
    let mut header = local(
        "hdr",
        "page_header_t",
        Some("{magic = 0x4c4f4731, free = 0, crc = 0x91b2}"),
    );
    header.children = vec![
        local("magic", "uint32_t", Some("0x4c4f4731")),
        local("free", "uint16_t", Some("0")),
        local("crc", "uint16_t", Some("0x91b2")),
    ];
    let mut retry = local("retry", "int", None);
    retry.unavailable = Some(Unavailable::OptimizedOut);
    let mut saved = local("saved_r7", "uint32_t", None);
    saved.unavailable = Some(Unavailable::RegisterNotStored);
    first.locals = vec![
        local("s", "slot_t *", Some("0x0")),
        local("page", "uint16_t", Some("118")),
        local("len", "size_t", Some("42")),
        data,
        header,
        retry,
        saved,
    ];
    let mut inlined = frame(
        "prv_append",
        "log_store.c",
        77,
        0x0800_0612,
        FrameTrust::Cfi,
    );
    inlined.inlined = true;
    let mut interrupted = frame(
        "log_store_push",
        "log_store.c",
        131,
        0x0800_0612,
        FrameTrust::ExceptionFrame,
    );
    interrupted.interrupted = Some("SysTick".to_owned());
    let mut logger = thread("logger", ThreadState::Running, None, 960);
    logger.crashed = true;
    logger.frames = vec![
        first,
        frame(
            "flash_write_bytes",
            "flash.c",
            148,
            0x0800_0530,
            FrameTrust::Cfi,
        ),
        inlined,
        interrupted,
        frame(
            "logger_thread",
            "logger.c",
            58,
            0x0800_0700,
            FrameTrust::Cfi,
        ),
        frame("prvTaskEntry", "task.c", 20, 0x0800_0420, FrameTrust::Scan),
    ];
    CrashReport {
        schema: BACKTRACE_SCHEMA.to_owned(),
        crash_index: 0,
        n_crashes: 2,
        arch: Arch::ArmV7M,
        build_id: BuildId::from_hex("a1e688f256e24a716eeb9f842b28f2dcd2335ff7"),
        elf_build_id: BuildId::from_hex("a1e688f256e24a716eeb9f842b28f2dcd2335ff7"),
        verified: true,
        fault: Some(fault()),
        fingerprint: Some(Fingerprint {
            version: 1,
            key: "b2d1f0a4".to_owned(),
            rule: "fault kind + 5 frames".to_owned(),
            frames_used: vec!["prv_write_page".to_owned(), "flash_write_bytes".to_owned()],
            frames_ignored: vec!["prvTaskEntry: thread entry".to_owned()],
        }),
        threads: vec![
            logger,
            thread(
                "sensor",
                ThreadState::Blocked,
                Some("delay until tick 64300"),
                410,
            ),
            thread("net", ThreadState::Blocked, Some("queue tx_done"), 580),
            thread("cmd", ThreadState::Blocked, None, 120),
            thread("Tmr Svc", ThreadState::Suspended, None, 220),
            thread("IDLE", ThreadState::Ready, None, 90),
        ],
        warnings: vec![Warning::at(
            "FS-CORE-003",
            9_600,
            "The last 24 bytes of the dump are missing. Memory above 0x20003fe8 is unknown.",
        )],
        registers: [
            ("r0", 0u64),
            ("r1", 0x2a),
            ("r2", 118),
            ("sp", 0x2000_1f20),
            ("lr", 0x0800_0531),
            ("pc", 0x0800_04a0),
            ("xpsr", 0x6100_0000),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), TargetAddr(value)))
        .collect(),
        sources: vec!["elf-core".to_owned(), "fault-print".to_owned()],
        objects: objects(),
        deadlocks: vec![Deadlock {
            ring: vec![
                step("net", "mutex bus", 0x2000_0a40),
                step("sensor", "mutex flash", 0x2000_0a80),
            ],
        }],
        heaps: vec![heap()],
        interrupts: Some(interrupts()),
        mpu: regions(),
        symbols: vec![SymbolQuality {
            file: "/builds/boot-1.1.elf".to_owned(),
            quality: "names only".to_owned(),
            advice: Some(
                "build it with -g, or add its .debug file, to see lines and locals.".to_owned(),
            ),
        }],
    }
}

/// The same crash from a capture that holds no more than registers and stacks.
pub(in crate::ui) fn bare_report() -> CrashReport {
    let full = report();
    CrashReport {
        fault: full.fault,
        threads: full.threads,
        fingerprint: full.fingerprint,
        elf_build_id: full.elf_build_id,
        registers: full.registers,
        ..CrashReport::blank(Arch::ArmV7M)
    }
}

fn thread_ref(name: &str) -> ThreadRef {
    ThreadRef {
        id: TargetAddr(0x2000_0400),
        name: Some(name.to_owned()),
    }
}

fn step(name: &str, waits_for: &str, object: u64) -> DeadlockStep {
    DeadlockStep {
        thread: thread_ref(name),
        waits_for: waits_for.to_owned(),
        object: TargetAddr(object),
    }
}

fn objects() -> Vec<RtosObject> {
    let object =
        |kind, name: &str, address, detail: &str, holder: Option<&str>, waiter: &[(&str, &str)]| {
            RtosObject {
                kind,
                name: Some(name.to_owned()),
                address: TargetAddr(address),
                detail: detail.to_owned(),
                holder: holder.map(thread_ref),
                waiters: waiter
                    .iter()
                    .map(|(name, wants)| Waiter {
                        thread: thread_ref(name),
                        wants: (*wants).to_owned(),
                    })
                    .collect(),
            }
        };
    vec![
        object(
            ObjectKind::Mutex,
            "bus",
            0x2000_0a40,
            "taken",
            Some("sensor"),
            &[("net", "to take")],
        ),
        object(
            ObjectKind::Mutex,
            "flash",
            0x2000_0a80,
            "taken",
            Some("net"),
            &[("sensor", "to take")],
        ),
        object(
            ObjectKind::Queue,
            "tx_done",
            0x2000_0ac0,
            "0 of 8 messages",
            None,
            &[("cmd", "to receive")],
        ),
        object(
            ObjectKind::Timer,
            "heartbeat",
            0x2000_0b00,
            "expires at tick 64300, every 1000",
            None,
            &[],
        ),
    ]
}

fn heap() -> HeapView {
    let block = |address, size, allocated, owner: Option<&str>| HeapBlock {
        address: TargetAddr(address),
        size,
        allocated,
        owner: owner.map(str::to_owned),
    };
    HeapView {
        allocator: "FreeRTOS heap_4".to_owned(),
        start: TargetAddr(0x2000_2000),
        size: 32_768,
        free: Some(11_008),
        free_counted: Some(11_264),
        free_min: Some(2_150),
        largest_free: Some(4_096),
        blocks: vec![
            block(0x2000_2000, 4_112, true, Some("stack of task net")),
            block(0x2000_3010, 2_048, false, None),
            block(0x2000_3810, 8_208, true, Some("stack of task logger")),
            block(0x2000_5820, 4_096, false, None),
            block(0x2000_6820, 1_024, true, Some("held by queue_handle")),
        ],
        damage: Some("the header of the block at 0x20006C20 says 0xDEADBEEF bytes".to_owned()),
    }
}

fn interrupts() -> InterruptView {
    let line = |number, name: &str, handler: &str, priority| InterruptLine {
        number,
        name: name.to_owned(),
        handler: Some(handler.to_owned()),
        priority: Some(priority),
    };
    InterruptView {
        active: vec![line(3, "HardFault", "HardFault_Handler", 0)],
        pending: vec![line(15, "SysTick", "SysTick_Handler", 15)],
        enabled: vec![
            line(22, "IRQ 6", "uart0_irq", 5),
            line(43, "IRQ 27", "dma_irq", 6),
        ],
        masked: Some("BASEPRI 0x50 masks priorities from 5 on".to_owned()),
    }
}

fn regions() -> Vec<MpuRegion> {
    let region = |number, start, last, rights: &str, hit| MpuRegion {
        number,
        start: TargetAddr(start),
        last: TargetAddr(last),
        rights: rights.to_owned(),
        hit,
    };
    vec![
        region(0, 0x0800_0000, 0x080f_ffff, "read only", false),
        region(1, 0x0000_0000, 0x0000_03ff, "no access", true),
    ]
}

pub(super) fn fault() -> Fault {
    Fault {
        kind: FaultKind::NullPointer,
        address: Some(TargetAddr(4)),
        summary: "`prv_write_page` wrote 0x2A to address 0x00000004, a null pointer + 4, in thread `logger`".to_owned(),
        advice: Some("`s` is NULL: look at what `prv_find_slot(118)` returned two lines above.".to_owned()),
        registers: [("cfsr", 0x8200u64), ("hfsr", 0x4000_0000), ("bfar", 4)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), TargetAddr(value)))
            .collect(),
        bits: vec![
            FaultBit { register: "cfsr".to_owned(), name: "PRECISERR".to_owned(), bit: 9, meaning: "a data access failed, and the stacked PC points to it".to_owned() },
            FaultBit { register: "cfsr".to_owned(), name: "BFARVALID".to_owned(), bit: 15, meaning: "BFAR holds the address".to_owned() },
        ],
        instruction: Some(Instruction {
            address: TargetAddr(0x0800_04a0),
            bytes: "41 60".to_owned(),
            text: "str r1, [r0, #4]".to_owned(),
            operands: vec![("r1".to_owned(), Some(TargetAddr(0x2a))), ("r0".to_owned(), Some(TargetAddr(0)))],
        }),
        evidence: vec![
            "CFSR 0x00008200: precise data bus error, BFAR valid".to_owned(),
            "BFAR 0x00000004: no memory there on this part".to_owned(),
            "`str r1, [r0, #4]` at 0x080004a0, r0 = 0, r1 = 0x2a".to_owned(),
            "5 of 6 frames by call-frame information".to_owned(),
        ],
    }
}
