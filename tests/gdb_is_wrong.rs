//! Crashes that gdb answers wrongly or not at all: here the right answer is known from the source of the
//! firmware (`tests/fixtures/sample/ORACLE.md`, `tests/fixtures/README.md`), and Fieldscope has to give it.

use fieldscope::engine::examine::examine;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::{CrashReport, FaultKind, Frame, FrameTrust, Thread, Unavailable};
use fieldscope::symbols::symbol_file::SymbolFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The report of fixture files of `folder`, read with `elf` of the same folder.
fn read(folder: &str, files: &[&str], elf: &str) -> CrashReport {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let paths: Vec<PathBuf> = files.iter().map(|file| root.join(file)).collect();
    let examined = examine(Inputs::read(&paths, &Unattended).unwrap(), &Unattended).unwrap();
    assert_eq!(examined.crashes.len(), 1, "{files:?} hold one crash");
    let bytes = std::fs::read(root.join(elf)).unwrap();
    let named = [Arc::new(SymbolFile::parse(elf, bytes).unwrap())];
    let crash = &examined.crashes[0];
    let id = crash.build_id.as_ref().map(|(id, _)| id);
    let matched = match_named(id, &crash.joined.dump.memory, &named).unwrap();
    report(
        &examined,
        0,
        &matched,
        &IndexCache::disabled(),
        Depth::Locals,
    )
    .unwrap()
}

fn functions(thread: &Thread) -> Vec<&str> {
    thread
        .frames
        .iter()
        .filter_map(|frame| frame.function.as_deref())
        .collect()
}

fn value<'a>(frame: &'a Frame, name: &str) -> Option<&'a str> {
    frame
        .locals
        .iter()
        .find(|local| local.name == name)?
        .value
        .as_deref()
}

/// gdb: "Unable to access DWARF register number 80", for it was given no floating-point registers.
#[test]
fn floating_point_arguments_are_recovered_from_where_the_callees_saved_them() {
    let report = read("qemu-freertos", &["an386-1.core"], "an386.elf");
    let deep: Vec<&Frame> = report.threads[0]
        .frames
        .iter()
        .filter(|frame| frame.function.as_deref() == Some("deep"))
        .collect();
    assert_eq!(deep.len(), 13);
    // `deep(1, 1.0f)` calls `deep(n + 1, f * 1.5f)`: the outermost is the last.
    let mut expected = 1.0_f32;
    for frame in deep.iter().rev() {
        let shown = value(frame, "f")
            .expect("f is known")
            .parse::<f32>()
            .unwrap();
        assert!(
            (shown - expected).abs() <= expected * 1e-6,
            "{shown} is not {expected}"
        );
        expected *= 1.5;
    }
}

#[test]
fn a_register_that_no_capture_stored_is_not_shown_as_a_number() {
    let report = read("qemu-bare", &["an386-6.core"], "an386.elf");
    let frame = &report.threads[0].frames[1];
    assert_eq!(frame.function.as_deref(), Some("fpu_work"));
    let c = frame.locals.iter().find(|local| local.name == "c").unwrap();
    assert_eq!(
        (c.value.as_deref(), c.unavailable),
        (None, Some(Unavailable::RegisterNotStored))
    );
}

/// gdb: a last frame `vPortEnableVFP`, "corrupt stack?", in every task.
#[test]
fn tasks_end_at_their_entry_without_a_bogus_last_frame() {
    let entries = [
        "cmdtask",
        "logger",
        "net",
        "prvIdleTask",
        "prvTimerTask",
        "sensor",
    ];
    for crash in ["1", "4", "8"] {
        let core = format!("an386-{crash}.core");
        let report = read("qemu-freertos", &[&core], "an386.elf");
        let mut last: Vec<&str> = report
            .threads
            .iter()
            .map(|thread| *functions(thread).last().unwrap())
            .collect();
        last.sort_unstable();
        assert_eq!(last, entries, "{core}");
    }
}

