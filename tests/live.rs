//! Logs that grow while they are open: whatever the pieces are in which they come, their rows, filters and boots are those of
//! the finished file.

#[path = "common/device_log.rs"]
mod device_log;

use device_log::{Numbers, device_log};
use fieldscope::engine::file_bytes::FileBytes;
use fieldscope::engine::logs::dictionaries::from_elfs;
use fieldscope::engine::logs::filter::{Chip, FilterStack, LogFilter};
use fieldscope::engine::logs::session::LogSession;
use fieldscope::engine::logs::tail::Tail;
use fieldscope::engine::logs::view::{LogKey, LogRestart, LogRow};
use fieldscope::engine::queries::log_rows::{LogRowsQuery, page};
use fieldscope::engine::queries::log_summary::overview;
use fieldscope::formats::log::dictionaries::LogDictionaries;
use fieldscope::model::log::{LogLevel, LogRecord};
use fieldscope::model::progress::Unattended;
use fieldscope::symbols::symbol_file::SymbolFile;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

const NAME: &str = "uart.log";
/// Where the index of a log begins its second block.
const BLOCK: usize = 1 << 20;

fn chip(filter: LogFilter, negated: bool) -> Chip {
    Chip {
        filter,
        negated,
        is_off: false,
    }
}

/// Chips of every kind that looks at rows.
fn chips() -> Vec<Chip> {
    let text = |text: &str| LogFilter::Text {
        text: text.to_owned(),
        match_case: false,
    };
    let regex = LogFilter::Regex {
        pattern: r"\d*7\b".to_owned(),
        match_case: true,
    };
    let names = vec!["wifi".to_owned(), "app".to_owned()];
    vec![
        chip(
            LogFilter::Level {
                at_least: LogLevel::Info,
            },
            false,
        ),
        chip(text("retry 1"), true),
        chip(regex, false),
        chip(text("\u{fc}BER"), false),
        chip(LogFilter::Module { names }, true),
        chip(LogFilter::Boot { first: 1, last: 3 }, false),
        chip(
            LogFilter::Time {
                from_ns: 2_000_000_000,
                to_ns: 9_000_000_000,
            },
            false,
        ),
        chip(
            LogFilter::Rows {
                first: 70,
                last: 9000,
            },
            true,
        ),
    ]
}

/// The first filters on top of each other, data folded.
fn stack() -> FilterStack {
    FilterStack {
        chips: chips().into_iter().take(3).collect(),
        ..FilterStack::default()
    }
}

fn query(stack: &FilterStack, first: u64, count: u32) -> LogRowsQuery {
    LogRowsQuery {
        key: LogKey::OnDisk { path: NAME.into() },
        stack: stack.clone(),
        first,
        count,
        find: Some(LogFilter::Text {
            text: "batch".to_owned(),
            match_case: false,
        }),
    }
}

fn open(bytes: FileBytes, dictionaries: &LogDictionaries) -> LogSession {
    LogSession::open(NAME, bytes, dictionaries.clone(), Vec::new(), &Unattended).unwrap()
}

/// Everything that is shown of a log with these filters.
fn shown(log: &LogSession, stack: &FilterStack) -> Vec<LogRow> {
    let mut rows = Vec::new();
    loop {
        let page = page(log, &query(stack, rows.len() as u64, 1000)).unwrap();
        if page.rows.rows.is_empty() {
            assert_eq!(rows.len() as u64, page.counts.n_visible);
            return rows;
        }
        rows.extend(page.rows.rows);
    }
}

/// A log that grew is the log that was opened when it was finished.
fn assert_same(grown: &LogSession, whole: &LogSession) {
    assert_eq!(grown.summary(), whole.summary());
    assert_eq!(overview(grown, 100).unwrap(), overview(whole, 100).unwrap());
    for chip in chips() {
        let of = |log: &LogSession| log.rows_of(&chip, &Unattended).unwrap().unwrap();
        assert!(of(grown) == of(whole), "rows of {chip:?}");
    }
    for stack in [FilterStack::default(), stack()] {
        let (grown, whole) = (shown(grown, &stack), shown(whole, &stack));
        assert_eq!(grown.len(), whole.len());
        assert!(grown == whole);
    }
}

/// A file that is followed, with a stack of filters on.
struct Followed {
    file: File,
    tail: Tail,
    log: LogSession,
    _folder: tempfile::TempDir,
}

impl Followed {
    fn new(begun: &[u8], dictionaries: &LogDictionaries) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, begun).unwrap();
        let mut tail = Tail::open(&path, folder.path()).unwrap();
        tail.poll().unwrap();
        let bytes = tail.bytes().unwrap();
        Self {
            file: OpenOptions::new().append(true).open(&path).unwrap(),
            tail,
            log: open(bytes, dictionaries),
            _folder: folder,
        }
    }

    /// Writes a piece and looks at the end of the log, as the window does.
    fn write(&mut self, piece: &[u8]) {
        self.file.write_all(piece).unwrap();
        self.look();
    }

    fn look(&mut self) {
        assert!(self.tail.poll().unwrap());
        let bytes = self.tail.bytes().unwrap();
        let grown = self.log.grown(bytes, self.tail.restarts(), &Unattended);
        self.log = grown.unwrap();
        let n = page(&self.log, &query(&stack(), 0, 0)).unwrap();
        let end = n.counts.n_visible.saturating_sub(50);
        page(&self.log, &query(&stack(), end, 50)).unwrap();
        for chip in chips() {
            self.log.rows_of(&chip, &Unattended).unwrap().unwrap();
        }
    }
}

