//! What the tests of this folder share: a fresh workspace and captures to put into it.

use crate::{
    model::{
        addr::TargetAddr,
        arch::Arch,
        build_id::BuildId,
        report::{
            BACKTRACE_SCHEMA, CrashReport, Fault, FaultKind, Fingerprint, Frame, FrameTrust,
            Thread, ThreadState,
        },
        warning::Warning,
    },
    store::{
        capture::{
            Boot, Content, FileKind, FileStatus, Finding, FindingKind, NewCapture, NewFile,
            Software,
        },
        crash::{CrashSource, NewCrash},
        devices::NewDevice,
        open::{OpenOptions, Store},
        sha256::Sha256,
        symbol_files::{NewCaptureSymbols, SymbolFacts},
    },
};
use std::collections::BTreeMap;
use tempfile::TempDir;

pub(super) const NOW: &str = "2026-01-01T00:00:00Z";
pub(super) const BUILD: &str = "56e24a716eeb9f842b28f2dcd2335ff722554247";

pub(super) fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.fieldscope");
    let store = Store::open(&path, &OpenOptions::new(NOW)).unwrap();
    (folder, store)
}

/// Bytes that do not compress.
pub(super) fn noise(n_bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(n_bytes + 8);
    while bytes.len() < n_bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(n_bytes);
    bytes
}

pub(super) fn capture<'a>(name: &str, files: &[(&str, &'a [u8])]) -> NewCapture<'a> {
    NewCapture {
        name: name.to_owned(),
        origin: format!("/drop/{name}"),
        imported_at: NOW.to_owned(),
        files: files
            .iter()
            .map(|(path, bytes)| NewFile {
                path: (*path).to_owned(),
                content: Content::Kept(bytes),
                kind: FileKind::Other,
                format: "unknown".to_owned(),
                n_lines: None,
                status: FileStatus::NotUnderstood,
                modified_ns: None,
            })
            .collect(),
        ..NewCapture::default()
    }
}

pub(super) fn fingerprint(version: u32, key: &str) -> Option<Fingerprint> {
    (version > 0).then(|| Fingerprint {
        version,
        key: key.to_owned(),
        rule: "fault kind + frames".to_owned(),
        frames_used: vec!["poke".to_owned()],
        frames_ignored: Vec::new(),
    })
}

fn frame(pc: u64, function: &str) -> Frame {
    Frame {
        pc: TargetAddr(pc),
        sp: None,
        function: Some(function.to_owned()),
        qualified: None,
        file: None,
        line: None,
        column: None,
        inlined: false,
        tail_call: false,
        fault_handler: false,
        trust: FrameTrust::Context,
        interrupted: None,
        locals: Vec::new(),
    }
}

/// A crash that waits for symbols.
pub(super) fn crash(build_id: Option<&str>, dump_key: Option<&str>) -> NewCrash {
    NewCrash {
        report: CrashReport {
            schema: BACKTRACE_SCHEMA.to_owned(),
            crash_index: 0,
            n_crashes: 1,
            arch: Arch::ArmV7M,
            build_id: build_id.map(|id| BuildId::from_hex(id).unwrap()),
            elf_build_id: None,
            verified: false,
            fault: Some(Fault {
                kind: FaultKind::BusFault,
                address: Some(TargetAddr(0xf000_0000)),
                summary: "`poke` wrote 13 to 0xF0000000, where nothing is".to_owned(),
                advice: None,
                registers: BTreeMap::new(),
                bits: Vec::new(),
                instruction: None,
                evidence: Vec::new(),
            }),
            fingerprint: fingerprint(1, "k1"),
            threads: vec![Thread {
                name: Some("cmd".to_owned()),
                id: None,
                state: ThreadState::Running,
                priority: None,
                waits_on: None,
                crashed: true,
                stack_base: None,
                stack_size: None,
                stack_used: None,
                stack_unused_min: None,
                frames: vec![
                    frame(0xffff_ffff_8000_1234, "poke"),
                    frame(0x0800_0200, "usart_send"),
                ],
                stopped: None,
            }],
            warnings: vec![Warning::at("FS-CORE-003", 17, "cut off")],
            registers: Vec::new(),
            sources: vec!["elf-core".to_owned()],
            ..CrashReport::blank(Arch::ArmV7M)
        },
        symbolized: false,
        boot: Some(1),
        dump_key: dump_key.map(str::to_owned),
        sources: vec![CrashSource {
            path: "a.core".to_owned(),
            format: "elf-core".to_owned(),
            offset: 0,
            length: 4,
        }],
        device: NewDevice::default(),
        software: Software::default(),
        started_at: None,
    }
}

/// A capture with something in every table.
pub(super) fn full_capture() -> NewCapture<'static> {
    let mut new = capture(
        "full.zip",
        &[("uart.log", b"boot\ncrash\n"), ("a.core", b"core")],
    );
    new.files[0].kind = FileKind::Log;
    new.files[0].n_lines = Some(2);
    new.files[0].status = FileStatus::Understood;
    new.files[0].modified_ns = Some(1_767_222_000_000_000_000);
    new.files[1].kind = FileKind::Coredump;
    new.files.push(NewFile {
        path: "big.parquet".to_owned(),
        content: Content::NamedOnly {
            sha256: Sha256::of(b"elsewhere"),
            size: 1 << 40,
        },
        kind: FileKind::Heartbeats,
        format: "parquet".to_owned(),
        n_lines: None,
        status: FileStatus::Partly,
        modified_ns: None,
    });
    new.captured_at = Some("2025-12-31T23:00:00Z".to_owned());
    new.device = NewDevice {
        serial: Some("SN-1".to_owned()),
        hardware: Some("rev B".to_owned()),
    };
    new.software = Software {
        software_type: Some("main".to_owned()),
        version: Some("1.2.0".to_owned()),
        build_id: BuildId::from_hex(BUILD),
    };
    new.manifest = Some("{\"unknown\": 1}".to_owned());
    new.findings = [FindingKind::Refused, FindingKind::Found]
        .into_iter()
        .map(|kind| Finding {
            path: "uart.log".to_owned(),
            kind,
            offset: Some(5),
            length: None,
            code: Some("FS-LOG-001".to_owned()),
            message: "a line".to_owned(),
        })
        .collect();
    new.boots = [Some("1.1.0"), None]
        .into_iter()
        .map(|version| Boot {
            path: "uart.log".to_owned(),
            offset: 0,
            build_id: version.is_none().then(|| BuildId::from_hex(BUILD).unwrap()),
            version: version.map(str::to_owned),
            reset_reason: Some("watchdog".to_owned()),
            text: "boot".to_owned(),
        })
        .collect();
    let mut without = crash(None, None);
    without.report.fault = None;
    without.report.fingerprint = None;
    without.report.threads.clear();
    new.crashes = vec![crash(Some(BUILD), Some("dump 1")), without];
    new.symbol_files = vec![NewCaptureSymbols {
        path: "a.core".to_owned(),
        facts: SymbolFacts {
            build_id: BuildId::from_hex("cafe0001").unwrap(),
            arch: Arch::ArmV7M,
            quality: "full".to_owned(),
            size: 4,
        },
    }];
    new
}
