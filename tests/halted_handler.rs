//! Cores of boards that were halted in their fault handler (`tests/fixtures/halted-handler`, made by
//! `scripts/make-halted-fixtures`), with and without the fault registers. gdb has two says: the frames and registers just
//! before the instruction that faulted, which it reached by single steps, and its backtrace of the halted board.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::examine::{Examined, examine};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::registers::Reg;
use fieldscope::model::report::{CrashReport, Frame};
use fieldscope::symbols::symbol_file::SymbolFile;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A crash, the label of its kind, its headline without fault registers, and with them.
struct Case {
    name: &'static str,
    kind: &'static str,
    bare: &'static str,
    full: Option<&'static str>,
}

const CASES: [Case; 15] = [
    Case {
        name: "v6m-in-interrupt",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 47 to 0x30000000, where nothing is, while PendSV interrupted `measure`, main.c:134; halted in `HardFault_Handler`",
        full: None,
    },
    Case {
        name: "v6m-padded",
        kind: "bus fault",
        bare: "`store_padded` probably wrote 37 to 0x30000000, where nothing is; halted in `HardFault_Handler`",
        full: None,
    },
    Case {
        name: "v6m-store",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 37 to 0x30000000, where nothing is, main.c:134; halted in `HardFault_Handler`",
        full: None,
    },
    Case {
        name: "v7m-assembly",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 37 to 0xF0000000, where nothing is, main.c:134; halted in `HardFault_Assembly`",
        full: Some(
            "`open_valve` wrote 37 to 0xF0000000, where nothing is (precise bus fault), main.c:134; halted in `HardFault_Assembly`",
        ),
    },
    Case {
        name: "v7m-bus-fault",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 37 to 0xF0000000, where nothing is, main.c:134; halted in `BusFault_Handler`",
        full: Some(
            "`open_valve` wrote 37 to 0xF0000000, where nothing is (precise bus fault), main.c:134; halted in `BusFault_Handler`",
        ),
    },
    Case {
        name: "v7m-default-handler",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 37 to 0xF0000000, where nothing is, main.c:134; halted in `Default_Handler`",
        full: Some(
            "`open_valve` wrote 37 to 0xF0000000, where nothing is (precise bus fault), main.c:134; halted in `Default_Handler`",
        ),
    },
    Case {
        name: "v7m-float",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 37 to 0xF0000000, where nothing is, main.c:134; halted in `HardFault_Handler`",
        full: Some(
            "`open_valve` wrote 37 to 0xF0000000, where nothing is (precise bus fault), main.c:134; halted in `HardFault_Handler`",
        ),
    },
    Case {
        name: "v7m-in-interrupt",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 47 to 0xF0000000, where nothing is, while PendSV interrupted `measure`, main.c:134; halted in `HardFault_Handler`",
        full: Some(
            "`open_valve` wrote 47 to 0xF0000000, where nothing is (precise bus fault), while PendSV interrupted `measure`, main.c:134; halted in `HardFault_Handler`",
        ),
    },
    Case {
        name: "v7m-nested",
        kind: "bus fault",
        bare: "`BusFault_Handler` probably wrote 0 to 0xF0000004, where nothing is, while BusFault interrupted `open_valve`, main.c:62; halted in `HardFault_Handler`",
        full: Some(
            "`open_valve` caused a BusFault fault, main.c:134, and its handler faulted too: `BusFault_Handler` wrote 0 to 0xF0000004, where nothing is (precise bus fault), main.c:62; halted in `HardFault_Handler`",
        ),
    },
    Case {
        name: "v7m-padded",
        kind: "bus fault",
        bare: "`store_padded` probably wrote 37 to 0xF0000000, where nothing is; halted in `HardFault_Handler`",
        full: Some(
            "`store_padded` wrote 37 to 0xF0000000, where nothing is (precise bus fault); halted in `HardFault_Handler`",
        ),
    },
    Case {
        name: "v7m-preempted",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 37 to 0xF0000000, where nothing is, main.c:134; halted in `BusFault_Handler`",
        full: Some(
            "`open_valve` wrote 37 to 0xF0000000, where nothing is (precise bus fault), main.c:134; halted in `BusFault_Handler`",
        ),
    },
    Case {
        name: "v7m-usage-fault",
        kind: "divide by zero",
        bare: "`open_valve` probably divided by zero, main.c:119; halted in `UsageFault_Handler`",
        full: Some("`open_valve` divided by zero, main.c:119; halted in `UsageFault_Handler`"),
    },
    Case {
        name: "v8m-float",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 37 to 0xF0000000, where nothing is, main.c:134; halted in `HardFault_Handler`",
        full: Some(
            "`open_valve` wrote 37 to 0xF0000000, where nothing is (precise bus fault), main.c:134; halted in `HardFault_Handler`",
        ),
    },
    Case {
        name: "v8m-in-interrupt",
        kind: "bus fault",
        bare: "`open_valve` probably wrote 47 to 0xF0000000, where nothing is, while PendSV interrupted `measure`, main.c:134; halted in `HardFault_Handler`",
        full: Some(
            "`open_valve` wrote 47 to 0xF0000000, where nothing is (precise bus fault), while PendSV interrupted `measure`, main.c:134; halted in `HardFault_Handler`",
        ),
    },
    Case {
        name: "v8m-padded",
        kind: "bus fault",
        bare: "`store_padded` probably wrote 37 to 0xF0000000, where nothing is; halted in `HardFault_Handler`",
        full: Some(
            "`store_padded` wrote 37 to 0xF0000000, where nothing is (precise bus fault); halted in `HardFault_Handler`",
        ),
    },
];

