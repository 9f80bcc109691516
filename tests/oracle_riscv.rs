//! Every crash of the RISC-V firmwares against what gdb said of it (`tests/fixtures/qemu-riscv`, made by
//! `scripts/make-riscv-fixtures`): frames, places, inlines, arguments, locals and FreeRTOS tasks; and what gdb cannot do:
//! the way from the firmware's own handler back over the trap.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "common/gdb.rs"]
mod gdb;

use fieldscope::engine::examine::examine;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::{CrashReport, FaultKind, Frame, FrameTrust, Thread};
use fieldscope::symbols::symbol_file::SymbolFile;
use gdb::compare_frames;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/qemu-riscv")
        .join(name)
}

/// Every crash, by the name of its files.
fn crashes() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(fixture(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".gdb.json")?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names.len(), 21);
    names
}

fn elf_of(crash: &str) -> PathBuf {
    let elf = ["rill-virt-os", "rill-virt-o2", "rill-virt", "weir-virt"]
        .into_iter()
        .find(|elf| crash.starts_with(elf))
        .unwrap();
    fixture(&format!("{elf}.elf"))
}

/// The report of some files of a crash; they make one.
fn read(crash: &str, extensions: &[&str]) -> CrashReport {
    let files: Vec<PathBuf> = extensions
        .iter()
        .map(|extension| fixture(&format!("{crash}{extension}")))
        .collect();
    let inputs = Inputs::read(&files, &Unattended).unwrap();
    let examined = examine(inputs, &Unattended).unwrap();
    assert_eq!(examined.crashes.len(), 1, "{crash} {extensions:?}");
    let elf = std::fs::read(elf_of(crash)).unwrap();
    let named = [Arc::new(SymbolFile::parse("oracle.elf", elf).unwrap())];
    let found = &examined.crashes[0];
    let id = found.build_id.as_ref().map(|(id, _)| id);
    let matched = match_named(id, &found.joined.dump.memory, &named).unwrap();
    report(
        &examined,
        0,
        &matched,
        &IndexCache::disabled(),
        Depth::Locals,
    )
    .unwrap()
}

fn answer(crash: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(&format!("{crash}.gdb.json"))).unwrap()).unwrap()
}

/// Functions that never return, so that the compiler stores no return address: what gdb shows beyond is what happened to
/// be in ra.
const NEVER_RETURN: [&str; 3] = ["loop", "prvIdleTask", "prvTimerTask"];

/// gdb's frames of a thread, without what it makes of a return address of 0 and beyond functions that never return.
fn expected_frames(thread: &Value) -> Vec<&Value> {
    let mut frames = Vec::new();
    for frame in thread["frames"].as_array().unwrap() {
        if frame["pc"] == "0x00000000" && !frames.is_empty() {
            break;
        }
        frames.push(frame);
        let function = frame["function"].as_str().unwrap_or_default();
        let is_rill_loop = function == "loop";
        if NEVER_RETURN.contains(&function) && !is_rill_loop {
            break;
        }
    }
    frames
}

