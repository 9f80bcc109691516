//! Crashes made on boards for each fault rule (`tests/fixtures/rules`): what the headline says, on what evidence, and the
//! crashed thread's frames against gdb's where gdb is right.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::examine::examine;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::CrashReport;
use fieldscope::symbols::symbol_file::SymbolFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules")
}

/// The report of `NAME.ending`, read with the ELF that its name begins with.
fn read(name: &str, ending: &str) -> CrashReport {
    read_files(name, &[ending])
}

fn read_files(name: &str, endings: &[&str]) -> CrashReport {
    let paths: Vec<PathBuf> = endings
        .iter()
        .map(|ending| folder().join(format!("{name}.{ending}")))
        .collect();
    let examined = examine(Inputs::read(&paths, &Unattended).unwrap(), &Unattended).unwrap();
    assert_eq!(examined.crashes.len(), 1, "{name} holds one crash");
    let elf: Vec<&str> = name.splitn(3, '-').take(2).collect();
    let elf = folder().join(format!("{}.elf", elf.join("-")));
    let named = [Arc::new(
        SymbolFile::parse("rules.elf", std::fs::read(elf).unwrap()).unwrap(),
    )];
    let crash = &examined.crashes[0];
    let id = crash.build_id.as_ref().map(|(id, _)| id);
    let matched = match_named(id, &crash.joined.dump.memory, &named).unwrap();
    let cache = IndexCache::disabled();
    report(&examined, 0, &matched, &cache, Depth::Frames).unwrap()
}