/// Code on the process stack: an ELF core of Arm has no place for PSP.
const ON_PROCESS_STACK: [&str; 3] = ["v6m-overflow", "v7m-thread", "v8m-thread"];

/// Halted, and no fault.
const NO_FAULT: [&str; 2] = ["v7m-healthy", "v7m-unexpected"];

/// Registers that a handler without call-frame information may have put anywhere.
const CALLEE_SAVED: [&str; 8] = ["r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/halted-handler")
}

fn examined(name: &str, ending: &str) -> Examined {
    let paths = [folder().join(format!("{name}.{ending}"))];
    let examined = examine(Inputs::read(&paths, &Unattended).unwrap(), &Unattended).unwrap();
    assert_eq!(examined.crashes.len(), 1, "{name} holds one crash");
    examined
}

/// The report of a crash, read with the ELF of this name, or without one.
fn report_of(examined: &Examined, elf: Option<&str>) -> CrashReport {
    let elf = elf.map(|name| folder().join(format!("{name}.elf")));
    let named: Vec<_> = elf
        .map(|path| SymbolFile::parse("halted.elf", std::fs::read(path).unwrap()).unwrap())
        .map(Arc::new)
        .into_iter()
        .collect();
    let crash = &examined.crashes[0];
    let id = crash.build_id.as_ref().map(|(id, _)| id);
    let matched = match_named(id, &crash.joined.dump.memory, &named).unwrap();
    let cache = IndexCache::disabled();
    report(examined, 0, &matched, &cache, Depth::Locals).unwrap()
}

fn read(name: &str, ending: &str) -> CrashReport {
    report_of(&examined(name, ending), Some(name))
}

/// With PSP as the handler of the firmware read it.
fn read_with_process_stack(name: &str, ending: &str) -> CrashReport {
    let mut examined = examined(name, ending);
    let psp = number(&gdb(name)["process_stack"]);
    let threads = &mut examined.crashes[0].joined.dump.threads;
    threads[0].registers.set_known(Reg::PSP, psp);
    report_of(&examined, Some(name))
}

