//! A door with made-up answers, for tests of the window alone.

use super::data::{Answer, Door};
use crate::engine::command::Command;
use crate::engine::event::Event;
use crate::engine::job::{JobId, JobOutcome, JobStatus};
use crate::engine::loadable::Loadable;
use crate::engine::queries::captures::CaptureRow;
use crate::engine::queries::crash_detail::CrashDetail;
use crate::engine::queries::crash_globals::{CrashGlobals, GlobalRow};
use crate::engine::queries::crash_list::{CrashGroup, CrashRow};
use crate::engine::queries::crash_memory::MemoryRow;
use crate::engine::queries::find::Found;
use crate::engine::queries::import_report::{ImportReport, ReportFile, ReportFinding};
use crate::engine::queries::overview::Overview;
use crate::engine::queries::source_lines::SourceLines;
use crate::engine::queries::symbol_library::{BuildRow, MissingBuild, SymbolLibraryView};
use crate::engine::queries::symbolize_text::SymbolizedText;
use crate::engine::recent::RecentWorkspace;
use crate::engine::symbolize::{SYMBOL_SCHEMA, Segment, SymbolFrame, SymbolizedAddress};
use crate::model::addr::TargetAddr;
use crate::model::arch::Arch;
use crate::model::build_id::BuildId;
use crate::model::report::{
    BACKTRACE_SCHEMA, CrashReport, Fault, FaultBit, FaultKind, Fingerprint, Frame, FrameTrust,
    Instruction, Local, Thread, ThreadState, Unavailable,
};
use crate::model::warning::Warning;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Which of the four states every answer is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Ready,
    Empty,
    Loading,
    Error,
}

pub(super) struct FakeDoor {
    pub(super) mode: Mode,
    pub(super) sent: Rc<RefCell<Vec<Command>>>,
    pub(super) cancelled: Rc<RefCell<Vec<JobId>>>,
    pub(super) jobs: Vec<JobStatus>,
    events: RefCell<Vec<Event>>,
}

impl FakeDoor {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            sent: Rc::default(),
            cancelled: Rc::default(),
            jobs: Vec::new(),
            events: RefCell::default(),
        }
    }

    fn answer<T>(&self, full: impl FnOnce() -> T, empty: impl FnOnce() -> T) -> Answer<T> {
        match self.mode {
            Mode::Ready => Loadable::Ready(Arc::new(full())),
            Mode::Empty => Loadable::Ready(Arc::new(empty())),
            Mode::Loading => Loadable::Pending { previous: None },
            Mode::Error => Loadable::Failed {
                error: "FS-STORE-002: the workspace file cannot be read at byte 16384. What was shown before is kept; open a copy of the file to go on.".to_owned(),
                previous: None,
            },
        }
    }
}

pub(super) fn frame(name: &str, file: &str, line: u32, pc: u64, trust: FrameTrust) -> Frame {
    Frame {
        pc: TargetAddr(pc),
        sp: Some(TargetAddr(0x2000_1f20)),
        function: Some(name.to_owned()),
        qualified: None,
        file: Some(format!("/build/fw/src/{file}")),
        line: Some(line),
        column: None,
        inlined: false,
        trust,
        interrupted: None,
        locals: Vec::new(),
    }
}

