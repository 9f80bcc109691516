//! Zephyr's dictionary logging, whole: streams of three processors held against what Zephyr's own parser prints of them, and against
//! what the C library makes of the same statements (`scripts/make-zephyr-log-fixtures`).
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::logs::dictionaries::{add_database, from_elfs};
use fieldscope::formats::log::dictionaries::LogDictionaries;
use fieldscope::formats::log::zephyr::ZephyrDatabase;
use fieldscope::formats::log::{LogFormat, RowLen, by_id, detect};
use fieldscope::model::log::{LogLevel, LogRecord, RowKind};
use fieldscope::symbols::symbol_file::SymbolFile;
use std::path::Path;
use std::sync::Arc;

/// Streams, and the databases that each can be decoded with.
const BUILDS: [(&str, &[&str]); 5] = [
    ("arm", &["arm.json", "arm.elf"]),
    (
        "arm-v1",
        &["arm-v1.v1.json", "arm-v1.v2.json", "arm-v1.elf"],
    ),
    ("armeb", &["armeb.json", "armeb.elf"]),
    (
        "armeb-v1",
        &["armeb-v1.v1.json", "armeb-v1.v2.json", "armeb-v1.elf"],
    ),
    ("riscv64", &["riscv64.json", "riscv64.elf"]),
];

fn fixture(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::read(format!("{root}/tests/fixtures/zephyr-dictionary/{name}")).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

fn dictionaries(name: &str) -> LogDictionaries {
    if Path::new(name)
        .extension()
        .is_some_and(|ending| ending == "elf")
    {
        let found = from_elfs(&[Arc::new(SymbolFile::parse(name, fixture(name)).unwrap())]);
        assert!(found.zephyr.is_some(), "{name}");
        return found;
    }
    let mut found = LogDictionaries::default();
    assert!(add_database(&mut found, name, &fixture(name)), "{name}");
    found
}

fn rows<'b>(format: &dyn LogFormat, stream: &'b [u8], with: &LogDictionaries) -> Vec<&'b [u8]> {
    let mut rows = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let len = match format.row_len(rest, with) {
            RowLen::Bytes(len) => len.min(rest.len()),
            RowLen::NeedMore => rest.len(),
        };
        assert!(len > 0);
        rows.push(&rest[..len]);
        rest = &rest[len..];
    }
    rows
}

fn records(format: &dyn LogFormat, stream: &[u8], with: &LogDictionaries) -> Vec<LogRecord> {
    let decoded = rows(format, stream, with).into_iter().map(|row| {
        let mut record = LogRecord::default();
        format.decode(row, with, &mut record);
        record
    });
    decoded.collect()
}

/// The time stamp as the device counted it.
fn stamp(record: &LogRecord, build: &str) -> u64 {
    let Some(uptime) = record.uptime_ns else {
        return record.stamp.parse().unwrap();
    };
    // Milliseconds of a fast clock, cycles of a slow one, ticks where they have 64 bits.
    let hertz = match build {
        "riscv64" => 100,
        "armeb" | "armeb-v1" => 32_768,
        _ => 1000,
    };
    let stamp = u128::from(uptime) * hertz + 999_999_999;
    u64::try_from(stamp / 1_000_000_000).unwrap()
}

fn level(record: &LogRecord) -> &'static str {
    match record.level {
        None => "none",
        Some(LogLevel::Error) => "err",
        Some(LogLevel::Warn) => "wrn",
        Some(LogLevel::Info) => "inf",
        Some(LogLevel::Debug) => "dbg",
        Some(other) => panic!("{other:?}"),
    }
}

/// As Zephyr's parser prints a record.
fn as_zephyr(record: &LogRecord, build: &str) -> String {
    assert_ne!(record.kind, RowKind::Undecoded, "{record:?}");
    if let Some(n) = record.n_dropped {
        return format!("--- {n} messages dropped ---\n");
    }
    if record.level.is_none() {
        return format!("{}\n", record.message);
    }
    let head = format!(
        "[{:>10}] <{}> {}: ",
        stamp(record, build),
        level(record),
        record.module
    );
    let mut printed = String::new();
    for (n, line) in record.message.lines().enumerate() {
        let before = if n == 0 {
            head.clone()
        } else {
            " ".repeat(head.len())
        };
        printed += &format!("{before}{line}\n");
    }
    printed
}

