//! ESP-IDF's binary log, whole: streams of an application and a boot loader held against what Espressif's monitor prints of them, and
//! against what the C library makes of the same statements (`scripts/make-esp-binary-log-fixtures`).
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::logs::dictionaries::from_elfs;
use fieldscope::engine::logs::session::LogSession;
use fieldscope::formats::log::dictionaries::LogDictionaries;
use fieldscope::formats::log::{LogFormat, RowLen, by_id, detect};
use fieldscope::model::log::{LogLevel, LogRecord, RowKind};
use fieldscope::model::progress::Unattended;
use fieldscope::symbols::symbol_file::SymbolFile;
use std::sync::Arc;
use std::time::Instant;

fn fixture(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::read(format!("{root}/tests/fixtures/esp-binary-log/{name}")).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

fn dictionaries(elfs: &[&str]) -> LogDictionaries {
    let elfs: Vec<Arc<SymbolFile>> = elfs
        .iter()
        .map(|name| Arc::new(SymbolFile::parse(*name, fixture(name)).unwrap()))
        .collect();
    let found = from_elfs(&elfs);
    assert_eq!(found.sources.len(), elfs.len());
    found
}

fn both() -> LogDictionaries {
    dictionaries(&["app.elf", "bootloader.elf"])
}

fn esp() -> &'static dyn LogFormat {
    by_id("esp-binary").unwrap()
}

fn rows<'b>(stream: &'b [u8], with: &LogDictionaries) -> Vec<&'b [u8]> {
    let mut rows = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let len = match esp().row_len(rest, with) {
            RowLen::Bytes(len) => len.min(rest.len()),
            RowLen::NeedMore => rest.len(),
        };
        assert!(len > 0);
        rows.push(&rest[..len]);
        rest = &rest[len..];
    }
    rows
}

fn records(stream: &[u8], with: &LogDictionaries) -> Vec<LogRecord> {
    let decoded = rows(stream, with).into_iter().map(|row| {
        let mut record = LogRecord::default();
        esp().decode(row, with, &mut record);
        record
    });
    decoded.collect()
}

/// As the monitor prints a frame.
fn printed(record: &LogRecord) -> String {
    assert_eq!(record.kind, RowKind::Record, "{record:?}");
    let level = match record.level.unwrap() {
        LogLevel::Error => 'E',
        LogLevel::Warn => 'W',
        LogLevel::Info => 'I',
        LogLevel::Debug => 'D',
        LogLevel::Trace => 'V',
        LogLevel::Fatal => panic!("{record:?}"),
    };
    let nanos = record
        .uptime_ns
        .or(record.time_ns.map(|ns| ns.try_into().unwrap()));
    let head = format!(
        "{level} ({}) {}: ",
        nanos.unwrap() / 1_000_000,
        record.module
    );
    let lines = record.message.lines().map(|line| format!("{head}{line}\n"));
    lines.collect()
}

#[test]
fn a_stream_says_what_the_monitor_says() {
    let with = both();
    for part in ["plain", "buffers", "boot"] {
        let stream = fixture(&format!("{part}.bin"));
        assert_eq!(
            detect(&stream, "capture", &with).id(),
            "esp-binary",
            "{part}"
        );
        let said: String = records(&stream, &with).iter().map(printed).collect();
        let expected = text(&format!("{part}.monitor.txt"));
        for (said, expected) in said.lines().zip(expected.lines()) {
            assert_eq!(said, expected);
        }
        assert!(said == expected, "{part}: more or fewer lines");
    }
}

#[test]
fn every_type_of_argument_says_what_printf_says() {
    let with = both();
    for part in ["plain", "wide", "boot"] {
        let said: String = records(&fixture(&format!("{part}.bin")), &with)
            .iter()
            .map(printed)
            .collect();
        let expected = text(&format!("expected.{part}.txt"));
        for (said, expected) in said.lines().zip(expected.lines()) {
            assert_eq!(said, expected);
        }
        assert!(said == expected, "{part}: more or fewer lines");
    }
}

/// Text of the ROM and of a panic is text, with its boots; each program's frames say what they say with its own ELF.
#[test]
fn a_console_with_text_and_two_programs_is_read_in_its_order() {
    let stream = fixture("console.bin");
    let with = both();
    assert_eq!(detect(&stream, "console.log", &with).id(), "esp-binary");
    let found = records(&stream, &with);
    let (frames, lines): (Vec<&LogRecord>, Vec<&LogRecord>) = found
        .iter()
        .partition(|record| record.template.is_some() || record.message == "made at run time: 77");
    let said: String = frames.into_iter().map(printed).collect();
    assert_eq!(said, text("console.monitor.txt"));
    let lines: Vec<&str> = lines.iter().map(|record| record.message.as_str()).collect();
    for (line, expected) in lines.iter().zip(text("console.text").lines()) {
        assert!(expected.ends_with(line), "{line} of {expected}");
    }
    assert_eq!(lines.len(), text("console.text").lines().count());
    let session = LogSession::open("console.log", stream.into(), with, Vec::new(), &Unattended);
    assert_eq!(session.unwrap().summary().boots.len(), 1);
}