fn local(name: &str, type_name: &str, value: Option<&str>) -> Local {
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

fn thread(name: &str, state: ThreadState, waits: Option<&str>, used: u64) -> Thread {
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

pub(super) fn report() -> CrashReport {
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
        ..CrashReport::blank(Arch::ArmV7M)
    }
}

fn fault() -> Fault {
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

pub(super) fn row(id: i64) -> CrashRow {
    CrashRow {
        id,
        capture: 1,
        capture_name: "customer-4711.zip".to_owned(),
        imported_at: "2026-11-23T12:00:00Z".to_owned(),
        device: Some("DA143532".to_owned()),
        boot: Some(7),
        version: Some("1.4.3".to_owned()),
        build_id: Some("a1e688f256e24a716eeb9f842b28f2dcd2335ff7".to_owned()),
        kind: Some(FaultKind::NullPointer),
        summary: fault().summary,
        thread: Some("logger".to_owned()),
        function: Some("prv_write_page".to_owned()),
        is_symbolized: true,
        is_verified: true,
        fingerprint: Some("b2d1f0a4".to_owned()),
        dump_key: None,
        n_seen: 1,
    }
}

fn groups() -> Vec<CrashGroup> {
    let group =
        |key: &str, summary: &str, kind, ids: &[i64], (is_symbolized, is_verified)| CrashGroup {
            key: Some(key.to_owned()),
            summary: summary.to_owned(),
            n_devices: 2,
            crashes: ids
                .iter()
                .map(|id| CrashRow {
                    is_symbolized,
                    is_verified,
                    kind: Some(kind),
                    summary: summary.to_owned(),
                    capture: if *id == 8 { 2 } else { 1 },
                    ..row(*id)
                })
                .collect(),
        };
    vec![
        group(
            "b2",
            &fault().summary,
            FaultKind::NullPointer,
            &[8, 7],
            (true, true),
        ),
        group(
            "c3",
            "The stack of task `sensor` overflowed by 24 bytes in `format_reading`",
            FaultKind::StackOverflow,
            &[3],
            (true, false),
        ),
        group(
            "d4",
            "Hard fault at 0x0800a1b2",
            FaultKind::Unknown,
            &[6, 5, 4],
            (false, false),
        ),
    ]
}

fn capture(id: i64, name: &str) -> CaptureRow {
    CaptureRow {
        id,
        name: name.to_owned(),
        imported_at: "2026-11-23T12:00:00Z".to_owned(),
        device: Some("DA143532".to_owned()),
        version: Some("1.4.3".to_owned()),
        n_files: 4,
        n_boots: 3,
        n_crashes: 2,
        size_bytes: 3_400_000,
    }
}

fn overview(n: u64) -> Overview {
    Overview {
        name: "field cases".to_owned(),
        n_captures: n,
        n_devices: n,
        n_boots: n,
        n_crashes: n,
        n_waiting: n,
        n_symbol_files: n * 71,
        size_bytes: 19_293_798,
        read_only: None,
    }
}

fn report_files() -> (Vec<ReportFile>, Vec<ReportFinding>) {
    let file = |path: &str, format: &str, status: &str, size_bytes| ReportFile {
        path: path.to_owned(),
        size_bytes,
        format: format.to_owned(),
        status: status.to_owned(),
        n_lines: None,
    };
    let finding =
        |path: &str, kind: &str, offset, code: Option<&str>, message: &str| ReportFinding {
            path: path.to_owned(),
            kind: kind.to_owned(),
            offset,
            length: offset.map(|_| 4096),
            code: code.map(str::to_owned),
            message: message.to_owned(),
        };
    let files = vec![
        file("uart/boot7.log", "text", "partly", 1_204_112),
        file(
            "symbols/sensor-1.4.3.elf",
            "symbols",
            "understood",
            2_114_000,
        ),
        file("misc/blob.bin", "unknown", "not_understood", 4_096),
    ];
    let findings = vec![
        finding(
            "uart/boot7.log",
            "found",
            Some(80_112),
            None,
            "Zephyr dump of 9.40 KiB",
        ),
        finding(
            "uart/boot7.log",
            "skipped",
            Some(402_000),
            Some("FS-TEXT-004"),
            "A dump ends in the middle of a line: 3 of 80 lines are missing.",
        ),
        finding(
            "symbols/sensor-1.4.3.elf",
            "found",
            None,
            None,
            "build a1e688f2, full debug information",
        ),
        finding("misc/blob.bin", "kept", Some(0), None, "not understood"),
        finding(
            "../../etc/passwd",
            "refused",
            None,
            Some("FS-ZIP-002"),
            "its path leaves the archive",
        ),
    ];
    (files, findings)
}

fn source(file: &str, line: u32) -> SourceLines {
    let code = [
        "slot_t *s = prv_find_slot(page);",
        "s->generation++;",
        "",
        "s->length = len;",
        "memcpy(s->bytes, data, len);",
        "return prv_commit(s);",
    ];
    SourceLines::Found {
        path: file.to_owned(),
        first: line - 3,
        lines: code.map(|line| format!("    {line}")).to_vec(),
    }
}

fn library() -> SymbolLibraryView {
    let build = |name: &str, id: &str, quality: &str, size_bytes| BuildRow {
        build_id: id.to_owned(),
        path: format!("/builds/{name}"),
        arch: "armv7-m".to_owned(),
        quality: quality.to_owned(),
        advice: String::new(),
        size_bytes,
        is_there: true,
        is_in_workspace: false,
    };
    SymbolLibraryView {
        builds: vec![
            build(
                "sensor-1.4.3.elf",
                "a1e688f256e24a716eeb9f842b28f2dcd2335ff7",
                "full debug information",
                2_114_000,
            ),
            build(
                "sensor-1.4.2.elf",
                "56e24a716eeb9f842b28f2dcd2335ff722554247",
                "function names only",
                214_000,
            ),
        ],
        missing: vec![
            MissingBuild {
                build_id: Some("77aa00416eeb9f842b28f2dcd2335ff722554247".to_owned()),
                n_crashes: 3,
                captures: vec!["an386-1.core".to_owned()],
                version: Some("1.5.0-rc1".to_owned()),
                first_crash: Some(6),
            },
            MissingBuild {
                build_id: None,
                n_crashes: 1,
                captures: vec!["old.txt".to_owned()],
                version: None,
                first_crash: Some(3),
            },
        ],
    }
}

fn symbolized(text: &str) -> SymbolizedText {
    let mut segments = Vec::new();
    for (i, line) in text.split('\n').enumerate() {
        let newline = if i > 0 { "\n" } else { "" };
        let Some((before, address)) = line.split_once("0x") else {
            segments.push(Segment::Text(format!("{newline}{line}")));
            continue;
        };
        segments.push(Segment::Text(format!("{newline}{before}")));
        segments.push(Segment::Address {
            text: format!("0x{address}"),
            symbol: SymbolizedAddress {
                schema: SYMBOL_SCHEMA.to_owned(),
                address: TargetAddr(0x0800_0530),
                frames: vec![SymbolFrame {
                    function: Some("flash_write_bytes".to_owned()),
                    qualified: None,
                    file: Some("flash.c".to_owned()),
                    line: Some(148),
                    column: None,
                    inlined: false,
                }],
            },
        });
    }
    let n_named = segments
        .iter()
        .filter(|segment| matches!(segment, Segment::Address { .. }))
        .count();
    SymbolizedText {
        segments,
        build: "build a1e688f2".to_owned(),
        n_named,
    }
}

impl Door for FakeDoor {
    fn overview(&self) -> Answer<Overview> {
        self.answer(|| overview(3), || overview(0))
    }

    fn recent(&self) -> Answer<Vec<RecentWorkspace>> {
        let recent = |name: &str, holds: &str, finding: Option<&str>, at: &str| RecentWorkspace {
            path: PathBuf::from(format!("/cases/{name}.fieldscope")),
            opened_at: at.to_owned(),
            holds: holds.to_owned(),
            finding: finding.map(str::to_owned),
        };
        self.answer(
            || {
                vec![
                    recent(
                        "customer-4711",
                        "1 device, 3 boots, 2 crashes",
                        Some("`prv_write_page` wrote 0x2A to a null pointer + 4"),
                        "2026-11-23T12:00:00Z",
                    ),
                    recent(
                        "overnight rigs",
                        "30 devices, 4 crashes",
                        Some("The stack of task `sensor` overflowed"),
                        "2026-11-22T10:00:00Z",
                    ),
                    recent(
                        "desk nRF52840",
                        "1 device, 9 boots",
                        None,
                        "2026-11-09T12:00:00Z",
                    ),
                ]
            },
            Vec::new,
        )
    }

    fn crash_groups(&self, find: &str) -> Answer<Vec<CrashGroup>> {
        let matching = || {
            groups()
                .into_iter()
                .filter(|group| group.summary.contains(find))
                .collect()
        };
        self.answer(matching, Vec::new)
    }

    fn crash(&self, id: i64) -> Answer<CrashDetail> {
        let memory = vec![(0x2000_0000, 0x4000)];
        let detail = || CrashDetail {
            row: row(id),
            report: report(),
            memory: memory.clone(),
            n_alike: 12,
            n_alike_devices: 7,
        };
        self.answer(detail, detail)
    }

    fn memory(&self, _crash: i64, start: u64, n_rows: u64) -> Answer<Vec<MemoryRow>> {
        let rows = (0..n_rows)
            .map(|i| MemoryRow {
                address: TargetAddr(start + 16 * i),
                bytes: (0..16u8)
                    .map(|j| (i < 40).then_some(j.wrapping_mul(7).wrapping_add(32)))
                    .collect(),
                symbol: (i == 2).then(|| "ring+16".to_owned()),
            })
            .collect();
        self.answer(|| rows, Vec::new)
    }

    fn follow(&self, _crash: i64, _type_name: &str, _target: TargetAddr) -> Answer<Local> {
        self.answer(
            || local("", "uint8_t", Some("0x4c")),
            || local("", "uint8_t", None),
        )
    }

    fn globals(&self, _crash: i64, find: &str) -> Answer<CrashGlobals> {
        let all = [
            ("g_log_region", "log_region_t *", "0x20000a10"),
            ("g_uptime_ms", "uint32_t", "64211"),
            ("ring", "uint8_t [64]", "\"LOG1\\000...\""),
        ];
        let variables: Vec<GlobalRow> = all
            .iter()
            .filter(|(name, ..)| name.contains(find))
            .map(|(name, ty, value)| GlobalRow {
                address: Some(TargetAddr(0x2000_0a10)),
                place: None,
                value: local(name, ty, Some(value)),
            })
            .collect();
        self.answer(
            || CrashGlobals {
                n_found: variables.len(),
                variables,
            },
            || CrashGlobals {
                variables: Vec::new(),
                n_found: 0,
            },
        )
    }

    fn source(&self, _crash: i64, file: &str, line: u32) -> Answer<SourceLines> {
        let missing = || SourceLines::NotHere {
            tried: vec![file.to_owned()],
        };
        self.answer(
            || {
                if file.ends_with("flash.c") {
                    source(file, line)
                } else {
                    missing()
                }
            },
            missing,
        )
    }

    fn symbols(&self) -> Answer<SymbolLibraryView> {
        self.answer(library, || SymbolLibraryView {
            builds: Vec::new(),
            missing: Vec::new(),
        })
    }

    fn captures(&self) -> Answer<Vec<CaptureRow>> {
        // The second time it is asked after an import, one more is there.
        let mut rows = vec![capture(1, "customer-4711.zip"), capture(0, "an386-1.core")];
        if self
            .sent
            .borrow()
            .iter()
            .any(|command| matches!(command, Command::Import { .. }))
        {
            rows.insert(0, capture(2, "dropped.zip"));
        }
        self.answer(|| rows, Vec::new)
    }

    fn import_report(&self, capture_id: i64) -> Answer<ImportReport> {
        let (files, findings) = report_files();
        self.answer(
            || ImportReport {
                capture: capture(capture_id, "customer-4711.zip"),
                files,
                findings,
            },
            || ImportReport {
                capture: capture(capture_id, "empty.zip"),
                files: Vec::new(),
                findings: Vec::new(),
            },
        )
    }

    fn symbolize(&self, text: &str, _build: Option<&str>) -> Answer<SymbolizedText> {
        self.answer(|| symbolized(text), || symbolized(""))
    }

    fn find(&self, text: &str) -> Answer<Found> {
        let crashes: Vec<CrashRow> = groups()
            .into_iter()
            .flat_map(|group| group.crashes)
            .filter(|row| row.summary.contains(text))
            .collect();
        self.answer(
            || Found {
                crashes,
                captures: Vec::new(),
            },
            || Found {
                crashes: Vec::new(),
                captures: Vec::new(),
            },
        )
    }

    fn jobs(&self) -> Vec<JobStatus> {
        self.jobs.clone()
    }

    fn watched_folder(&self) -> Option<PathBuf> {
        None
    }

    fn is_busy(&self) -> bool {
        self.mode == Mode::Loading
    }

    fn drain_events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.borrow_mut())
    }

    fn submit(&self, command: Command) -> JobId {
        self.sent.borrow_mut().push(command);
        let outcome = JobOutcome::Done("1 crash found.".to_owned());
        self.events.borrow_mut().push(Event::JobFinished {
            job: JobId(1),
            outcome,
        });
        JobId(1)
    }

    fn cancel(&self, job: JobId) {
        self.cancelled.borrow_mut().push(job);
    }

    fn reload(&self) {}

    fn remember(&self) {}

    fn open_workspace(&self, _path: &Path) {}
}