/// As the program for the machine at hand prints a record.
fn as_printf(record: &LogRecord, build: &str) -> String {
    assert_ne!(record.kind, RowKind::Undecoded, "{record:?}");
    if let Some(n) = record.n_dropped {
        return format!("dropped {n}");
    }
    let mut lines = record.message.lines();
    let mut printed = format!(
        "{}|{}|{}|{}",
        stamp(record, build),
        level(record),
        record.module,
        lines.next().unwrap()
    );
    let bytes: Vec<&str> = lines
        .flat_map(|line| line.split('|').next().unwrap().split_whitespace())
        .collect();
    if !bytes.is_empty() {
        printed += &format!("|{}", bytes.join(" "));
    }
    printed
}

#[test]
fn a_stream_says_what_zephyrs_parser_says() {
    for (build, databases) in BUILDS {
        if build == "armeb-v1" {
            // Zephyr's parser takes its bit fields from the wrong end.
            continue;
        }
        let stream = fixture(&format!("{build}.plain.bin"));
        // Its version 1 prints a count as a tuple.
        let expected = text(&format!("{build}.plain.zephyr.txt"))
            .replace("(12,)", "12")
            .replace("(1,)", "1");
        assert!(expected.lines().count() > 50);
        for database in databases {
            let with = dictionaries(database);
            let format = detect(&stream, "capture", &with);
            assert_eq!(format.id(), "zephyr-dict", "{database}");
            let said: String = records(format, &stream, &with)
                .iter()
                .map(|record| as_zephyr(record, build))
                .collect();
            for (said, expected) in said.lines().zip(expected.lines()) {
                assert_eq!(said, expected, "{database}");
            }
            assert!(said == expected, "{database}: more or fewer lines");
        }
    }
}

#[test]
fn every_type_of_argument_says_what_printf_says() {
    for (build, databases) in BUILDS {
        for part in ["plain", "wide"] {
            let stream = fixture(&format!("{build}.{part}.bin"));
            let expected = text(&format!("expected.{part}.txt"));
            for database in databases {
                let with = dictionaries(database);
                let format = detect(&stream, "capture", &with);
                let said: Vec<String> = records(format, &stream, &with)
                    .iter()
                    .map(|record| as_printf(record, build))
                    .collect();
                for (said, expected) in said.iter().zip(expected.lines()) {
                    assert_eq!(said, expected, "{database}");
                }
                assert_eq!(said.len(), expected.lines().count(), "{database} {part}");
            }
        }
    }
}

#[test]
fn the_stream_in_hex_says_the_same_behind_its_mark() {
    let with = dictionaries("arm.json");
    let stream = fixture("arm.plain.hex");
    let format = detect(&stream, "console.log", &with);
    assert_eq!(format.id(), "zephyr-dict-hex");
    let found = records(format, &stream, &with);
    let binary = by_id("zephyr-dict").unwrap();
    let expected = records(binary, &fixture("arm.plain.bin"), &with);
    assert_eq!(found[0].message, "*** Booting MCUboot v2.1.0 ***");
    assert_eq!(found[2].kind, RowKind::Data);
    assert_eq!(found[3..], expected);
    // A terminal may have put line ends in, and other programs may have written behind it.
    let mut wrapped = Vec::new();
    for piece in stream.chunks(61) {
        wrapped.extend_from_slice(piece);
        wrapped.extend_from_slice(b"\r\n");
    }
    wrapped.extend_from_slice(b"QEMU: Terminated\n");
    let found = records(format, &wrapped, &with);
    let messages = |found: &[LogRecord]| -> Vec<LogRecord> {
        let messages = found.iter().filter(|record| record.template.is_some());
        messages.cloned().collect()
    };
    assert_eq!(messages(&found), messages(&expected));
    assert_eq!(found.last().unwrap().message, "QEMU: Terminated");
}