/// gdb: one frame at address 0.
#[test]
fn a_stack_overflow_without_an_exception_frame_is_named_and_scanned() {
    let cases: &[(&str, &[&str], &str, &str, &str)] = &[
        (
            "qemu-bare",
            &["an505-3.core", "an505-3.uart"],
            "an505.elf",
            "recurse",
            "recurse",
        ),
        (
            "qemu-freertos",
            &["an386-3.core"],
            "an386.elf",
            "task cmd",
            "blow",
        ),
        (
            "sample",
            &["hearth-f405-stack-overflow.uart"],
            "hearth-f405.elf",
            "schedule_next",
            "schedule_next",
        ),
        (
            "sample",
            &["brook-an505-stack-limit.uart"],
            "brook-an505.elf",
            "task shell",
            "route_search",
        ),
    ];
    for (folder, files, elf, who, function) in cases {
        let report = read(folder, files, elf);
        let fault = report.fault.as_ref().unwrap();
        assert_eq!(fault.kind, FaultKind::StackOverflow, "{files:?}");
        assert!(fault.summary.contains(who), "{files:?}: {}", fault.summary);
        let frames = &report.threads[0].frames;
        let scanned = frames
            .iter()
            .filter(|f| f.function.as_deref() == Some(function));
        let trusts: Vec<FrameTrust> = scanned.map(|frame| frame.trust).collect();
        assert!(trusts.len() >= 3, "{files:?}: {trusts:?}");
        assert!(
            trusts.iter().all(|trust| *trust == FrameTrust::Scan),
            "{files:?}: marked as scanned"
        );
    }
}

/// gdb takes the main stack and shows the start of the scheduler.
#[test]
fn a_fault_in_an_interrupt_of_a_task_leads_on_to_the_task_on_its_own_stack() {
    // CrashCatcher stores PSP: the frame is found there. `#CD:` does not: it is found by scanning the task's stack.
    for (log, elf, trust) in [
        (
            "brook-an386-cc-in-interrupt.uart",
            "brook-an386-cc.elf",
            FrameTrust::ExceptionFrame,
        ),
        (
            "brook-an386-in-interrupt.uart",
            "brook-an386.elf",
            FrameTrust::Scan,
        ),
    ] {
        let report = read("sample", &[log], elf);
        let thread = &report.threads[0];
        let expected = [
            "tick_capture",
            "vApplicationTickHook",
            "xTaskIncrementTick",
            "SysTick_Handler",
            "prvIdleTask",
        ];
        assert_eq!(functions(thread), expected, "{log}");
        let task = thread.frames.last().unwrap();
        assert_eq!(
            (task.interrupted.as_deref(), task.trust),
            (Some("SysTick"), trust),
            "{log}"
        );
        assert_eq!(value(&thread.frames[0], "now"), Some("7"), "{log}");
        assert_eq!(thread.name.as_deref(), Some("IDLE"), "{log}");
    }
}

/// gdb and every tool that takes the dump's zeros for values show `p = 0x0`.
#[test]
fn arguments_in_registers_that_a_zephyr_dump_left_zero_were_not_stored() {
    let cases = [
        ("brook-an386-float.uart", "brook-an386.elf", "pid_step", "p"),
        (
            "hearth-an385-bad-pointer.uart",
            "hearth-an385.elf",
            "sensor_probe",
            "channel",
        ),
        (
            "hearth-an385-bad-pointer.uart",
            "hearth-an385.elf",
            "command",
            "key",
        ),
    ];
    for (log, elf, function, name) in cases {
        let report = read("sample", &[log], elf);
        let frames = &report.threads[0].frames;
        let frame = frames
            .iter()
            .find(|f| f.function.as_deref() == Some(function))
            .unwrap();
        let local = frame
            .locals
            .iter()
            .find(|local| local.name == name)
            .unwrap();
        assert_eq!(
            (local.value.as_deref(), local.unavailable),
            (None, Some(Unavailable::RegisterNotStored)),
            "{log}: {function} {name}"
        );
    }
}

#[test]
fn a_core_and_its_log_are_one_crash_with_memory_and_fault_registers() {
    let report = read(
        "qemu-freertos",
        &["an386-1.core", "an386-1.uart"],
        "an386.elf",
    );
    let fault = report.fault.as_ref().unwrap();
    assert_eq!(
        fault.summary,
        "`poke` wrote 13 to 0xF0000000, where nothing is (precise bus fault), in task cmd, main.c:16"
    );
    assert_eq!(fault.registers["cfsr"].0, 0x8200);
    assert_eq!(fault.address.unwrap().0, 0xF000_0000);
    assert_eq!(report.threads.len(), 6);
    assert_eq!(report.sources, ["elf-core", "fault-print"]);
}
