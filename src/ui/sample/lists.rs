//! Rows of the screens that list things.

use crate::engine::queries::captures::CaptureRow;
use crate::engine::queries::import_report::{ReportFile, ReportFinding};
use crate::engine::queries::overview::Overview;
use crate::engine::queries::source_lines::SourceLines;
use crate::engine::queries::symbol_library::{BuildRow, MissingBuild, SymbolLibraryView};
use crate::engine::queries::symbolize_text::SymbolizedText;
use crate::engine::symbolize::{SYMBOL_SCHEMA, Segment, SymbolFrame, SymbolizedAddress};
use crate::model::addr::TargetAddr;

pub(super) fn capture(id: i64, name: &str) -> CaptureRow {
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

pub(super) fn overview(n: u64) -> Overview {
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

pub(super) fn report_files() -> (Vec<ReportFile>, Vec<ReportFinding>) {
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

pub(super) fn source(file: &str, line: u32) -> SourceLines {
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

pub(super) fn library() -> SymbolLibraryView {
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

pub(super) fn symbolized(text: &str) -> SymbolizedText {
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
