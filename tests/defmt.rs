//! defmt, whole: streams of our firmware held against what defmt-print says of them (`tests/fixtures/defmt/run.sh`).
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use fieldscope::formats::log::defmt::DefmtTable;
use fieldscope::formats::log::dictionaries::LogDictionaries;
use fieldscope::formats::log::{LogFormat, by_id, detect};
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