/// A dump, the label of its kind, its headline, and words that lines of the evidence hold.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const CASES: &[Case] = &[
    (
        "kernel-an386-freed-queue",
        "bus fault",
        "`xQueueReceive` used an object that had been freed (0x20000770 is filled with 0xDDDDDDDD), called by `read_again`, in task cmd, kernel.c:73",
        &[
            "works on an object of the RTOS",
            "PRECISERR",
            "BFAR equals the load's address",
        ],
    ),
    (
        "kernel-an386-heap-header",
        "failed assert",
        "The heap is damaged: `vPortFree` found an impossible block (heap_4.c:369), called by `free_packet`, in task cmd, kernel.c:41",
        &[
            "failed assertion at heap_4.c:369",
            "inside the allocator (`vPortFree`)",
        ],
    ),
    (
        "kernel-an386-heap-list",
        "failed assert",
        "The heap is damaged: `pvPortMalloc` found an impossible block (heap_4.c:252), called by `heap_malloc`, in task cmd, kernel.c:68",
        &["inside the allocator (`pvPortMalloc`)"],
    ),
    (
        "kernel-an386-stack-hook",
        "stack overflow",
        "Stack overflow of task cmd: the kernel's check found the end of the stack overwritten (`vApplicationStackOverflowHook` was called)",
        &["the device says: stack check failed"],
    ),
    (
        "rules-an386-bad-exc-return",
        "usage fault",
        "An exception handler returned to `pend` with an invalid EXC_RETURN or program status, rules.c:33",
        &["INVPC"],
    ),
    (
        "rules-an386-brown-out",
        "brown-out",
        "The supply voltage fell (brown-out): `pend` was running, rules.c:33",
        &["IRQ 5 was being handled by `power_fail_isr`"],
    ),
    (
        "rules-an386-in-interrupt",
        "bus fault",
        "`valve_write` wrote 40 to 0xF0000100, where nothing is (precise bus fault), while IRQ 9 interrupted `pend`, rules.c:47",
        &[
            "IRQ 9 (`pump_isr`, priority 0x40) was being handled; IRQ 12 (`uart_isr`, priority 0xA0), SysTick (`SysTick_Handler`, priority 0xC0) waited; BASEPRI 0x80",
        ],
    ),
    (
        "rules-an386-lazy-float",
        "memory fault",
        "Memory protection refused to save the floating-point registers of the interrupted code at 0x200007B8 (region 5, 0x20000600 to 0x200007FF: read only, no execute)",
        &["MLSPERR", "SVCall (`SVC_Handler`"],
    ),
    (
        "rules-an386-mpu-region",
        "memory fault",
        "`calibrate` wrote 3100 to 0x20000108 (calibration+8), which memory protection forbids (region 3, 0x20000100 to 0x200001FF: read only, no execute), rules.c:151",
        &["DACCVIOL", "FORCED", "MMFAR equals the store's address"],
    ),
    (
        "rules-an386-nested-fault",
        "bus fault",
        "`calibrate` caused a MemManage fault, rules.c:151, and its handler faulted too: `log_fault` wrote 130 to 0xF0000200, where nothing is (precise bus fault), rules.c:156",
        &[
            "two faults in a row",
            "the first fault was an access to 0x20000114 (calibration+20) (MMFAR)",
        ],
    ),
    (
        "rules-an386-return-overwritten",
        "no-execute region",
        "A return address on the stack was overwritten with the text \"sensor-2-with-a-name-too-long\": probably an array of `rename_device` overflowed, rules.c:104",
        &[
            "of the stack above it are text",
            "named its target",
            "IBUSERR",
        ],
    ),
    (
        "rules-an386-stack-canary",
        "panic",
        "A local array of `parse_address` overflowed: its stack guard was overwritten, rules.c:116",
        &["`__stack_chk_fail` was called"],
    ),
    (
        "rules-an386-stack-into-data",
        "stack overflow",
        "Stack overflow: `open_menu` calls itself (9 frames), the stack pointer 0x20000988 is 192 bytes below the main stack (0x20000A48 to 0x20000D48), in `menu_hooks`",
        &["it grew into `menu_hooks`"],
    ),
    (
        "rules-an386-unhandled-interrupt",
        "abort",
        "IRQ 7 fired and has no handler: it ended in `Default_Handler`, while `pend` was running, rules.c:33",
        &["which stands in unused vectors"],
    ),
    (
        "rules-an386-watchdog",
        "watchdog",
        "A watchdog fired: `wait_for_valve` was running with interrupts off (PRIMASK), rules.c:70",
        &[
            "NMI was being handled by `watchdog_nmi`",
            "PRIMASK is set: no interrupt can run",
        ],
    ),
    (
        "rules-an505-in-interrupt",
        "bus fault",
        "`valve_write` wrote 40 to 0xF0000100, where nothing is (precise bus fault), while IRQ 9 interrupted `pend`, rules.c:47",
        &["IRQ 9 (`pump_isr`, priority 0x40) was being handled"],
    ),
    (
        "rules-an505-main-stack-limit",
        "stack overflow",
        "Stack overflow: `walk_tree` calls itself (10 frames found by scanning)",
        &["stack limit check fired (STKOF)"],
    ),
    (
        "rules-an505-mpu-region",
        "memory fault",
        "`calibrate` wrote 3100 to 0x38000108 (calibration+8), which memory protection forbids (region 3, 0x38000100 to 0x380001FF: read only, privileged code only, no execute), rules.c:151",
        &["DACCVIOL"],
    ),
    (
        "rules-an505-nested-fault",
        "bus fault",
        "`calibrate` caused a MemManage fault, rules.c:151, and its handler faulted too: `log_fault` wrote 130 to 0xF0000200",
        &["two faults in a row"],
    ),
    (
        "rules-an505-secure-call",
        "memory fault",
        "`call_application` jumped to 0x00200100 in the other security state (secure fault, INVTRAN: ",
        &["SFSR 0x00000010: INVTRAN"],
    ),
    (
        "rules-an505-watchdog",
        "watchdog",
        "A watchdog fired: `wait_for_valve` was running with interrupts off (PRIMASK), rules.c:70",
        &["NMI was being handled by `watchdog_nmi`"],
    ),
    (
        "rules-nrf51-brown-out",
        "brown-out",
        "The supply voltage fell (brown-out): `pend` was running, rules.c:33",
        &["IRQ 5 was being handled by `power_fail_isr`"],
    ),
    (
        "rules-nrf51-in-interrupt",
        "unaligned access",
        "`valve_write` probably wrote 40 to 0x20000103, which is not aligned to 4 bytes, while IRQ 9 interrupted `pend`, rules.c:47",
        &[
            "IRQ 9 (`pump_isr`, priority 0x40) was being handled",
            "this core (ARMv6-M) has no fault status registers",
        ],
    ),
    (
        "rules-nrf51-return-overwritten",
        "no-execute region",
        "A return address on the stack was overwritten with the text \"sensor-2-with-a-name-too-long\"",
        &["this core (ARMv6-M) has no fault status registers"],
    ),
    (
        "rules-nrf51-unhandled-interrupt",
        "abort",
        "IRQ 7 fired and has no handler: it ended in `Default_Handler`, while `pend` was running, rules.c:33",
        &["`Default_Handler`, which stands in unused vectors, was handling IRQ 7"],
    ),
];

