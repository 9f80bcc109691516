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

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder)
}

/// The report of fixture files of `folder`, read with `elf` of the same folder.
fn read(folder: &str, files: &[&str], elf: &str) -> CrashReport {
    let paths: Vec<PathBuf> = files.iter().map(|file| root(folder).join(file)).collect();
    read_paths(folder, &paths, elf)
}

fn read_paths(folder: &str, paths: &[PathBuf], elf: &str) -> CrashReport {
    let root = root(folder);
    let examined = examine(Inputs::read(paths, &Unattended).unwrap(), &Unattended).unwrap();
    assert_eq!(examined.crashes.len(), 1, "{paths:?} hold one crash");
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

/// The bytes of a `#CD:` dump, to be changed and printed again.
struct ZephyrDump(Vec<u8>);

impl ZephyrDump {
    fn of(folder: &str, file: &str) -> Self {
        let log = std::fs::read_to_string(root(folder).join(file)).unwrap();
        let hex: String = log
            .lines()
            .filter_map(|line| line.split_once("#CD:").map(|(_, hex)| hex.trim()))
            .filter(|hex| !hex.ends_with('#'))
            .collect();
        let bytes = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        Self(bytes.collect())
    }

    /// Word `index` of the architecture block: r0-r3, r12, lr, pc, xpsr, sp, r4-r11. The block follows the header of 12
    /// bytes and has a head of 5.
    fn register(&mut self, index: usize) -> &mut [u8] {
        let at = 12 + 5 + 4 * index;
        &mut self.0[at..at + 4]
    }

    fn word(&mut self, index: usize) -> u32 {
        u32::from_le_bytes(self.register(index).try_into().unwrap())
    }

    fn set(&mut self, index: usize, value: u32) {
        self.register(index).copy_from_slice(&value.to_le_bytes());
    }

    /// Writes into the first memory block, which follows the architecture block.
    fn write_memory(&mut self, address: u32, words: &[u32]) {
        let block = 12 + 5 + 17 * 4;
        assert_eq!(self.0[block], b'M');
        let start = u32::from_le_bytes(self.0[block + 3..block + 7].try_into().unwrap());
        let at = block + 11 + usize::try_from(address - start).unwrap();
        for (slot, word) in words.iter().enumerate() {
            self.0[at + 4 * slot..at + 4 * slot + 4].copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Prints it into a file as a device would, and reads that.
    fn report(&self, folder: &str, elf: &str) -> CrashReport {
        let mut log = String::from("[00:00:00.880,000] <err> coredump: #CD:BEGIN#\n");
        for line in self.0.chunks(32) {
            let hex: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
            log.push_str(&format!("[00:00:00.880,000] <err> coredump: #CD:{hex}\n"));
        }
        log.push_str("[00:00:00.880,000] <err> coredump: #CD:END#\n");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), log).unwrap();
        read_paths(folder, &[file.path().to_owned()], elf)
    }
}

const SP_INDEX: usize = 8;

/// Zephyr 3.4's own gdb server: frame 2 is garbage and most frames are missing, for the stack pointer that it stores is the
/// address of the exception frame, under the same block version as the popped one of later releases.
#[test]
fn the_stack_pointer_of_zephyr_3_4_is_told_from_that_of_later_releases() {
    for (file, elf) in [
        ("rules-an386-mpu-region.uart", "rules-an386.elf"),
        ("kernel-an386-freed-queue.uart", "kernel-an386.elf"),
    ] {
        let mut dump = ZephyrDump::of("rules", file);
        let popped = dump.report("rules", elf);
        let padding = if dump.word(7) & (1 << 9) == 0 { 0 } else { 4 };
        let sp = dump.word(SP_INDEX);
        dump.set(SP_INDEX, sp - 0x20 - padding);
        let at_frame = dump.report("rules", elf);
        assert_eq!(
            at_frame.threads[0].frames, popped.threads[0].frames,
            "{file}"
        );
        assert!(popped.threads[0].frames.len() >= 3, "{file}");
    }
}

/// Zephyr on a secure Cortex-M33 reports r0 = 0xFEFA125B and a program counter in the stack: it takes the additional state
/// context, which lies below the frame, for the frame.
#[test]
fn the_frame_above_the_additional_context_of_version_8_is_the_one_that_counts() {
    let original =
        ZephyrDump::of("rules", "rules-an505-mpu-region.uart").report("rules", "rules-an505.elf");
    for popped_bytes in [0, 0x20] {
        let mut dump = ZephyrDump::of("rules", "rules-an505-mpu-region.uart");
        let padding = if dump.word(7) & (1 << 9) == 0 { 0 } else { 4 };
        let frame = dump.word(SP_INDEX) - 0x20 - padding;
        let mut context = vec![0xFEFA_125B, 0];
        context.extend((0..8).map(|n| dump.word(9 + n)));
        dump.write_memory(frame - 0x28, &context);
        for (index, word) in context.iter().take(8).enumerate() {
            dump.set(index, *word);
        }
        dump.set(SP_INDEX, frame - 0x28 + popped_bytes);
        let report = dump.report("rules", "rules-an505.elf");
        assert_eq!(
            functions(&report.threads[0]),
            ["calibrate", "command", "main"]
        );
        assert_eq!(report.threads[0].frames, original.threads[0].frames);
        assert_eq!(
            report.fault.unwrap().summary,
            original.fault.as_ref().unwrap().summary
        );
    }
}

/// CrashDebug: all registers zero and no message when the banner and the log lines around the dump are left in.
#[test]
fn a_crashcatcher_dump_is_found_in_a_whole_log_with_its_banner() {
    for (log, elf, expected) in [
        (
            "brook-an386-cc-bad-pointer.uart",
            "brook-an386-cc.elf",
            "valve_open",
        ),
        (
            "hearth-nrf51-undefined.uart",
            "hearth-nrf51.elf",
            "bootloader_enter",
        ),
    ] {
        let text = std::fs::read(root("sample").join(log)).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("CRASH ENCOUNTERED") && text.contains("] INF "));
        let report = read("sample", &[log], elf);
        assert_eq!(functions(&report.threads[0])[0], expected, "{log}");
        assert!(report.registers.iter().any(|(_, value)| value.0 != 0));
    }
}

/// Nobody else says why: STKERR leaves no exception frame and no program counter. The stack pointer against the stack's
/// end, CFSR and a scan of the stack do.
#[test]
fn a_stacking_error_alone_is_named_a_stack_overflow_with_its_evidence() {
    let report = read(
        "sample",
        &["hearth-f405-stack-overflow.uart"],
        "hearth-f405.elf",
    );
    let fault = report.fault.unwrap();
    assert_eq!(fault.kind, FaultKind::StackOverflow);
    for words in ["schedule_next` calls itself", "below the main stack"] {
        assert!(fault.summary.contains(words), "{}", fault.summary);
    }
    let said = |words: &str| fault.evidence.iter().any(|line| line.contains(words));
    assert!(said("the registers could not be saved on the stack"));
    assert!(said("STKERR"), "{:#?}", fault.evidence);
}
