//! A door with made-up answers, for tests of the window alone.

use super::data::*;
use crate::model::addr::TargetAddr;
use crate::model::arch::Arch;
use crate::model::build_id::BuildId;
use crate::model::report::*;
use crate::model::warning::Warning;
use std::cell::RefCell;
use std::path::PathBuf;
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
    pub(super) sent: Rc<RefCell<Vec<Request>>>,
    pub(super) jobs: Vec<JobView>,
}

impl FakeDoor {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            sent: Rc::default(),
            jobs: Vec::new(),
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

pub(super) fn row(id: CrashId) -> CrashRow {
    CrashRow {
        id,
        headline: fault().summary,
        kind: "precise bus fault".to_owned(),
        thread: Some("logger".to_owned()),
        location: Some("flash.c:212".to_owned()),
        capture: "customer-4711.zip".to_owned(),
        device: Some("DA143532".to_owned()),
        boot: Some(7),
        version: Some("1.4.3".to_owned()),
        build_id: Some("a1e688f256e24a716eeb9f842b28f2dcd2335ff7".to_owned()),
        symbols: SymbolState::Match,
    }
}

fn groups() -> Vec<CrashGroup> {
    let group = |key: &str, headline: &str, kind: &str, ids: &[i64], symbols| CrashGroup {
        key: key.to_owned(),
        headline: headline.to_owned(),
        kind: kind.to_owned(),
        n_devices: 2,
        crashes: ids
            .iter()
            .map(|id| CrashRow {
                symbols,
                headline: headline.to_owned(),
                ..row(*id)
            })
            .collect(),
    };
    vec![
        group(
            "b2",
            &fault().summary,
            "null pointer",
            &[1, 2],
            SymbolState::Match,
        ),
        group(
            "c3",
            "The stack of task `sensor` overflowed by 24 bytes in `format_reading`",
            "stack overflow",
            &[3],
            SymbolState::NotVerified,
        ),
        group(
            "d4",
            "Hard fault at 0x0800a1b2",
            "unknown cause",
            &[4, 5, 6],
            SymbolState::Missing,
        ),
    ]
}

impl Door for FakeDoor {
    fn overview(&self) -> Answer<Overview> {
        self.answer(
            || Overview {
                workspace: "field cases".to_owned(),
                path: PathBuf::from("cases.fieldscope"),
                workspace_bytes: 19_293_798,
                n_builds: 214,
                n_crashes: 6,
                n_captures: 3,
                read_only: None,
                watched: None,
            },
            || Overview {
                workspace: "field cases".to_owned(),
                ..Overview::default()
            },
        )
    }

    fn recent(&self) -> Answer<Vec<RecentWorkspace>> {
        let recent = |name: &str, holds: &str, finding: &str, has_crash, ago| RecentWorkspace {
            name: name.to_owned(),
            path: PathBuf::from(name),
            holds: holds.to_owned(),
            finding: finding.to_owned(),
            has_crash,
            opened_secs_ago: ago,
        };
        self.answer(
            || {
                vec![
                    recent(
                        "customer-4711",
                        "1 device, 3 boots, 2 crashes",
                        "2 crashes, same cause: null pointer in prv_write_page",
                        true,
                        240,
                    ),
                    recent(
                        "overnight rigs 12 Nov",
                        "30 devices, 4 crashes",
                        "4 crashes, 2 causes",
                        true,
                        90_000,
                    ),
                    recent(
                        "desk nRF52840",
                        "1 device, 9 boots",
                        "no crash",
                        false,
                        900_000,
                    ),
                ]
            },
            Vec::new,
        )
    }

    fn crash_groups(&self) -> Answer<Vec<CrashGroup>> {
        self.answer(groups, Vec::new)
    }

    fn crash(&self, id: CrashId) -> Answer<CrashDetail> {
        let detail = || CrashDetail {
            row: row(id),
            report: report(),
            n_similar: 12,
        };
        self.answer(detail, detail)
    }

    fn memory(&self, _id: CrashId, start: u64, len: u64) -> Answer<MemoryPage> {
        let bytes = (0..len)
            .map(|i| (i < 640).then_some(u8::try_from(i * 7 % 256).unwrap_or(0)))
            .collect();
        let ranges = vec![(0x2000_0000, 0x2000_4000, "RAM".to_owned())];
        self.answer(
            || MemoryPage {
                start,
                bytes,
                symbols: vec![(start + 32, "ring+16".to_owned())],
                ranges,
            },
            MemoryPage::default,
        )
    }

    fn follow(&self, _id: CrashId, _type_name: &str, _target: TargetAddr) -> Answer<Local> {
        self.answer(
            || local("", "uint8_t", Some("0x4c")),
            || local("", "uint8_t", None),
        )
    }

    fn globals(&self, _id: CrashId, search: &str) -> Answer<Globals> {
        let all = [
            ("g_log_region", "log_region_t *", "0x20000a10"),
            ("g_uptime_ms", "uint32_t", "64211"),
            ("ring", "uint8_t [64]", "\"LOG1\\000...\""),
        ];
        let rows: Vec<GlobalRow> = all
            .iter()
            .filter(|(name, ..)| name.contains(search))
            .map(|(name, ty, value)| GlobalRow {
                address: Some(TargetAddr(0x2000_0a10)),
                location: None,
                local: local(name, ty, Some(value)),
            })
            .collect();
        self.answer(
            || Globals {
                n_total: rows.len() as u64,
                rows,
            },
            Globals::default,
        )
    }