#[test]
fn text_that_comes_in_pieces_of_any_size_is_the_finished_log() {
    let whole = device_log(150_000);
    let none = LogDictionaries::default();
    let mut numbers = Numbers(7);
    let mut followed = Followed::new(&[], &none);
    let mut at = 0;
    while at < whole.len() {
        // About 30 kB/s in tenths of a second; sometimes a single byte.
        let n = if numbers.below(5) == 0 {
            1
        } else {
            numbers.below(6000)
        };
        let end = (at + 1 + n as usize).min(whole.len());
        followed.write(&whole[at..end]);
        at = end;
    }
    assert_same(&followed.log, &open(whole.into(), &none));
}

#[test]
fn a_log_that_grows_across_its_blocks_keeps_what_was_indexed() {
    let whole = device_log(BLOCK + 80_000);
    let none = LogDictionaries::default();
    let begun = BLOCK - 5_000;
    let mut followed = Followed::new(&whole[..begun], &none);
    for piece in whole[begun..].chunks(3_001) {
        followed.write(piece);
    }
    assert_same(&followed.log, &open(whole.into(), &none));
}

#[test]
fn binary_logs_that_come_in_pieces_are_the_finished_ones() {
    for (log, elf, format) in [
        (
            "defmt/cistern-raw.bin",
            "defmt/cistern-raw.elf",
            "defmt-raw",
        ),
        (
            "defmt/cistern-rzcobs.bin",
            "defmt/cistern-rzcobs.elf",
            "defmt-rzcobs",
        ),
        (
            "zephyr-dictionary/arm.plain.bin",
            "zephyr-dictionary/arm.elf",
            "zephyr-dict",
        ),
        (
            "zephyr-dictionary/arm.plain.hex",
            "zephyr-dictionary/arm.elf",
            "zephyr-dict-hex",
        ),
        (
            "esp-binary-log/plain.bin",
            "esp-binary-log/app.elf",
            "esp-binary",
        ),
    ] {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let elf = std::fs::read(fixtures.join(elf)).unwrap();
        let elf = SymbolFile::parse("build.elf", elf).unwrap();
        let dictionaries = from_elfs(&[Arc::new(elf)]);
        let whole = std::fs::read(fixtures.join(log)).unwrap();
        let mut followed = Followed::new(&whole[..1], &dictionaries);
        for piece in whole[1..].chunks(13) {
            followed.write(piece);
        }
        let opened = open(whole.into(), &dictionaries);
        assert_eq!(opened.summary().format, format);
        assert!(opened.summary().n_rows > 10);
        assert_same(&followed.log, &opened);
    }
}

/// The bytes of each row, and what it says.
fn rows(log: &LogSession) -> Vec<(Vec<u8>, LogRecord)> {
    let row = |row| {
        let (place, record, _) = log.record(row).unwrap();
        (log.raw(place).to_vec(), record)
    };
    (0..log.summary().n_rows).map(row).collect()
}

#[test]
fn a_file_that_is_cut_off_or_replaced_goes_on_behind_what_it_was() {
    let none = LogDictionaries::default();
    // The second begins with what could be the rest of a record.
    let first = device_log(20_000);
    let second = b"    at nothing.c:1\nW (3) wifi: again\nI (4) boot: as".to_vec();
    let third = b"I (5) sensor: third\n".to_vec();
    let mut followed = Followed::new(&first[..15_000], &none);
    followed.write(&first[15_000..]);
    let path = followed.tail.path().to_owned();
    std::fs::write(&path, &second[..30]).unwrap();
    followed.look();
    followed.write(&second[30..]);
    // Nobody looked between the last words of the file and its end.
    followed.file.write_all(b" last words").unwrap();
    std::fs::rename(&path, path.with_extension("1")).unwrap();
    std::fs::write(&path, &third).unwrap();
    followed.look();
    let mut second = second;
    second.extend_from_slice(b" last words");
    let alone: Vec<_> = [&first, &second, &third]
        .into_iter()
        .flat_map(|bytes| rows(&open(bytes.clone().into(), &none)))
        .collect();
    assert_eq!(rows(&followed.log), alone);
    let n_first = open(first.clone().into(), &none).summary().n_rows;
    let restart = |offset: usize, row, is_replaced| LogRestart {
        offset: offset as u64,
        row,
        is_replaced,
    };
    assert_eq!(
        followed.log.summary().restarts,
        [
            restart(first.len(), n_first, false),
            restart(first.len() + second.len(), n_first + 3, true)
        ]
    );
}