#[test]
fn without_its_elf_every_frame_is_a_row_that_says_what_it_needs() {
    let stream = fixture("console.bin");
    let n_rows = rows(&stream, &both()).len();
    for (elfs, n_waiting, needed) in [
        (&[][..], None, "ELF of the application"),
        (&["app.elf"][..], Some(8), "bootloader.elf"),
        (&["bootloader.elf"][..], None, "ELF of the application"),
    ] {
        let with = dictionaries(elfs);
        assert_eq!(detect(&stream, "capture", &with).id(), "esp-binary");
        let found = records(&stream, &with);
        assert_eq!(found.len(), n_rows);
        let waiting: Vec<&LogRecord> = found
            .iter()
            .filter(|record| record.kind == RowKind::Undecoded)
            .collect();
        assert!(
            waiting.iter().any(|record| record.reason.contains(needed)),
            "{elfs:?}"
        );
        assert!(waiting.iter().all(|record| record.message.starts_with("0")));
        assert!(
            n_waiting.is_none_or(|n| n == waiting.len()),
            "{}",
            waiting.len()
        );
    }
}

/// Of another build the addresses are elsewhere, or name other strings.
#[test]
fn the_elf_of_another_build_is_named() {
    let elf = SymbolFile::parse("other.elf", shifted(fixture("app.elf"))).unwrap();
    let other = from_elfs(&[Arc::new(elf)]);
    let found = records(&fixture("plain.bin"), &other);
    let n_named = found
        .iter()
        .filter(|record| record.kind == RowKind::Undecoded && record.reason.contains("other.elf"))
        .count();
    assert!(n_named * 2 > found.len(), "{n_named} of {}", found.len());
}

/// An ELF whose `.noload` begins 256 bytes further on: its strings are at other addresses.
fn shifted(mut elf: Vec<u8>) -> Vec<u8> {
    let word = |elf: &[u8], at: usize| {
        usize::try_from(u32::from_le_bytes(elf[at..at + 4].try_into().unwrap())).unwrap()
    };
    let (table, n) = (word(&elf, 32), usize::from(elf[48]));
    let names = word(&elf, table + usize::from(elf[50]) * 40 + 16);
    let header = (0..n).map(|i| table + i * 40).find(|at| {
        let name = names + word(&elf, *at);
        elf[name..].starts_with(b".noload\0")
    });
    let header = header.unwrap();
    let offset = word(&elf, header + 16) + 256;
    let size = word(&elf, header + 20) - 256;
    elf[header + 16..header + 20].copy_from_slice(&u32::try_from(offset).unwrap().to_le_bytes());
    elf[header + 20..header + 24].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
    elf
}

#[test]
fn damage_costs_the_rows_that_it_is_in() {
    let with = both();
    let stream = fixture("console.bin");
    let sound = records(&stream, &with);
    let check = |broken: &[u8], what: &str| {
        assert_eq!(
            rows(broken, &with)
                .iter()
                .map(|row| row.len())
                .sum::<usize>(),
            broken.len()
        );
        let found = records(broken, &with);
        let n = sound.iter().filter(|record| found.contains(record)).count();
        assert!(n + 2 >= sound.len(), "{what}: {n} of {}", sound.len());
        // What could not be decoded shows its bytes and says why.
        for record in found
            .iter()
            .filter(|record| record.kind == RowKind::Undecoded)
        {
            assert!(
                !record.message.is_empty() && !record.reason.is_empty(),
                "{what}"
            );
        }
    };
    for at in 0..stream.len() {
        let cut = records(&stream[..at], &with);
        let n = cut.iter().filter(|record| sound.contains(record)).count();
        assert!(n + 1 >= cut.len(), "cut at {at}");
        let mut lost = stream.clone();
        lost.remove(at);
        check(&lost, &format!("byte {at} lost"));
        for bit in [at % 8, (at + 3) % 8] {
            let mut broken = stream.clone();
            broken[at] ^= 1 << bit;
            check(&broken, &format!("byte {at} bit {bit}"));
        }
    }
}

#[test]
fn a_frame_that_is_cut_off_waits_for_the_rest_but_not_for_text() {
    let with = both();
    let stream = fixture("plain.bin");
    let first = rows(&stream, &with)[0];
    for at in 1..first.len() {
        assert_eq!(esp().row_len(&first[..at], &with), RowLen::NeedMore, "{at}");
        let panic = [&first[..at], b"Guru Meditation Error: Core  0 panic'ed\r\n"].concat();
        let found = records(&panic, &with);
        let last = found.last().unwrap();
        assert!(
            last.message.contains("Guru Meditation Error: Core  0"),
            "{at}: {found:?}"
        );
    }
}

#[test]
fn text_without_frames_is_no_binary_log() {
    let with = both();
    for log in [
        &b"I (27) boot: ESP-IDF v5.5\r\nI (30) boot: chip\r\n"[..],
        b"\x01\x02\x01\x02\x01\x02",
        b"",
    ] {
        assert_eq!(detect(log, "x.log", &with).id(), "text");
    }
}

/// What looks like the beginning of a frame everywhere is read in time that grows with its length only.
#[test]
fn an_input_that_was_made_to_cost_time_costs_little() {
    let with = both();
    for input in [
        &[2, 7, 0xFF][..],
        &[2],
        &[1, 7, 0xFF, b'\n'],
        &[2, 4, 16, 0xFF, 0xFC],
        &[b'a', 2, 7, 0xFF],
    ] {
        let bytes = input.repeat((64 << 10) / input.len());
        let started = Instant::now();
        _ = detect(&bytes, "capture", &with);
        assert!(!rows(&bytes, &with).is_empty());
        assert!(
            started.elapsed().as_secs() < 20,
            "{input:?}: {:?}",
            started.elapsed()
        );
    }
}