/// What gdb said.
fn gdb(name: &str) -> Value {
    let path = folder().join(format!("{name}.gdb.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn number(hex: &Value) -> u32 {
    u32::from_str_radix(hex.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// PC, function, file and line of each frame, and whether an exception interrupted it.
type Shown = (u64, Option<String>, Option<String>, Option<u64>, bool);

fn shown(frames: &[Frame]) -> Vec<Shown> {
    let one = |frame: &Frame| {
        (
            frame.pc.0,
            frame.function.clone(),
            frame.file.clone(),
            frame.line.map(u64::from),
            frame.interrupted.is_some(),
        )
    };
    frames.iter().map(one).collect()
}

/// gdb's frames in the same form. Its frames of exception entries are marks on the next one; one without a function is what
/// it makes of the end of a stack.
fn shown_by_gdb(frames: &Value) -> Vec<Shown> {
    let mut all = Vec::new();
    let mut interrupted = false;
    for frame in frames.as_array().unwrap() {
        if frame["exception"] == true {
            interrupted = true;
            continue;
        }
        let text = |key: &str| frame[key].as_str().map(str::to_owned);
        if let Some(function) = text("function") {
            all.push((
                number(&frame["pc"]).into(),
                Some(function),
                text("file"),
                frame["line"].as_u64(),
                interrupted,
            ));
        }
        interrupted = false;
    }
    all
}

/// The frames of the crash are those that gdb saw before the fault, and the registers too.
fn assert_is_before_fault(what: &str, report: &CrashReport, gdb: &Value) {
    let before = &gdb["before_fault"];
    let thread = &report.threads[0];
    let mut frames = shown(thread.frames_of_crash());
    assert!(frames[0].4, "{what}: an exception interrupted it");
    frames[0].4 = false;
    assert_eq!(frames, shown_by_gdb(before), "{what}");
    let registers = before[0]["registers"].as_object().unwrap();
    // The handler ends in a function that does not return: gcc saves no register for it, and r4 is lost to gdb as well.
    let is_assembly = what.contains("assembly");
    for (name, theirs) in registers.iter().filter(|(name, _)| *name != "r4") {
        let ours = report.registers.iter().find(|(ours, _)| ours == name);
        if ours.is_none() && is_assembly && CALLEE_SAVED.contains(&name.as_str()) {
            continue;
        }
        let ours = ours.map(|(_, value)| value.0);
        // Of xPSR flags and exception: gdb works Thumb out, and bit 9 is the padding of the frame.
        let mask = if name == "xpsr" { 0xF800_01FF } else { !0 };
        let theirs = u64::from(number(theirs));
        assert_eq!(ours.map(|v| v & mask), Some(theirs & mask), "{what} {name}");
    }
}

#[test]
fn the_crash_is_what_the_handler_interrupted() {
    for case in &CASES {
        let gdb = gdb(case.name);
        for (ending, headline) in [("bare.core", Some(case.bare)), ("core", case.full)] {
            let Some(headline) = headline else { continue };
            let what = format!("{}.{ending}", case.name);
            let report = read(case.name, ending);
            let fault = report.fault.as_ref().unwrap();
            assert_eq!(fault.summary, headline, "{what}");
            assert_eq!(fault.kind.label(), case.kind, "{what}");
            assert_is_before_fault(&what, &report, &gdb);
            let thread = &report.threads[0];
            let whole = shown_by_gdb(&gdb["frames"]);
            // Of a function in assembly without call-frame information gdb does not find the caller.
            let gdb_stops = ["v7m-assembly", "v7m-default-handler"].contains(&case.name);
            let n_shown = if gdb_stops {
                whole.len()
            } else {
                thread.frames.len()
            };
            assert_eq!(shown(&thread.frames)[..n_shown], whole, "{what}");
            let handler = thread.frames.len() - thread.frames_of_crash().len();
            assert!(thread.frames[..handler].iter().all(|f| f.fault_handler));
            assert!(thread.frames[handler..].iter().all(|f| !f.fault_handler));
            assert!(
                fault
                    .evidence
                    .iter()
                    .any(|line| line.ends_with("the crash is in the code that it interrupted")),
                "{what}"
            );
        }
    }
}

#[test]
fn every_fixture_is_looked_at() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".elf").map(str::to_owned)
        })
        .collect();
    names.sort();
    let mut tested: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    tested.extend(ON_PROCESS_STACK);
    tested.extend(NO_FAULT);
    tested.sort_unstable();
    assert_eq!(names, tested);
}

