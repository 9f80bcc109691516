//! Logs of any bytes: nothing of them is lost, both ways of reading count the same rows, and every row can be asked for.

use super::sdk_lines::with_right_checksums;
use fieldscope::engine::file_bytes::FileBytes;
use fieldscope::engine::logs::dictionaries::{add_database, from_elfs};
use fieldscope::engine::logs::open_log::{LogStyle, OpenLog, Part};
use fieldscope::engine::logs::selection::Selection;
use fieldscope::engine::logs::session::LogSession;
use fieldscope::formats::log::by_id;
use fieldscope::formats::log::dictionaries::LogDictionaries;
use fieldscope::model::progress::Unattended;
use fieldscope::symbols::symbol_file::SymbolFile;
use std::sync::{Arc, OnceLock};

/// So many rows are asked for one by one.
const ROWS: u64 = 300;

/// Lines of text, with no dictionary.
pub fn text(data: &[u8]) {
    read("text", data, &LogDictionaries::default());
    let session = LogSession::open(
        "input.log",
        data.to_vec().into(),
        LogDictionaries::default(),
        Vec::new(),
        &Unattended,
    );
    let session = session.expect("nobody cancels");
    let mut end = 0;
    for row in 0..session.summary().n_rows.min(ROWS) {
        let (place, _record, _is_cut) = session.record(row).expect("there is such a row");
        assert_eq!(place.start, end, "rows follow each other");
        assert_eq!(session.row_at(place.start as u64), row);
        end = place.end;
    }
    if session.summary().n_rows <= ROWS {
        assert_eq!(end, data.len(), "the rows hold everything");
    }
}

/// A stream of defmt, as its frames and with the encoding of its transport.
pub fn defmt(data: &[u8]) {
    static BUILDS: OnceLock<[LogDictionaries; 2]> = OnceLock::new();
    let [raw, rzcobs] = BUILDS.get_or_init(|| {
        [
            of_elf(include_bytes!("../../tests/fixtures/defmt/cistern-raw.elf")),
            of_elf(include_bytes!(
                "../../tests/fixtures/defmt/cistern-rzcobs.elf"
            )),
        ]
    });
    read("defmt-raw", data, raw);
    read("defmt-rzcobs", data, rzcobs);
}

/// Lines of text with the tokens of a build.
pub fn tokens(data: &[u8]) {
    static BUILD: OnceLock<LogDictionaries> = OnceLock::new();
    let build =
        BUILD.get_or_init(|| of_elf(include_bytes!("../../tests/fixtures/tokens/tokens.elf")));
    read("text", data, build);
}

/// A token database, and a log that is read with it.
pub fn token_database(data: &[u8]) {
    let mut dictionaries = LogDictionaries::default();
    if add_database(&mut dictionaries, "input", data) {
        read(
            "text",
            include_bytes!("../../tests/fixtures/tokens/console.log"),
            &dictionaries,
        );
    }
}

/// The console of an ESP32 with binary frames, with the ELF of the application and with none. A half of the inputs gets the
/// checksum of its first frame made right.
pub fn esp(data: &[u8]) {
    static BUILD: OnceLock<LogDictionaries> = OnceLock::new();
    let build = BUILD.get_or_init(|| {
        of_elf(include_bytes!(
            "../../tests/fixtures/esp-binary-log/app.elf"
        ))
    });
    let mut bytes = data.to_vec();
    if let [2, high, low, ..] = *data
        && data.len().is_multiple_of(2)
    {
        let len = usize::from(u16::from_be_bytes([high & 3, low]));
        if let Some((sum, frame)) = bytes.get_mut(..len).and_then(<[u8]>::split_last_mut) {
            *sum = frame.iter().fold(0, |sum, byte| {
                (0..8).fold(sum ^ byte, |sum: u8, _bit| {
                    sum << 1 ^ if sum & 0x80 == 0 { 0 } else { 7 }
                })
            });
        }
    }
    read("esp-binary", &bytes, build);
    read("esp-binary", &bytes, &LogDictionaries::default());
}

