use super::{DefmtRzcobs, DefmtTable};
use crate::formats::log::LogFormat as _;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::model::log::{LogLevel, LogRecord, RowKind};
use crate::model::log_parts::ElfLogParts;
use std::sync::Arc;

fn dictionaries(strings: &[(&str, &str)], encoding: &str) -> LogDictionaries {
    let mut parts = ElfLogParts::default();
    parts
        .symbols
        .push(("_defmt_version_ = 4".into(), 0, String::new()));
    parts
        .symbols
        .push((format!("_defmt_encoding_ = {encoding}"), 0, String::new()));
    for (id, (tag, data)) in (1..).zip(strings) {
        let name = serde_json::json!({"package": "app", "tag": tag, "data": data, "disambiguator": "1", "crate_name": "app"});
        parts.symbols.push((name.to_string(), id, ".defmt".into()));
    }
    LogDictionaries {
        defmt: DefmtTable::from_elf(&parts).map(Arc::new),
        ..LogDictionaries::default()
    }
}

/// A frame sent raw, decoded.
fn raw(strings: &[(&str, &str)], frame: &[u8]) -> LogRecord {
    let mut record = LogRecord::default();
    super::DefmtRaw.decode(frame, &dictionaries(strings, "raw"), &mut record);
    record
}

fn message(format: &str, args: &[u8]) -> String {
    let mut frame = vec![1, 0];
    frame.extend_from_slice(args);
    let record = raw(
        &[
            ("defmt_info", format),
            ("defmt_prim", "{=u8}"),
            ("defmt_derived", "Down|Up {{ rssi: {=i8} }}"),
        ],
        &frame,
    );
    if record.kind == RowKind::Undecoded {
        return format!("undecoded: {}", record.reason);
    }
    assert_eq!(record.level, Some(LogLevel::Info));
    record.message
}

/// What defmt-print says of the same arguments: its own tests and documentation are the source of the right column.
#[test]
fn arguments_are_written_as_defmt_print_writes_them() {
    for (format, args, text) in [
        ("{=u8} {=i16}", &[200, 0xfe, 0xff][..], "200 -2"),
        (
            "{=u32:#010x} {=u8:08b}",
            &[0xad, 0xde, 0, 0, 5],
            "0x0000dead 00000101",
        ),
        ("{=i8:x} {=i8:b}", &[0xff, 1], "ff 1"),
        (
            "{=f32} {=f64}",
            &[0, 0, 0xa0, 0x41, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f],
            "20.0 1.5",
        ),
        ("{=bool} {=char}", &[1, 0xe9, 0, 0, 0], "true é"),
        (
            "{=str} {=str:?}",
            &[2, 0, 0, 0, b'a', b'b', 1, 0, 0, 0, b'"'],
            "ab \"\\\"\"",
        ),
        ("{=[u8]:02x}", &[3, 0, 0, 0, 1, 2, 0xff], "[01, 02, ff]"),
        (
            "{=[u8]:a}",
            &[4, 0, 0, 0, b'h', b'\n', 0xff, b'"'],
            "b\"h\\n\\xff\\\"\"",
        ),
        ("{=[u8; 2]}", &[7, 8], "[7, 8]"),
        ("{0=4..8} {0=0..4}", &[0xa5], "10 5"),
        ("{1=u8} {0=u8}", &[1, 2], "2 1"),
        ("{0=8..12}", &[0x0f], "15"),
        (
            "{=u32:us} {=u32:ms} {=u32:tms}",
            &[0x39, 0x30, 0, 0, 0x39, 0x30, 0, 0, 0x39, 0x30, 0, 0],
            "0.012345 12.345 00:00:12.345",
        ),
        ("{=u64:ts}", &[0x80, 0x51, 1, 0, 0, 0, 0, 0], "1:00:00:00"),
        (
            "{=u64:iso8601ms}",
            &[0xe8, 3, 0, 0, 0, 0, 0, 0],
            "1970-01-01T00:00:01.000Z",
        ),
        ("{}", &[2, 0, 9], "9"),
        ("{:#x}", &[2, 0, 9], "0x9"),
        ("{}", &[3, 0, 1, 0xc4], "Up { rssi: -60 }"),
        ("{=[?]}", &[2, 0, 0, 0, 2, 0, 7, 8], "[7, 8]"),
        ("{=[?]:a}", &[2, 0, 0, 0, 2, 0, b'o', b'k'], "b\"ok\""),
        (
            "{=[?]}",
            &[2, 0, 0, 0, 3, 0, 0, 1, 5],
            "[Down, Up { rssi: 5 }]",
        ),
        ("{=__internal_Display}!", &[b'x', b'y', 0xff], "xy!"),
        (
            "{=__internal_FormatSequence}",
            &[2, 0, 7, 2, 0, 8, 0, 0],
            "78",
        ),
    ] {
        assert_eq!(message(format, args), text, "{format}");
    }
}

#[test]
fn damage_is_said_and_costs_one_frame() {
    for (args, reason) in [(&[1][..], "too early"), (&[2, 0, 0, 0][..], "too early")] {
        assert!(message("{=u32} {=u8}", args).contains(reason), "{args:?}");
    }
    assert!(message("{=bool}", &[2]).contains("bool"));
    assert!(message("{}", &[3, 0, 2]).contains("variant"));
    assert!(message("{}", &[77, 0]).contains("77"));
    // A string that contains itself, and an array of nothing.
    let nested = raw(
        &[("defmt_info", "{}"), ("defmt_derived", "{}")],
        &[1, 0, 2, 0, 2, 0, 2, 0].repeat(100),
    );
    assert_eq!(nested.kind, RowKind::Undecoded);
    let nothing = raw(
        &[("defmt_info", "{=[?]}"), ("defmt_derived", "")],
        &[1, 0, 0xff, 0xff, 0xff, 0x7f, 2, 0],
    );
    assert_eq!(nothing.kind, RowKind::Undecoded);
}

#[test]
fn without_a_table_the_row_says_what_is_needed() {
    let mut record = LogRecord::default();
    DefmtRzcobs.decode(&[8, 1, 0x7e, 0], &LogDictionaries::default(), &mut record);
    assert_eq!(record.kind, RowKind::Undecoded);
    assert_eq!(record.message, "08 01 7e 00");
    assert!(record.reason.contains("ELF"), "{}", record.reason);
    DefmtRzcobs.decode(
        b"ESP-ROM:esp32c3\r\n\0",
        &LogDictionaries::default(),
        &mut record,
    );
    assert_eq!(
        (record.kind, record.message.as_str()),
        (RowKind::Record, "ESP-ROM:esp32c3")
    );
}
