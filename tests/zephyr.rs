//! Zephyr, whole: dumps of the stand-in in `tests/fixtures/zephyr`, held against what gdb says of the live threads.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::examine::{Examined, examine};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::Matched;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::{CrashReport, Frame, FrameTrust, Thread, ThreadState};
use fieldscope::symbols::symbol_file::SymbolFile;
use std::collections::BTreeMap;
use std::sync::Arc;

const CAPTURES: [&str; 4] = ["v1-frame", "v2-threads", "v3-crc", "v3-smp"];

fn fixture(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/tests/fixtures/zephyr/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(path).unwrap()
}

fn examined(name: &str) -> Examined {
    let bytes = fixture(&format!("standin-{name}.uart"));
    let inputs = Inputs::from_bytes(name, bytes.into(), &Unattended).unwrap();
    examine(inputs, &Unattended).unwrap()
}

fn read(name: &str) -> CrashReport {
    read_with(
        name,
        SymbolFile::parse("standin.elf", fixture("standin.elf")).unwrap(),
    )
}

fn read_with(name: &str, elf: SymbolFile) -> CrashReport {
    let examined = examined(name);
    assert_eq!(
        examined.crashes.len(),
        1,
        "{name}: text and dump are one crash"
    );
    let matched = Matched {
        files: vec![Arc::new(elf)],
        ..Matched::default()
    };
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
    let frames = thread.frames.iter();
    frames.filter_map(|f| f.function.as_deref()).collect()
}

fn thread<'a>(report: &'a CrashReport, name: &str) -> &'a Thread {
    let mut threads = report.threads.iter();
    threads.find(|t| t.name.as_deref() == Some(name)).unwrap()
}

/// Function and line of each frame of each thread, as gdb printed them.
fn gdb_threads() -> BTreeMap<String, Vec<(String, u32)>> {
    let mut threads: BTreeMap<String, Vec<(String, u32)>> = BTreeMap::new();
    let mut name = String::new();
    let text = String::from_utf8(fixture("threads.gdb.txt")).unwrap();
    for line in text.lines().filter(|line| !line.contains("in ?? ()")) {
        if let Some(thread) = line.strip_prefix("thread ") {
            thread.clone_into(&mut name);
            continue;
        }
        let (before, place) = line.rsplit_once(':').unwrap();
        let call = before
            .split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ");
        let call = call
            .split_once(" in ")
            .map_or(call.as_str(), |(_, call)| call);
        let function = call.split(' ').next().unwrap().to_owned();
        let frames = threads.entry(name.clone()).or_default();
        frames.push((function, place.parse().unwrap()));
    }
    threads
}

#[test]
fn the_crashed_thread_is_whole_in_every_version_of_the_dump() {
    for name in CAPTURES {
        let report = read(name);
        let crashed = &report.threads[0];
        assert!(crashed.crashed);
        assert_eq!(crashed.name.as_deref(), Some("sensor"), "{name}");
        assert_eq!(
            functions(crashed),
            [
                "sensor_read",
                "sensor_average",
                "sensor_entry",
                "z_thread_entry"
            ],
            "{name}"
        );
        assert!(
            crashed.frames.iter().all(|f| f.trust <= FrameTrust::Cfi),
            "{name}"
        );
        assert_eq!(crashed.stopped, None, "{name}");
        let fault = report.fault.as_ref().unwrap();
        assert_eq!(fault.address.map(|a| a.0), Some(0xF000_0000), "{name}");
    }
}

#[test]
fn registers_that_the_dump_did_not_store_are_not_shown_as_zeros() {
    let local = |frame: &Frame, name: &str| {
        let found = frame.locals.iter().find(|local| local.name == name);
        found.and_then(|local| local.value.clone())
    };
    // `n` and `sum` live in r4-r11 of sensor_average, which version 2 writes as zeros and version 3 saves.
    let known = read("v3-crc");
    let zeros = read("v2-threads");
    let in_average = |report: &CrashReport, name| local(&report.threads[0].frames[1], name);
    assert_eq!(in_average(&known, "sum").as_deref(), Some("0"));
    assert_eq!(
        known.threads[0].frames[1].function.as_deref(),
        Some("sensor_average")
    );
    let stored = |report: &CrashReport, reg: &str| {
        let registers = report.registers.iter();
        registers.filter(|(name, _)| name == reg).count()
    };
    assert_eq!((stored(&known, "r4"), stored(&zeros, "r4")), (1, 0));
}