#[test]
fn the_elf_completes_a_database_of_the_same_build_with_times() {
    let mut with = dictionaries("armeb.elf");
    assert!(add_database(
        &mut with,
        "armeb.json",
        &fixture("armeb.json")
    ));
    let stream = fixture("armeb.plain.bin");
    let found = records(by_id("zephyr-dict").unwrap(), &stream, &with);
    // 137 cycles of 32768 Hz
    assert_eq!(found[0].uptime_ns, Some(4_180_908));
    assert_eq!(found[0].message, "*** Booting Zephyr OS build v4.0.0 ***");
    let without = records(
        by_id("zephyr-dict").unwrap(),
        &stream,
        &dictionaries("armeb.json"),
    );
    assert_eq!(
        (without[0].uptime_ns, without[0].stamp.as_str()),
        (None, "137")
    );
    // An ELF of another processor says nothing of it.
    let mut other = dictionaries("riscv64.elf");
    assert!(add_database(
        &mut other,
        "armeb.json",
        &fixture("armeb.json")
    ));
    assert_eq!(
        records(by_id("zephyr-dict").unwrap(), &stream, &other),
        without
    );
}

#[test]
fn without_a_database_every_message_is_a_row_that_says_what_it_needs() {
    let none = LogDictionaries::default();
    for (build, databases) in BUILDS {
        let stream = fixture(&format!("{build}.plain.bin"));
        let format = detect(&stream, "capture.bin", &none);
        assert_eq!(format.id(), "zephyr-dict", "{build}");
        let found = records(format, &stream, &none);
        let known = records(format, &stream, &dictionaries(databases[0]));
        assert_eq!(found.len(), known.len(), "{build}");
        for (found, known) in found.iter().zip(&known) {
            match known.kind {
                RowKind::Dropped => assert_eq!(found, known),
                _ => assert!(
                    found.kind == RowKind::Undecoded
                        && found.reason.contains("log_dictionary.json"),
                    "{found:?}"
                ),
            }
        }
    }
}

#[test]
fn the_database_of_another_build_is_named() {
    let database = text("arm.json")
        .replace("\"1057", "\"2057")
        .replace("\"1056", "\"2056")
        .replace("\"1054", "\"2054");
    assert_ne!(database, text("arm.json"));
    let mut with = LogDictionaries::default();
    assert!(add_database(&mut with, "other.json", database.as_bytes()));
    let stream = fixture("arm.plain.bin");
    let format = detect(&stream, "capture.bin", &with);
    assert_eq!(format.id(), "zephyr-dict");
    let found = records(format, &stream, &with);
    assert_eq!(
        found.len(),
        records(format, &stream, &dictionaries("arm.json")).len()
    );
    let is_named = |record: &&LogRecord| {
        record.kind == RowKind::Undecoded && record.reason.contains("v4.0.0-arm")
    };
    let n_named = found.iter().filter(is_named).count();
    assert!(n_named + 2 >= found.len(), "{n_named} of {}", found.len());
}

#[test]
fn text_between_messages_stays_text() {
    let with = dictionaries("arm.json");
    let format = by_id("zephyr-dict").unwrap();
    let stream = fixture("arm.plain.bin");
    let sound = records(format, &stream, &with);
    let first = rows(format, &stream, &with)[0].len();
    let boot = b"ROM boot 1.2\r\nsecond line\r\n";
    let mixed = [
        boot,
        &stream[..first],
        b"panic in between\n",
        &stream[first..],
    ]
    .concat();
    assert_eq!(detect(&mixed, "capture", &with).id(), "zephyr-dict");
    let found = records(format, &mixed, &with);
    assert_eq!(
        (found[0].message.as_str(), found[1].message.as_str()),
        ("ROM boot 1.2", "second line")
    );
    assert_eq!(found[2], sound[0]);
    assert_eq!(found[3].message, "panic in between");
    assert_eq!(found[4..], sound[1..]);
}

#[test]
fn damage_costs_the_rows_that_it_is_in() {
    for (build, database) in [
        ("arm", "arm.json"),
        ("arm-v1", "arm-v1.elf"),
        ("riscv64", "riscv64.json"),
        ("armeb", "armeb.json"),
    ] {
        let with = dictionaries(database);
        let format = by_id("zephyr-dict").unwrap();
        let stream = fixture(&format!("{build}.plain.bin"));
        let sound = records(format, &stream, &with);
        let n_equal =
            |found: &[LogRecord]| sound.iter().filter(|record| found.contains(record)).count();
        // Every byte of one, some of the others: they differ in the layout only.
        let step = if build == "arm" { 1 } else { 3 };
        for at in (0..stream.len()).step_by(step) {
            let found = records(format, &stream[..at], &with);
            assert!(found.len() <= sound.len());
            let mut lost = stream.clone();
            lost.remove(at);
            let found = records(format, &lost, &with);
            assert!(
                n_equal(&found) + 2 >= sound.len(),
                "{build}: byte {at} lost: {} of {}",
                n_equal(&found),
                sound.len()
            );
            for bit in [at % 8, (at + 3) % 8] {
                let mut broken = stream.clone();
                broken[at] ^= 1 << bit;
                let found = records(format, &broken, &with);
                assert!(
                    n_equal(&found) + 2 >= sound.len(),
                    "{build}: byte {at} bit {bit}: {} of {}",
                    n_equal(&found),
                    sound.len()
                );
            }
        }
    }
}