#[test]
fn every_crash_is_explained_with_its_evidence() {
    for (name, kind, headline, evidence) in CASES {
        let report = read(name, "uart");
        let fault = report.fault.as_ref().unwrap();
        assert_eq!(fault.kind.label(), *kind, "{name}: {}", fault.summary);
        assert!(
            fault.summary.starts_with(headline),
            "{name}: {}",
            fault.summary
        );
        for words in *evidence {
            assert!(
                fault.evidence.iter().any(|line| line.contains(words)),
                "{name}: no \"{words}\" in {:#?}",
                fault.evidence
            );
        }
        assert!(fault.advice.is_some(), "{name} has advice");
    }
}

#[test]
fn every_dump_of_the_folder_is_a_case() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".uart").map(str::to_owned)
        })
        .collect();
    names.sort();
    let cases: Vec<&str> = CASES.iter().map(|case| case.0).collect();
    assert_eq!(names, cases);
}

/// gdb's frames of a stored `bt`: function names, without exception entries.
fn gdb_frames(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.gdb.txt"))).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    let start = lines
        .iter()
        .rposition(|line| line.starts_with("#0 "))
        .unwrap();
    let mut frames: Vec<String> = lines[start..]
        .iter()
        .filter(|line| !line.contains("<signal handler called>"))
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words
                .iter()
                .position(|word| *word == "in")
                .map_or(1, |at| at + 1);
            words[at].to_owned()
        })
        .collect();
    // gdb's end of a FreeRTOS task, and of an exception that interrupted main's caller.
    while frames.last().is_some_and(|name| name == "vPortEnableVFP") {
        frames.pop();
    }
    frames
}

/// Where gdb has no way to the right answer: an overwritten return address (it goes on with what lies above), PSP (it has
/// none in a core), and a stack limit that kept the frame from being stored.
const GDB_IS_WRONG: [&str; 5] = [
    "kernel-an386-stack-hook",
    "rules-an386-lazy-float",
    "rules-an386-return-overwritten",
    "rules-an505-main-stack-limit",
    "rules-nrf51-return-overwritten",
];

#[test]
fn frames_are_gdbs_where_gdb_is_right() {
    for (name, ..) in CASES {
        if GDB_IS_WRONG.contains(name) {
            continue;
        }
        for ending in ["core", "uart"] {
            let report = read(name, ending);
            let frames: Vec<&str> = report.threads[0]
                .frames
                .iter()
                .map(|frame| frame.function.as_deref().unwrap_or("??"))
                .collect();
            assert_eq!(frames, gdb_frames(name), "{name}.{ending}");
        }
    }
}

#[test]
fn a_core_and_the_log_of_the_same_crash_are_one() {
    for (name, _, headline, _) in CASES {
        let report = read_files(name, &["core", "uart"]);
        let fault = report.fault.unwrap();
        assert!(
            fault.summary.starts_with(headline),
            "{name}: {}",
            fault.summary
        );
    }
}

#[test]
fn the_region_that_was_hit_is_marked() {
    for (name, number) in [
        ("rules-an386-mpu-region", 3),
        ("rules-an505-mpu-region", 3),
        ("rules-an386-lazy-float", 5),
    ] {
        let hit: Vec<u32> = read(name, "uart")
            .mpu
            .iter()
            .filter(|region| region.hit)
            .map(|region| region.number)
            .collect();
        assert_eq!(hit, [number], "{name}");
    }
}

#[test]
fn the_interrupt_controller_is_read_on_every_core() {
    for name in [
        "rules-an386-in-interrupt",
        "rules-an505-in-interrupt",
        "rules-nrf51-in-interrupt",
    ] {
        let view = read(name, "uart").interrupts.unwrap();
        let names = |lines: &[fieldscope::model::target_state::InterruptLine]| {
            lines
                .iter()
                .map(|line| {
                    let handler = line.handler.as_deref().unwrap_or("?");
                    format!("{} {handler}", line.name)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(&view.active),
            ["HardFault HardFault_Handler", "IRQ 9 pump_isr"],
            "{name}"
        );
        assert_eq!(
            names(&view.enabled),
            [
                "IRQ 5 power_fail_isr",
                "IRQ 9 pump_isr",
                "IRQ 10 damaged_isr",
                "IRQ 12 uart_isr"
            ],
            "{name}"
        );
    }
}
