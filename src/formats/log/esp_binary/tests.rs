use super::EspBinary;
use super::frame::{Fault, Frame, Stored};
use super::strings::{BOOT_LOADER, EspImage, EspStrings, text};
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::{LogFormat as _, RowLen};
use crate::model::log::{LogRecord, RowKind};
use crate::model::log_parts::ElfLogParts;
use std::sync::Arc;

/// Strings at 4, 12 and 20, and constants in flash.
fn image(name: &str) -> EspImage {
    let parts = ElfLogParts {
        name: name.to_owned(),
        sections: vec![
            (
                ".noload".to_owned(),
                0,
                b"\0\0\0\0%d %s\0\0\0net\0\0\0\0\0%p\0".to_vec(),
            ),
            (
                ".flash.rodata".to_owned(),
                0x3C00_0000,
                b"up\0down\0".to_vec(),
            ),
        ],
        ..ElfLogParts::default()
    };
    EspImage::from_elf(&parts).unwrap()
}

fn with(image: EspImage) -> LogDictionaries {
    let mut strings = EspStrings::default();
    assert!(strings.add(image));
    LogDictionaries {
        esp: Some(Arc::new(strings)),
        ..LogDictionaries::default()
    }
}

/// A frame of level 3 at 99 ms with the tag at 12. The sum is taken bit by bit, as a division of polynomials.
fn frame(format: u32, arguments: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 3 << 2, u8::try_from(16 + arguments.len()).unwrap()];
    bytes.extend_from_slice(&format.to_be_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 12, 0, 0, 0, 99]);
    bytes.extend_from_slice(arguments);
    let mut remainder = 0_u32;
    for bit in 0..(bytes.len() + 1) * 8 {
        let byte = bytes.get(bit / 8).copied().unwrap_or(0);
        remainder = remainder << 1 | u32::from(byte >> (7 - bit % 8) & 1);
        if remainder & 0x100 != 0 {
            remainder ^= 0x107;
        }
    }
    bytes.push(u8::try_from(remainder).unwrap());
    bytes
}

fn decode(row: &[u8], dictionaries: &LogDictionaries) -> LogRecord {
    let mut record = LogRecord::default();
    EspBinary.decode(row, dictionaries, &mut record);
    record
}

#[test]
fn a_frame_says_its_tag_time_and_text() {
    let bytes = frame(4, &[0xFF, 0xFF, 0xFF, 0xFE, 0x3C, 0, 0, 3]);
    let record = decode(&bytes, &with(image("app.elf")));
    assert_eq!(record.message, "-2 down");
    assert_eq!(record.module, "net");
    assert_eq!(record.uptime_ns, Some(99_000_000));
    assert_eq!(record.template, Some(4));
}

/// As on the wire: `x` and nothing are stored in four bytes, like an address.
#[test]
fn short_strings_are_told_from_addresses_where_no_string_begins() {
    let image = image("app.elf");
    let said = |stored| text(stored, Some(&image)).map(std::borrow::Cow::into_owned);
    assert_eq!(said(Stored::At(0x0000_7800)).as_deref(), Some("x"));
    assert_eq!(said(Stored::At(0x0001_0055)).as_deref(), Some(""));
    assert_eq!(said(Stored::At(12)).as_deref(), Some("net"));
    assert_eq!(said(Stored::At(0)).as_deref(), Some("(null)"));
    assert_eq!(said(Stored::At(0x3C00_0004)).as_deref(), Some("own"));
    assert_eq!(said(Stored::At(0x3FC8_0000)), None);
    assert_eq!(said(Stored::Copied(b"ab")).as_deref(), Some("ab"));
}

#[test]
fn a_pointer_to_text_is_sent_as_text() {
    let with = with(image("app.elf"));
    let record = decode(&frame(20, &[0x3F, 0xC9, 0, 0]), &with);
    assert_eq!(record.message, "0x3fc90000");
    let record = decode(&frame(20, &[0xFF, 0xFD, b'a', b'b', b'c', b'd']), &with);
    assert_eq!(record.message, "abcd");
}

#[test]
fn arguments_that_do_not_fit_and_missing_elfs_are_named() {
    let bytes = frame(4, &[0, 0, 0, 1]);
    let record = decode(&bytes, &with(image("app.elf")));
    assert_eq!(record.kind, RowKind::Undecoded);
    assert!(record.reason.contains("of app.elf"), "{}", record.reason);
    assert!(
        record.message.starts_with("02 0c 14 00 00 00 04"),
        "{}",
        record.message
    );
    let record = decode(&bytes, &LogDictionaries::default());
    assert!(record.reason.contains("add that ELF"), "{}", record.reason);
    // The ELF of the boot loader does not serve.
    let record = decode(&bytes, &with(image(&format!("build/{BOOT_LOADER}"))));
    assert!(record.reason.contains("add that ELF"), "{}", record.reason);
    let record = decode(&frame(0x3C00_0100, &[]), &with(image("app.elf")));
    assert!(
        record.reason.contains("0x3c000100 is not in app.elf"),
        "{}",
        record.reason
    );
}

#[test]
fn a_frame_is_whole_with_its_last_byte_and_none_when_a_bit_is_wrong() {
    let bytes = frame(4, &[0, 0, 0, 1, 0, 0, 0, 12]);
    for at in 0..bytes.len() {
        assert_eq!(Frame::parse(&bytes[..at]).err(), Some(Fault::Short), "{at}");
    }
    let none = LogDictionaries::default();
    assert_eq!(EspBinary.row_len(&bytes, &none), RowLen::Bytes(24));
    for bit in 0..bytes.len() * 8 {
        let mut wrong = bytes.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(Frame::parse(&wrong).is_err(), "{bit}");
    }
}