fn assert_none(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// gdb stops at a program counter without code, and has no word for what an interrupt interrupted.
fn is_beyond_gdb(crash: &str) -> bool {
    crash.ends_with("bad-jump")
        || crash.contains("in-interrupt")
        || crash == "weir-virt-stack-overflow"
}

#[test]
fn frames_and_variables_of_the_crashed_thread_equal_gdbs() {
    let mut wrong = Vec::new();
    let mut n_frames = 0;
    for crash in crashes().iter().filter(|crash| !is_beyond_gdb(crash)) {
        let report = read(crash, &[".core"]);
        let answer = answer(crash);
        let expected = expected_frames(&answer["threads"][0]);
        n_frames += expected.len();
        compare_frames(crash, &report.threads[0], &expected, &[], &mut wrong);
    }
    assert!(n_frames > 100, "only {n_frames} frames were compared");
    // The guard below the stack cannot be read and was not captured; gdb takes zeros from the ELF, where it is allocated.
    wrong.retain(|line| {
        !(line.contains("-stack-overflow #0 storm_scan: window")
            && line.to_lowercase().contains("captured"))
    });
    assert_none(&wrong);
}

#[test]
fn every_freertos_task_has_the_state_stack_and_frames_that_gdb_found() {
    let mut wrong = Vec::new();
    let mut n_tasks = 0;
    for crash in crashes().iter().filter(|name| name.starts_with("weir")) {
        let report = read(crash, &[".core"]);
        let answer = answer(crash);
        for task in answer["tasks"].as_array().unwrap() {
            n_tasks += 1;
            let name = task["name"].as_str().unwrap();
            let thread = report
                .threads
                .iter()
                .find(|t| t.name.as_deref() == Some(name))
                .unwrap_or_else(|| panic!("{crash}: task {name} is missing"));
            let ours = serde_json::json!({
                "id": thread.id,
                "state": thread.state,
                "priority": thread.priority,
                "stack_base": thread.stack_base,
                "stack_unused_min": thread.stack_unused_min,
            });
            for (key, ours) in ours.as_object().unwrap() {
                if ours != &task[key] {
                    wrong.push(format!("{crash} {name}: {key} {ours}, gdb {}", task[key]));
                }
            }
        }
        for thread in answer["threads"].as_array().unwrap().iter().skip(1) {
            let expected = expected_frames(thread);
            let (first, last) = (expected[0], expected[expected.len() - 1]);
            let is_this = |t: &&Thread| {
                let ends = t.frames.first().zip(t.frames.last());
                ends.is_some_and(|(a, b)| {
                    first["pc"] == a.pc.to_string().as_str()
                        && Value::from(b.function.clone()) == last["function"]
                })
            };
            let what = format!("{crash} {}", last["function"]);
            match report.threads.iter().skip(1).find(is_this) {
                Some(ours) => compare_frames(&what, ours, &expected, &[], &mut wrong),
                None => wrong.push(format!("{what}: no thread of ours is this one")),
            }
        }
    }
    assert!(n_tasks >= 30, "only {n_tasks} tasks were compared");
    assert_none(&wrong);
}

fn functions(frames: &[Frame]) -> Vec<&str> {
    frames
        .iter()
        .map(|f| f.function.as_deref().unwrap_or("??"))
        .collect()
}

/// The cores of the handler: gdb ends in the assembler of the trap entry.
#[test]
fn from_the_handler_the_walk_crosses_the_trap_to_the_frames_that_gdb_finds_at_the_fault() {
    let mut n_cores = 0;
    for crash in crashes() {
        if !fixture(&format!("{crash}-handler.core")).exists() {
            continue;
        }
        n_cores += 1;
        let from_handler = read(&crash, &["-handler.core"]);
        let at_fault = read(&crash, &[".core"]);
        let frames = &from_handler.threads[0].frames;
        let trap = frames
            .iter()
            .position(|f| f.interrupted.is_some())
            .unwrap_or_else(|| panic!("{crash}: {:?}", functions(frames)));
        assert_eq!(
            frames[0].function.as_deref(),
            Some("coredump_write"),
            "{crash}"
        );
        assert_eq!(frames[trap].trust, FrameTrust::ExceptionFrame, "{crash}");
        let name = frames[trap].interrupted.as_deref().unwrap();
        let is_rtos = crash.starts_with("weir");
        // FreeRTOS does not save mcause, and a core holds no such registers.
        assert_eq!(
            name,
            if is_rtos {
                "freertos_risc_v_trap_handler"
            } else {
                "store access fault"
            },
            "{crash}"
        );
        let rest = &frames[trap..];
        let same = &at_fault.threads[0].frames;
        assert_eq!(functions(rest), functions(same), "{crash}");
        for (ours, theirs) in rest.iter().zip(same) {
            assert_eq!((ours.pc, ours.sp), (theirs.pc, theirs.sp), "{crash}");
            assert_eq!(ours.line, theirs.line, "{crash}");
            assert_eq!(ours.locals, theirs.locals, "{crash}");
        }
    }
    assert_eq!(n_cores, 6);
}

#[test]
fn a_fault_in_an_interrupt_shows_what_the_interrupt_interrupted() {
    for (crash, interrupted, by, function) in [
        (
            "rill-virt-in-interrupt",
            4,
            "machine timer interrupt",
            "loop",
        ),
        (
            "rill-virt-os-in-interrupt",
            4,
            "machine timer interrupt",
            "loop",
        ),
        (
            "weir-virt-in-interrupt",
            4,
            "freertos_risc_v_trap_handler",
            "prvIdleTask",
        ),
    ] {
        let report = read(crash, &[".core"]);
        let frames = &report.threads[0].frames;
        let frame = frames
            .get(interrupted)
            .unwrap_or_else(|| panic!("{crash}: {:?}", functions(frames)));
        assert_eq!(
            frame.interrupted.as_deref(),
            Some(by),
            "{crash}: {:?}",
            functions(frames)
        );
        let mut outer = functions(frames).into_iter().skip(interrupted);
        assert!(
            outer.any(|f| f == function),
            "{crash}: {:?}",
            functions(frames)
        );
        let gdb = answer(crash);
        let expected = expected_frames(&gdb["threads"][0]);
        for (ours, theirs) in frames.iter().zip(expected).take(interrupted - 1) {
            assert_eq!(
                Value::from(ours.function.clone()),
                theirs["function"],
                "{crash}"
            );
        }
    }
}

/// The compiler's entry of an interrupt does not save mepc, and the fault has overwritten it: the place is a guess, said so.
#[test]
fn what_an_interrupt_function_interrupted_is_marked_as_a_guess() {
    for crash in [
        "rill-virt-in-interrupt-function",
        "rill-virt-os-in-interrupt-function",
    ] {
        let report = read(crash, &[".core"]);
        let frames = &report.threads[0].frames;
        let at = frames.iter().position(|f| f.interrupted.is_some()).unwrap();
        assert_eq!(
            frames[at - 1].function.as_deref(),
            Some("software_interrupt"),
            "{crash}"
        );
        assert_eq!(frames[at].trust, FrameTrust::Scan, "{crash}");
        assert!(
            report.warnings.iter().any(|w| w.code == "FS-UNW-007"),
            "{crash}"
        );
    }
}

/// FreeRTOS looks for an overflow when a task gives way, in its trap entry.
#[test]
fn a_stack_overflow_that_freertos_found_shows_the_task_behind_the_trap() {
    let report = read("weir-virt-stack-overflow", &[".core"]);
    let frames = &report.threads[0].frames;
    let names = functions(frames);
    assert_eq!(
        names[..6],
        [
            "fault_panic",
            "vApplicationStackOverflowHook",
            "vTaskSwitchContext",
            "handle_exception",
            "vTaskDelay",
            "history_scan"
        ]
    );
    assert_eq!(
        frames[4].interrupted.as_deref(),
        Some("freertos_risc_v_trap_handler")
    );
    assert_eq!(names[names.len() - 2..], ["shell_execute", "shell_task"]);
}

#[test]
fn a_jump_to_nowhere_keeps_its_caller() {
    let report = read("rill-virt-bad-jump", &[".core"]);
    assert_eq!(
        functions(&report.threads[0].frames),
        ["??", "command", "loop", "main"]
    );
}

/// The headline, from the core and the log together.
#[test]
fn every_crash_is_named_for_what_it_is() {
    use FaultKind::{
        Abort, Assert, BusFault, IllegalInstruction, NoExecute, NullPointer, StackOverflow,
        Unaligned,
    };
    let kinds: &[(&str, FaultKind, &str)] = &[
        (
            "null-write",
            NullPointer,
            " through a null pointer (store access fault)",
        ),
        ("illegal", IllegalInstruction, "`"),
        (
            "bad-jump",
            NoExecute,
            "`command` jumped to 0xA0000000, where no code is",
        ),
        (
            "in-interrupt",
            BusFault,
            " to 0xA0000020, where nothing is (store access fault), while ",
        ),
        (
            "in-interrupt-function",
            BusFault,
            " to 0xA0000040, where nothing is (store access fault)",
        ),
        ("stack-overflow", StackOverflow, "Stack overflow"),
        ("assert", Assert, "assert"),
        (
            "ecall",
            Abort,
            "`monitor_call` made an environment call that nobody serves (ecall, a7 = 93)",
        ),
        (
            "bad-load",
            BusFault,
            "`sensor_read` read from 0xA0000010, where nothing is (load access fault)",
        ),
        ("misaligned", Unaligned, "`counter_add` "),
        (
            "timer",
            BusFault,
            "`watchdog_kick` wrote 43690 to 0xA0000004, where nothing is (store access fault)",
        ),
    ];
    let mut wrong = Vec::new();
    for crash in crashes() {
        let (_, kind, words) = kinds
            .iter()
            .filter(|(ending, ..)| crash.ends_with(ending))
            .max_by_key(|(ending, ..)| ending.len())
            .unwrap();
        // FreeRTOS starts the handler at the top of the interrupt's own stack: the dump is of what that left.
        let files: &[&str] = match crash.as_str() {
            "weir-virt-in-interrupt" | "weir-virt-stack-overflow" => &[".uart"],
            _ => &[".core", ".uart"],
        };
        let report = read(&crash, files);
        let fault = report.fault.unwrap();
        if fault.kind != *kind || !fault.summary.to_lowercase().contains(&words.to_lowercase()) {
            wrong.push(format!("{crash}: {:?} {}", fault.kind, fault.summary));
        }
    }
    assert_none(&wrong);
}