/// The same crash is one issue, however it was captured.
#[test]
fn the_grouping_key_is_that_of_the_crash() {
    let key = |name: &str, ending: &str| read(name, ending).fingerprint.unwrap().key;
    let expected = key("v7m-float", "core");
    for (name, ending) in [
        ("v7m-float", "bare.core"),
        ("v7m-bus-fault", "core"),
        ("v7m-default-handler", "bare.core"),
        ("v7m-preempted", "core"),
        ("v6m-store", "bare.core"),
        ("v8m-float", "core"),
    ] {
        assert_eq!(key(name, ending), expected, "{name}.{ending}");
    }
    let used = read("v7m-float", "core").fingerprint.unwrap().frames_used;
    assert_eq!(used, ["open_valve", "regulate", "measure", "main"]);
}

/// `float rate = flow * level` is 2.5 * 30, and 2.5 * 40 in the interrupt; it is in a register that the exception did not push,
/// below a frame with floating-point registers.
#[test]
fn floating_point_values_of_the_interrupted_code_are_known() {
    for (name, value) in [
        ("v7m-float", "75"),
        ("v7m-in-interrupt", "100"),
        ("v8m-float", "75"),
        ("v8m-in-interrupt", "100"),
    ] {
        let report = read(name, "core");
        let mut frames = report.threads[0].frames.iter();
        let regulate = frames.find(|f| f.function.as_deref() == Some("regulate"));
        let mut locals = regulate.unwrap().locals.iter();
        let rate = locals.find(|local| local.name == "rate").unwrap();
        assert_eq!(rate.value.as_deref(), Some(value), "{name}");
    }
}

#[test]
fn a_thread_is_found_by_its_stack_pointer() {
    for name in ["v7m-thread", "v8m-thread"] {
        for (ending, headline) in [
            (
                "core",
                "`open_valve` wrote 37 to 0xF0000000, where nothing is (precise bus fault), main.c:134; halted in `HardFault_Handler`",
            ),
            (
                "bare.core",
                "`open_valve` probably wrote 37 to 0xF0000000, where nothing is, main.c:134; halted in `HardFault_Handler`",
            ),
        ] {
            let report = read_with_process_stack(name, ending);
            assert_eq!(report.fault.as_ref().unwrap().summary, headline, "{name}");
            assert_is_before_fault(name, &report, &gdb(name));
        }
    }
}

/// Nothing is said of the handler's own instructions and registers, nor do they make an issue.
#[test]
fn without_the_exception_frame_the_place_of_the_crash_is_not_known() {
    for (name, ending, headline) in [
        (
            "v7m-thread",
            "core",
            "The program accessed 0xF0000000, where nothing is (precise bus fault); halted in `HardFault_Handler`",
        ),
        (
            "v7m-thread",
            "bare.core",
            "The program took a hard fault; halted in `HardFault_Handler`",
        ),
        (
            "v6m-overflow",
            "bare.core",
            "The program took a hard fault; halted in `HardFault_Handler`",
        ),
    ] {
        let report = read(name, ending);
        let fault = report.fault.as_ref().unwrap();
        assert_eq!(fault.summary, headline, "{name}.{ending}");
        assert_eq!(fault.instruction, None);
        let advice = fault.advice.as_deref().unwrap();
        assert!(advice.starts_with("See the warnings"), "{advice}");
        let thread = &report.threads[0];
        assert_eq!(thread.frames.len(), 3);
        assert!(thread.frames_of_crash().is_empty());
        assert!(report.registers.is_empty());
        assert_eq!(report.fingerprint, None);
        let codes: Vec<&str> = report.warnings.iter().map(|w| w.code.as_str()).collect();
        assert!(codes.contains(&"FS-UNW-003"), "{codes:?}");
    }
}