#[test]
fn every_thread_has_gdbs_frames_its_state_and_what_it_waits_on() {
    let expected = gdb_threads();
    assert_eq!(expected.len(), 7);
    for name in CAPTURES {
        let report = read(name);
        assert_eq!(report.threads.len(), 8, "{name}: {:?}", report.warnings);
        for (thread_name, frames) in &expected {
            let thread = thread(&report, thread_name);
            let got: Vec<(String, u32)> = thread
                .frames
                .iter()
                .map(|f| (f.function.clone().unwrap_or_default(), f.line.unwrap_or(0)))
                .collect();
            assert_eq!(&got, frames, "{name}, {thread_name}");
        }
        for (thread_name, state, waits_on) in [
            (
                "logger",
                ThreadState::Blocked,
                Some("mutex bus.lock, held by sensor"),
            ),
            (
                "net",
                ThreadState::Blocked,
                Some("message queue net_queue, about 250 ticks left"),
            ),
            ("main", ThreadState::Blocked, Some("semaphore data_ready")),
            (
                "worker",
                ThreadState::Blocked,
                Some("sleep, about 120 ticks left"),
            ),
            ("shell", ThreadState::Suspended, None),
            ("idle", ThreadState::Ready, None),
        ] {
            let thread = thread(&report, thread_name);
            assert_eq!(thread.state, state, "{name}, {thread_name}");
            // Without RAM there is no timeout queue and no mutex to ask.
            let has_ram = matches!(name, "v1-frame" | "v3-crc");
            if has_ram {
                assert_eq!(thread.waits_on.as_deref(), waits_on, "{name}");
            }
        }
        let net = thread(&report, "net");
        assert_eq!(net.stack_size, Some(1024));
        assert_eq!(net.priority, Some(6));
        let unused = net.stack_unused_min.unwrap();
        assert!((500..1000).contains(&unused), "{name}: {unused}");
        assert!(net.stack_used.unwrap() <= 1024 - unused);
    }
}

#[test]
fn the_thread_of_another_cpu_has_the_registers_of_its_own_block() {
    let report = read("v3-smp");
    let radio = thread(&report, "radio");
    assert_eq!(radio.state, ThreadState::Running);
    assert!(!radio.crashed);
    assert_eq!(
        functions(radio),
        ["z_swap", "k_yield", "radio_entry", "z_thread_entry"]
    );
    assert_eq!(report.threads[0].name.as_deref(), Some("sensor"));
    assert_eq!(thread(&read("v3-crc"), "radio").state, ThreadState::Ready);
}

#[test]
fn without_types_the_table_for_debuggers_gives_the_threads() {
    // The section with the types renamed: as an ELF with symbols and call-frame information only.
    let mut elf = fixture("standin.elf");
    let name = b".debug_info\0";
    let at = elf.windows(name.len()).position(|w| w == name).unwrap();
    elf[at + 1] = b'x';
    let report = read_with("v1-frame", SymbolFile::parse("standin.elf", elf).unwrap());
    assert_eq!(report.threads.len(), 8, "{:?}", report.warnings);
    let net = thread(&report, "net");
    assert_eq!(net.state, ThreadState::Blocked);
    assert_eq!(net.priority, Some(6));
    assert_eq!(
        functions(net),
        [
            "z_swap",
            "z_pend_curr",
            "k_msgq_get",
            "net_entry",
            "z_thread_entry"
        ]
    );
}

#[test]
fn a_damaged_list_of_threads_ends_and_says_so() {
    // `next_thread` of one control block, in the hex of the dump, made to point to itself.
    let whole = read("v1-frame");
    let net = thread(&whole, "net").id.unwrap().0;
    let logger = thread(&whole, "logger").id.unwrap().0;
    let hex = |value: u64| {
        let bytes = u32::try_from(value).unwrap().to_le_bytes();
        bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
    };
    let text = String::from_utf8(fixture("standin-v1-frame.uart")).unwrap();
    // logger -> net becomes logger -> logger wherever the word stands.
    let text = text.replace(&hex(net), &hex(logger));
    let inputs = Inputs::from_bytes("broken", text.into_bytes().into(), &Unattended).unwrap();
    let examined = examine(inputs, &Unattended).unwrap();
    let elf = SymbolFile::parse("standin.elf", fixture("standin.elf")).unwrap();
    let matched = Matched {
        files: vec![Arc::new(elf)],
        ..Matched::default()
    };
    let report = report(
        &examined,
        0,
        &matched,
        &IndexCache::disabled(),
        Depth::Frames,
    )
    .unwrap();
    assert!(report.threads.len() >= 2);
    let warned = report.warnings.iter().any(|w| w.code == "FS-RTOS-014");
    assert!(warned, "{:?}", report.warnings);
}
