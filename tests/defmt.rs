//! defmt, whole: streams of our firmware held against what defmt-print says of them (`tests/fixtures/defmt/run.sh`).
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use fieldscope::formats::log::defmt::DefmtTable;
use fieldscope::formats::log::dictionaries::LogDictionaries;
use fieldscope::formats::log::{LogFormat, RowLen, by_id, detect};
use fieldscope::model::log::{LogRecord, RowKind};
use fieldscope::symbols::log_parts::log_parts;
use fieldscope::symbols::symbol_file::SymbolFile;
use std::sync::Arc;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/defmt/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn dictionaries(elf: &str) -> LogDictionaries {
    let elf = SymbolFile::parse(elf, fixture(elf)).unwrap();
    let table = DefmtTable::from_elf(&log_parts(&elf)).unwrap();
    assert!(table.n_messages() > 5);
    LogDictionaries {
        defmt: Some(Arc::new(table)),
        ..LogDictionaries::default()
    }
}

/// Every row that says something.
fn records(
    format: &dyn LogFormat,
    stream: &[u8],
    dictionaries: &LogDictionaries,
) -> Vec<LogRecord> {
    let mut records = Vec::new();
    for row in stream.split_inclusive(|byte| *byte == 0) {
        let mut record = LogRecord::default();
        format.decode(row, dictionaries, &mut record);
        if record.kind != RowKind::Data {
            records.push(record);
        }
    }
    records
}

/// As defmt-print writes a record.
fn printed(record: &LogRecord) -> String {
    let Some(level) = record.level else {
        return record.message.clone();
    };
    let micros = record.uptime_ns.unwrap() / 1000;
    let level = level.name().to_uppercase();
    format!(
        "{}.{:06} {level:<5} {}",
        micros / 1_000_000,
        micros % 1_000_000,
        record.message
    )
}

#[test]
fn a_stream_says_what_defmt_print_says() {
    let dictionaries = dictionaries("defmt-fw.elf");
    let stream = fixture("defmt.bin");
    let format = detect(&stream, "defmt.bin", &dictionaries);
    assert_eq!(format.id(), "defmt-rzcobs");
    let said: Vec<String> = records(format, &stream, &dictionaries)
        .iter()
        .map(printed)
        .collect();
    let expected = String::from_utf8(fixture("defmt.txt")).unwrap();
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(said, expected);
}

/// As `defmt-print --log-format '{t}|{L}|{m}|{F}:{l}|{s}'` writes a record (it pads levels to 5 and lines to 4 columns).
fn printed_with_place(record: &LogRecord) -> String {
    let Some(level) = record.level else {
        return record.message.clone();
    };
    let micros = record.uptime_ns.unwrap() / 1000;
    format!(
        "{}.{:06}|{:<5}|{}|{}:{:<4}|{}",
        micros / 1_000_000,
        micros % 1_000_000,
        level.name().to_uppercase(),
        record.module,
        record.source_file,
        record.source_line.unwrap(),
        record.message
    )
}

/// Rows of a stream without delimiters.
fn measured(
    format: &dyn LogFormat,
    stream: &[u8],
    dictionaries: &LogDictionaries,
) -> Vec<LogRecord> {
    let mut records = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let len = match format.row_len(rest, dictionaries) {
            RowLen::Bytes(len) => len.min(rest.len()),
            RowLen::NeedMore => rest.len(),
        };
        assert!(len > 0);
        let mut record = LogRecord::default();
        format.decode(&rest[..len], dictionaries, &mut record);
        records.push(record);
        rest = &rest[len..];
    }
    records
}

#[test]
fn every_type_and_hint_says_what_defmt_print_says() {
    for encoding in ["rzcobs", "raw"] {
        let dictionaries = dictionaries(&format!("cistern-{encoding}.elf"));
        let stream = fixture(&format!("cistern-{encoding}.bin"));
        let format = detect(&stream, "capture", &dictionaries);
        assert_eq!(format.id(), format!("defmt-{encoding}"));
        let found = if encoding == "raw" {
            measured(format, &stream, &dictionaries)
        } else {
            records(format, &stream, &dictionaries)
        };
        let said: Vec<String> = found.iter().map(printed_with_place).collect();
        // Here files are named as the compiler was given them; defmt-print puts the folder of compilation in front.
        let expected = String::from_utf8(fixture(&format!("cistern-{encoding}.txt"))).unwrap();
        let expected = expected.replace("|/firmware/", "|");
        let expected: Vec<&str> = expected.lines().collect();
        for (said, expected) in said.iter().zip(&expected) {
            assert_eq!(said, expected, "{encoding}");
        }
        assert_eq!(said.len(), expected.len(), "{encoding}");
        assert!(said.len() > 60);
    }
}

#[test]
fn a_raw_stream_that_lost_bytes_is_read_on_behind_them() {
    let dictionaries = dictionaries("cistern-raw.elf");
    let stream = fixture("cistern-raw.bin");
    let format = by_id("defmt-raw").unwrap();
    let sound = measured(format, &stream, &dictionaries);
    for lost in [1..2, 200..201, 700..731] {
        let mut broken = stream.clone();
        broken.drain(lost.clone());
        let found = measured(format, &broken, &dictionaries);
        let n_equal = found.iter().filter(|record| sound.contains(record)).count();
        assert!(
            n_equal + 8 > sound.len(),
            "{lost:?}: {n_equal} of {}",
            sound.len()
        );
    }
}

#[test]
fn a_flipped_bit_costs_one_row_and_nothing_panics() {
    let dictionaries = dictionaries("defmt-fw.elf");
    let stream = fixture("defmt.bin");
    let format = by_id("defmt-rzcobs").unwrap();
    let sound = records(format, &stream, &dictionaries);
    let raw = by_id("defmt-raw").unwrap();
    for at in 0..stream.len() {
        for bit in 0..8 {
            let mut broken = stream.clone();
            broken[at] ^= 1 << bit;
            let found = records(format, &broken, &dictionaries);
            let n_equal = found.iter().filter(|record| sound.contains(record)).count();
            // A changed delimiter joins two frames or splits one.
            assert!(
                n_equal + 2 >= sound.len(),
                "byte {at} bit {bit}: {n_equal} of {}",
                sound.len()
            );
            let mut record = LogRecord::default();
            raw.decode(&broken[at..], &dictionaries, &mut record);
            _ = raw.row_len(&broken[at..], &dictionaries);
        }
    }
}

#[test]
fn without_the_elf_every_frame_is_shown_with_what_it_needs() {
    let stream = fixture("defmt.bin");
    let none = LogDictionaries::default();
    let format = detect(&stream, "capture.bin", &none);
    assert_eq!(format.id(), "defmt-rzcobs");
    let found = records(format, &stream, &none);
    assert!(
        found
            .iter()
            .all(|record| record.kind == RowKind::Undecoded && record.reason.contains("ELF"))
    );
    assert_eq!(
        found.len(),
        records(format, &stream, &dictionaries("defmt-fw.elf")).len()
    );
}