#[test]
fn a_stack_that_had_no_room_for_the_frame_overflowed() {
    let report = read_with_process_stack("v6m-overflow", "bare.core");
    assert_eq!(
        report.fault.unwrap().summary,
        "Stack overflow: the stack pointer 0x1FFFFFE0 is 32 bytes below the captured memory (0x20000000); halted in `HardFault_Handler`"
    );
}

/// A loop in a handler calls nothing, so that the place of the frame is known even without symbols.
#[test]
fn without_an_elf_the_address_of_the_fault_is_known() {
    let report = report_of(&examined("v7m-default-handler", "core"), None);
    let fault = report.fault.unwrap();
    assert_eq!(
        fault.summary,
        "Code at 0x000000FC accessed 0xF0000000, where nothing is (precise bus fault); halted in the handler of HardFault"
    );
    assert_eq!(report.threads[0].frames_of_crash()[0].pc.0, 0xFC);
}

/// The firmware of another sample stores the xPSR of its handler with the registers of a fault that could not be pushed.
#[test]
fn a_dump_of_the_device_with_the_handlers_program_status_is_of_the_fault() {
    let folder = folder().join("../sample");
    let paths = [folder.join("hearth-f405-stack-overflow.core")];
    let examined = examine(Inputs::read(&paths, &Unattended).unwrap(), &Unattended).unwrap();
    let report = report_of(&examined, Some("../sample/hearth-f405"));
    let summary = report.fault.unwrap().summary;
    assert!(
        summary.starts_with("Stack overflow: `schedule_next` calls itself"),
        "{summary}"
    );
}

#[test]
fn an_interrupt_is_no_fault() {
    for ending in ["core", "bare.core"] {
        let healthy = read("v7m-healthy", ending);
        assert_eq!(healthy.fault, None);
        assert_eq!(
            shown(&healthy.threads[0].frames),
            shown_by_gdb(&gdb("v7m-healthy")["frames"])
        );
        let unexpected = read("v7m-unexpected", ending);
        let fault = unexpected.fault.as_ref().unwrap();
        assert_eq!(fault.kind.label(), "abort");
        assert_eq!(
            fault.summary,
            "IRQ 5 fired and has no handler: it ended in `Default_Handler`, while `open_valve` was running, main.c:127"
        );
        for report in [&healthy, &unexpected] {
            let thread = &report.threads[0];
            assert!(thread.frames.iter().all(|frame| !frame.fault_handler));
            let pc = report.registers.iter().find(|(name, _)| name == "pc");
            assert_eq!(pc.unwrap().1, thread.frames[0].pc);
        }
    }
}

/// Whatever the registers say, there is a report, and each frame of it is on one side of the exception.
#[test]
fn registers_that_make_no_sense_lead_to_a_report() {
    const WORDS: [u32; 9] = [
        0,
        3,
        0x2000_0000,
        0x2000_17C0,
        0x2000_17FC,
        0x8000_0000,
        0xFFFF_FFF9,
        0xFFFF_FFFD,
        u32::MAX,
    ];
    for name in ["v7m-assembly", "v7m-nested", "v7m-thread"] {
        let mut examined = examined(name, "core");
        let intact = examined.crashes[0].joined.dump.threads[0].registers.clone();
        for reg in [Reg::SP, Reg::LR, Reg::PC, Reg::XPSR, Reg::PSP] {
            for word in WORDS {
                let mut registers = intact.clone();
                registers.set_known(reg, word);
                examined.crashes[0].joined.dump.threads[0].registers = registers;
                let report = report_of(&examined, Some(name));
                let crash = report.threads[0].frames_of_crash();
                assert!(crash.iter().all(|frame| !frame.fault_handler));
            }
        }
    }
}