#[test]
fn damaged_hex_and_streams_without_a_database_are_read_to_the_end() {
    let with = dictionaries("arm.json");
    let none = LogDictionaries::default();
    let stream = fixture("arm.plain.hex");
    let hex = by_id("zephyr-dict-hex").unwrap();
    let n_sound = records(hex, &stream, &with).len();
    for at in (0..stream.len()).step_by(3) {
        let mut lost = stream.clone();
        lost.remove(at);
        let found = records(hex, &lost, &with);
        let n = found
            .iter()
            .filter(|record| record.kind != RowKind::Undecoded)
            .count();
        assert!(n + 3 >= n_sound, "{at}: {n} of {n_sound}");
        _ = records(hex, &stream[..at], &none);
    }
    let binary = by_id("zephyr-dict").unwrap();
    let stream = fixture("arm.plain.bin");
    for at in 0..stream.len() {
        let mut broken = stream.clone();
        broken[at] ^= 0xFF;
        _ = records(binary, &broken, &none);
        _ = records(binary, &stream[at..], &none);
    }
}

#[test]
fn no_cut_or_changed_database_panics() {
    for name in ["arm.json", "arm-v1.v1.json"] {
        let bytes = fixture(name);
        let stream = fixture("arm.wide.bin");
        let format = by_id("zephyr-dict").unwrap();
        for at in 0..bytes.len() {
            assert!(ZephyrDatabase::parse(&bytes[..at.min(bytes.len() - 2)]).is_none());
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 7);
            let mut with = LogDictionaries::default();
            if add_database(&mut with, name, &changed) {
                _ = records(format, &stream, &with);
            }
        }
    }
}

/// What looks like the beginning of a message everywhere, and is none, is read in time that grows with its length only.
#[test]
fn an_input_that_was_made_to_cost_time_costs_little() {
    let header: &[u8] = &[0, 0x30, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 9, 0, 0, 0];
    let package: &[u8] = &[3, 255, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let small: &[u8] = &[
        0, 0x30, 8, 0, 0xFF, 0, 2, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 1, 1, 1, 1,
    ];
    let old: &[u8] = &[0, 0x18, 2, 0xFF, 0, 2, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0];
    let inputs: [Vec<u8>; 8] = [
        [header, package].concat(),
        [header, package, b"\n"].concat(),
        [header, b"\n", &[1, 1, 0]].concat(),
        small.to_vec(),
        [small, b"\n"].concat(),
        [old, &[0, 1, 0]].concat(),
        vec![0, 0x10],
        vec![1, 1, 0, 0],
    ];
    let some = dictionaries("arm.json");
    let none = LogDictionaries::default();
    for input in &inputs {
        let binary = input.repeat((24 << 10) / input.len());
        let mut hex: String = binary.iter().map(|byte| format!("{byte:02x}")).collect();
        hex.insert_str(0, "##ZLOGV1##");
        let lines = hex.replace("0a", "\n");
        for (id, bytes) in [
            ("zephyr-dict", binary.as_slice()),
            ("zephyr-dict-hex", hex.as_bytes()),
            ("zephyr-dict-hex", lines.as_bytes()),
        ] {
            for with in [&some, &none] {
                let started = std::time::Instant::now();
                _ = detect(bytes, "capture", with);
                let n_rows = rows(by_id(id).unwrap(), bytes, with).len();
                let elapsed = started.elapsed();
                assert!(n_rows > 0);
                assert!(elapsed.as_secs() < 20, "{id} {input:?}: {elapsed:?}");
            }
        }
    }
}