    fn source(&self, _id: CrashId, file: &str, line: u32) -> Answer<SourceText> {
        let code = [
            "slot_t *s = prv_find_slot(page);",
            "s->generation++;",
            "",
            "s->length = len;",
            "memcpy(s->bytes, data, len);",
            "return prv_commit(s);",
        ];
        let found = || SourceText::Found {
            path: file.to_owned(),
            first_line: line - 3,
            lines: code.map(|line| format!("    {line}")).to_vec(),
        };
        self.answer(
            || {
                if file.ends_with("flash.c") {
                    found()
                } else {
                    SourceText::Missing {
                        path: file.to_owned(),
                    }
                }
            },
            || SourceText::Missing {
                path: file.to_owned(),
            },
        )
    }

    fn symbols(&self) -> Answer<SymbolLibrary> {
        let build = |name: &str, id: &str, quality: &str, bytes| BuildRow {
            name: name.to_owned(),
            path: format!("/builds/{name}"),
            build_id: id.to_owned(),
            arch: "armv7-m".to_owned(),
            quality: quality.to_owned(),
            advice: None,
            n_crashes: 2,
            bytes,
        };
        self.answer(
            || SymbolLibrary {
                builds: vec![
                    build(
                        "sensor-1.4.3.elf",
                        "a1e688f256e24a716eeb9f842b28f2dcd2335ff7",
                        "full",
                        2_114_000,
                    ),
                    build(
                        "sensor-1.4.2.elf",
                        "56e24a716eeb9f842b28f2dcd2335ff722554247",
                        "names only",
                        214_000,
                    ),
                ],
                missing: vec![
                    MissingBuild {
                        build_id: Some("77aa00416eeb9f842b28f2dcd2335ff722554247".to_owned()),
                        version: Some("1.5.0-rc1".to_owned()),
                        n_crashes: 3,
                    },
                    MissingBuild {
                        build_id: None,
                        version: None,
                        n_crashes: 1,
                    },
                ],
            },
            SymbolLibrary::default,
        )
    }

    fn captures(&self) -> Answer<Vec<CaptureRow>> {
        let capture = |id, name: &str| CaptureRow {
            id,
            name: name.to_owned(),
            holds: "1 device, 3 boots, 2 crashes".to_owned(),
        };
        self.answer(
            || vec![capture(1, "customer-4711.zip"), capture(2, "an386-1.core")],
            Vec::new,
        )
    }

    fn import_report(&self, capture: CaptureId) -> Answer<ImportReport> {
        let file = |path: &str, kind: &str, bytes, found: &str| ImportedFile {
            path: path.to_owned(),
            kind: kind.to_owned(),
            bytes,
            found: found.to_owned(),
            not_understood: Vec::new(),
            warnings: Vec::new(),
            refused: None,
        };
        let report = || ImportReport {
            capture,
            name: "customer-4711.zip".to_owned(),
            summary: "1 device, 3 boots, 2 crashes; 1 file not understood".to_owned(),
            files: vec![
                file("uart/boot7.log", "text", 1_204_112, "2 crashes, 3 boots"),
                file(
                    "symbols/sensor-1.4.3.elf",
                    "symbols",
                    2_114_000,
                    "build a1e688f2, full symbols",
                ),
                ImportedFile {
                    not_understood: vec![(0, 4_096)],
                    ..file("misc/blob.bin", "not understood", 4_096, "kept as it is")
                },
                ImportedFile {
                    refused: Some("its path leaves the archive (../../etc/passwd)".to_owned()),
                    ..file("../../etc/passwd", "refused", 0, "")
                },
            ],
        };
        self.answer(report, || ImportReport {
            capture,
            name: "empty.zip".to_owned(),
            summary: "nothing found".to_owned(),
            files: Vec::new(),
        })
    }

    fn symbolize(&self, text: &str, _build: Option<&str>) -> Answer<Symbolized> {
        let lines: Vec<SymbolizedLine> = text
            .lines()
            .map(|line| SymbolizedLine {
                text: line.to_owned(),
                answers: if line.contains("0x") {
                    vec!["flash_write_bytes at flash.c:148".to_owned()]
                } else {
                    Vec::new()
                },
            })
            .collect();
        let n = lines.iter().filter(|line| !line.answers.is_empty()).count() as u64;
        self.answer(
            || Symbolized {
                lines,
                n_addresses: n,
                n_found: n,
                text: "pc 0x08000530 flash_write_bytes at flash.c:148".to_owned(),
            },
            Symbolized::default,
        )
    }

    fn find(&self, text: &str) -> Answer<Vec<Found>> {
        let all = [
            ("`prv_write_page` wrote 0x2A", FoundTarget::Crash(2)),
            ("sensor-1.4.3.elf", FoundTarget::Build("a1".to_owned())),
        ];
        let found = all
            .into_iter()
            .filter(|(title, _)| title.contains(text))
            .map(|(title, target)| Found {
                title: title.to_owned(),
                detail: "customer-4711.zip".to_owned(),
                target,
            })
            .collect();
        self.answer(|| found, Vec::new)
    }

    fn jobs(&self) -> Vec<JobView> {
        self.jobs.clone()
    }

    fn is_busy(&self) -> bool {
        self.mode == Mode::Loading
    }

    fn send(&self, request: Request) {
        self.sent.borrow_mut().push(request);
    }
}
