use super::{ZephyrBinary, ZephyrDatabase, ZephyrHex};
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::{LogFormat as _, RowLen};
use crate::model::log::{LogLevel, LogRecord, RowKind};
use crate::model::log_parts::ElfLogParts;
use std::sync::Arc;

fn dictionaries(arch: &str, format: &str) -> LogDictionaries {
    let json = serde_json::json!({
        "version": 3, "target": {"bits": 32, "little_endianness": true}, "arch": arch, "build_id": "b1", "kconfigs": {},
        "log_subsys": {"log_instances": {"0": {"name": "app"}, "2": {"name": "net"}}},
        "string_mappings": {"256": format, "512": "constant text"},
    });
    LogDictionaries {
        zephyr: ZephyrDatabase::parse(json.to_string().as_bytes()).map(Arc::new),
        ..LogDictionaries::default()
    }
}

/// A message of source 2 at level 3 with these words behind the format string's address, and copied strings.
fn message(words: &[u32], strings: &[(u8, &str)], data: &[u8]) -> Vec<u8> {
    let n_words = u8::try_from(words.len() + 2).unwrap();
    let mut package = vec![n_words, u8::try_from(strings.len()).unwrap(), 0, 0];
    package.extend_from_slice(&256_u32.to_le_bytes());
    for word in words {
        package.extend_from_slice(&word.to_le_bytes());
    }
    for (position, text) in strings {
        package.push(*position);
        package.extend_from_slice(text.as_bytes());
        package.push(0);
    }
    let mut bytes = vec![0, 3 << 4];
    bytes.extend_from_slice(&u16::try_from(package.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(&u16::try_from(data.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(&[2, 0, 0, 0, 99, 0, 0, 0]);
    bytes.extend_from_slice(&package);
    bytes.extend_from_slice(data);
    bytes
}

fn decode(row: &[u8], with: &LogDictionaries) -> LogRecord {
    let mut record = LogRecord::default();
    ZephyrBinary.decode(row, with, &mut record);
    record
}

#[test]
fn a_message_says_its_source_level_time_and_text() {
    let with = dictionaries("arm", "%s is %d at %s");
    let record = decode(&message(&[0, 0xFFFF_FFFE, 512], &[(2, "tank")], &[]), &with);
    assert_eq!(record.message, "tank is -2 at constant text");
    assert_eq!(
        (record.module.as_str(), record.level, record.stamp.as_str()),
        ("net", Some(LogLevel::Info), "99")
    );
    assert_eq!(record.template, Some(256));
    // A pointer into a string is the rest of it, and one to nothing is shown as it is.
    let record = decode(&message(&[521, 3, 0x777], &[], &[]), &with);
    assert_eq!(record.message, "text is 3 at <string@0x777>");
}

/// A processor that aligns and one that does not: the package's length says which it was, whatever the database says.
#[test]
fn the_package_decides_how_arguments_are_aligned() {
    for arch in ["arm", "x86"] {
        let with = dictionaries(arch, "%d %lld %d");
        let aligned = message(&[1, 0, 2, 0, 3], &[], &[]);
        // The package begins with two words, so that the second argument needs one to stand at a multiple of 8.
        assert_eq!(decode(&aligned, &with).message, "1 2 3", "{arch}");
        let packed = message(&[1, 2, 0, 3], &[], &[]);
        assert_eq!(decode(&packed, &with).message, "1 2 3", "{arch}");
        let tagged = message(&[5, 1, 9, 0, 2, 0, 5, 3, 0], &[], &[]);
        assert_eq!(decode(&tagged, &with).message, "1 2 3", "{arch}");
    }
}

#[test]
fn arguments_that_are_not_there_are_said_to_be_of_another_build() {
    let with = dictionaries("arm", "%d %d %d");
    let record = decode(&message(&[1], &[], &[]), &with);
    assert_eq!(record.kind, RowKind::Undecoded);
    assert!(record.reason.contains("of b1"), "{}", record.reason);
}

#[test]
fn data_is_dumped_below_its_message() {
    let record = decode(
        &message(&[], &[], b"abc\0defgh"),
        &dictionaries("arm", "raw"),
    );
    let dump = "raw\n61 62 63 00 64 65 66 67  68                      |abc.defg h";
    assert_eq!(record.message, dump);
}

#[test]
fn a_message_that_goes_on_waits_for_the_rest() {
    let with = dictionaries("arm", "%s");
    let bytes = message(&[0], &[(2, "north well")], b"data");
    for at in 1..bytes.len() {
        assert_eq!(
            ZephyrBinary.row_len(&bytes[..at], &with),
            RowLen::NeedMore,
            "{at}"
        );
    }
    assert_eq!(
        ZephyrBinary.row_len(&bytes, &with),
        RowLen::Bytes(bytes.len())
    );
}

#[test]
fn numbers_in_text_are_no_messages_in_hex() {
    let with = dictionaries("arm", "%s");
    for line in [
        "010203\r\n",
        "deadbeef\n",
        "00\n",
        "0123456789abcdef0123456789abcdef01234567\n",
    ] {
        let log = format!("{line}boot\n");
        assert_eq!(
            ZephyrHex.row_len(log.as_bytes(), &with),
            RowLen::Bytes(line.len()),
            "{line}"
        );
    }
    let mut record = LogRecord::default();
    ZephyrHex.decode(b"deadbeef\n", &with, &mut record);
    assert_eq!(
        (record.kind, record.message.as_str()),
        (RowKind::Record, "deadbeef")
    );
}

#[test]
fn an_elf_without_the_option_has_no_dictionary() {
    let mut parts = ElfLogParts {
        address_size: 4,
        is_little_endian: true,
        ..ElfLogParts::default()
    };
    let names = [0x00, 0x30, 0, 0, 4, 0, 0, 0, 0x04, 0x30, 0, 0, 3, 0, 0, 0];
    parts
        .sections
        .push(("log_const_area".into(), 0x2000, names.to_vec()));
    parts
        .sections
        .push(("rodata".into(), 0x3000, b"app\0net\0".to_vec()));
    assert!(ZephyrDatabase::from_elf(&parts).is_none());
    for (name, value) in [
        ("CONFIG_LOG_DICTIONARY_SUPPORT", 1),
        ("CONFIG_ARM", 1),
        ("CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC", 32768),
    ] {
        parts.symbols.push((name.into(), value, String::new()));
    }
    let database = ZephyrDatabase::from_elf(&parts).unwrap();
    let names: Vec<(u64, &str)> = database
        .sources
        .iter()
        .map(|(id, name)| (*id, &**name))
        .collect();
    assert_eq!(names, [(0, "app"), (1, "net")]);
    assert_eq!(database.clock, Some(super::database::Clock::Uptime(32768)));
    assert_eq!(database.layouts.len(), 2);
}