/// Console text with log entries of the device-side SDK, their checksums made right or not, with the ELF of the build and with none.
/// What the window finds is held against it: rows of one line are found again by looking around them.
pub fn sdk(data: &[u8]) {
    static BUILD: OnceLock<LogDictionaries> = OnceLock::new();
    let build =
        BUILD.get_or_init(|| of_elf(include_bytes!("../../tests/fixtures/sdk/meadow-an386.elf")));
    let right = with_right_checksums(data);
    read("sdk-log", data, &LogDictionaries::default());
    read("sdk-log", &right, build);
    let format = by_id("sdk-log").expect("there is such a format");
    let session = LogSession::open_as(
        format,
        "input.log",
        right.clone().into(),
        build.clone(),
        Vec::new(),
        &Unattended,
    );
    let session = session.expect("nobody cancels");
    let mut end = 0;
    for row in 0..session.summary().n_rows.min(ROWS) {
        let (place, _record, _is_cut) = session.record(row).expect("there is such a row");
        assert_eq!(place.start, end, "rows follow each other");
        assert_eq!(session.row_at(place.start as u64), row);
        end = place.end;
    }
    if session.summary().n_rows <= ROWS {
        assert_eq!(end, right.len(), "the rows hold everything");
    }
}

/// Messages of Zephyr's dictionary logging, in binary and in hexadecimal text, with the databases of three builds and with none.
pub fn zephyr(data: &[u8]) {
    static BUILDS: OnceLock<[LogDictionaries; 4]> = OnceLock::new();
    let builds = BUILDS.get_or_init(|| {
        let of_database = |bytes: &[u8]| {
            let mut dictionaries = LogDictionaries::default();
            assert!(add_database(&mut dictionaries, "database", bytes));
            dictionaries
        };
        [
            LogDictionaries::default(),
            of_database(include_bytes!(
                "../../tests/fixtures/zephyr-dictionary/arm.json"
            )),
            of_database(include_bytes!(
                "../../tests/fixtures/zephyr-dictionary/armeb-v1.v1.json"
            )),
            of_elf(include_bytes!(
                "../../tests/fixtures/zephyr-dictionary/riscv64.elf"
            )),
        ]
    });
    for build in builds {
        read("zephyr-dict", data, build);
        read("zephyr-dict-hex", data, build);
    }
}

/// A database of Zephyr's dictionary logging, and a log that is read with it.
pub fn zephyr_database(data: &[u8]) {
    let mut dictionaries = LogDictionaries::default();
    if add_database(&mut dictionaries, "input", data) {
        read(
            "zephyr-dict",
            include_bytes!("../../tests/fixtures/zephyr-dictionary/arm.wide.bin"),
            &dictionaries,
        );
    }
}

fn of_elf(bytes: &[u8]) -> LogDictionaries {
    let file = SymbolFile::parse("build.elf", bytes.to_vec()).expect("a sound ELF");
    from_elfs(&[Arc::new(file)])
}

/// Prints a log in every style.
fn read(format: &str, data: &[u8], dictionaries: &LogDictionaries) {
    let format = by_id(format).expect("there is such a format");
    let log = OpenLog::new(
        FileBytes::Shared(data.into()),
        "input.log",
        Some(format),
        dictionaries.clone(),
    );
    let all = Selection::default();
    let print = |style| {
        let mut out = Vec::new();
        let (n_rows, _undecoded) = log
            .print(&all, style, Part::All, &mut out, &Unattended)
            .expect("memory can be written");
        (n_rows, out)
    };
    let (n_raw, raw) = print(LogStyle::Raw);
    assert!(raw == data, "the bytes of the rows are those of the log");
    let (n_text, _text) = print(LogStyle::Text);
    let (n_json, json) = print(LogStyle::Json);
    assert_eq!((n_raw, n_text), (n_json, n_json));
    assert_eq!(
        json.split(|byte| *byte == b'\n').skip(1).count() as u64,
        n_json,
        "a line a row"
    );
    assert_eq!(
        log.count(&all, false, &Unattended).expect("nobody cancels"),
        n_raw
    );
}
