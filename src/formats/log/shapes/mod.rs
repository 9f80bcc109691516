//! What the head of a text line says: level, time, module. A table of line shapes, each with sample lines that are its
//! tests.
//!
//! A line may carry several heads: what a terminal program or a logger put before it (host time), and the device's own.
//! Both times are kept. Nothing is guessed from the middle of a message.

mod cursor;
mod device;
mod host;
mod level;
#[cfg(test)]
mod samples;

use crate::model::log::{LogLevel, RowKind};
use cursor::Cursor;
use std::ops::Range;

/// What a line says before its message. Ranges are bytes of the line that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFacts {
    /// What the row is.
    pub kind: RowKind,
    /// How serious.
    pub level: Option<LogLevel>,
    /// Nanoseconds since the device started.
    pub uptime_ns: Option<u64>,
    /// Nanoseconds since 1970-01-01 UTC; with `is_date_incomplete` the date is not known, only the time in a day or year.
    pub time_ns: Option<i64>,
    /// The date of `time_ns` is not known, or only in part.
    pub is_date_incomplete: bool,
    /// Module, tag or thread.
    pub module: Range<usize>,
    /// The text behind the head.
    pub message: Range<usize>,
    /// Records that the line says are missing.
    pub n_dropped: Option<u64>,
    /// Id of the innermost shape; empty when the line has no head.
    pub shape: &'static str,
}

/// One line shape.
struct Shape {
    /// Stable id.
    id: &'static str,
    /// Reads its head; leaves the cursor at the message.
    read: fn(&mut Head<'_>) -> Option<()>,
}

/// A head that is being read.
#[derive(Clone, Debug)]
struct Head<'a> {
    cursor: Cursor<'a>,
    level: Option<LogLevel>,
    uptime_ns: Option<u64>,
    time_ns: Option<i64>,
    is_date_incomplete: bool,
    module: Option<(usize, usize)>,
}

/// Longer heads are none.
const LONGEST_HEAD: usize = 256;
/// Heads before the device's own: a terminal's time stamp and a logger's.
const MOST_HOST_HEADS: usize = 2;

/// Reads the head of a line without terminal escapes and line ending. Takes no memory and looks at the first bytes only.
pub fn facts(line: &[u8]) -> LineFacts {
    let mut facts = LineFacts {
        message: 0..line.len(),
        ..LineFacts::default()
    };
    let window = line.get(..LONGEST_HEAD).unwrap_or(line);
    let mut head = Head {
        cursor: Cursor::new(window),
        level: None,
        uptime_ns: None,
        time_ns: None,
        is_date_incomplete: false,
        module: None,
    };
    for _ in 0..MOST_HOST_HEADS {
        let Some(shape) = first_of(host::SHAPES, &mut head) else {
            break;
        };
        facts.shape = shape;
    }
    if let Some(shape) = first_of(device::SHAPES, &mut head) {
        facts.shape = shape;
    }
    facts.level = head.level;
    facts.uptime_ns = head.uptime_ns;
    facts.time_ns = head.time_ns;
    facts.is_date_incomplete = head.is_date_incomplete;
    facts.module = head.module.map_or(0..0, |(start, end)| start..end);
    facts.message = head.cursor.at.min(line.len())..line.len();
    let message = line.get(facts.message.clone()).unwrap_or(&[]);
    facts.n_dropped = n_dropped(message);
    facts.kind = if facts.n_dropped.is_some() {
        RowKind::Dropped
    } else if is_data(message) {
        RowKind::Data
    } else if facts.shape.is_empty() && matches!(line.first(), Some(b' ' | b'\t')) {
        RowKind::Continuation
    } else {
        RowKind::Record
    };
    facts
}

/// Reads the first shape that fits.
fn first_of(shapes: &[Shape], head: &mut Head<'_>) -> Option<&'static str> {
    for shape in shapes {
        let mut tried = head.clone();
        if (shape.read)(&mut tried).is_some() {
            *head = tried;
            return Some(shape.id);
        }
    }
    None
}

/// `--- 12 messages dropped ---` (Zephyr), `12 lines dropped`, `lost 3 messages`.
fn n_dropped(message: &[u8]) -> Option<u64> {
    const LONGEST: usize = 80;
    if message.len() > LONGEST {
        return None;
    }
    let text = message.trim_ascii();
    let is_zephyr = text.starts_with(b"--- ") && text.ends_with(b" messages dropped ---");
    let has_number_first = [
        &b" messages dropped"[..],
        b" lines dropped",
        b" messages lost",
        b" log messages dropped",
    ]
    .iter()
    .any(|end| text.ends_with(end));
    if !is_zephyr && !has_number_first {
        return None;
    }
    let text = text.strip_prefix(b"--- ").unwrap_or(text);
    let mut cursor = Cursor::new(text);
    let (n, n_digits) = cursor.number()?;
    // Nothing but the number may stand before the words.
    (n_digits > 0 && cursor.peek() == Some(b' ')).then_some(n)
}

/// A line of a dump: hex or base64 and nothing else, or a line that a format of dumps marks as its own.
fn is_data(message: &[u8]) -> bool {
    const SHORTEST: usize = 48;
    if message.starts_with(b"#CD:") {
        return true;
    }
    let text = message.trim_ascii();
    if text.len() < SHORTEST {
        return false;
    }
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    // Words of a sentence are shorter, and a path or a name has no digits all over.
    text.iter().all(is_word) && text.iter().any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::{facts, samples};
    use crate::model::log::RowKind;

    #[test]
    fn every_sample_line_is_read_as_it_says() {
        for sample in samples::SAMPLES {
            let line = sample.line.as_bytes();
            let found = facts(line);
            let text = |range: std::ops::Range<usize>| sample.line.get(range).unwrap();
            assert_eq!(found.shape, sample.shape, "{}", sample.line);
            assert_eq!(found.level, sample.level, "{}", sample.line);
            assert_eq!(found.uptime_ns, sample.uptime_ns, "{}", sample.line);
            assert_eq!(found.time_ns, sample.time_ns, "{}", sample.line);
            assert_eq!(text(found.module.clone()), sample.module, "{}", sample.line);
            assert_eq!(
                text(found.message.clone()),
                sample.message,
                "{}",
                sample.line
            );
        }
    }

    #[test]
    fn every_shape_has_a_sample() {
        let shapes = super::host::SHAPES.iter().chain(super::device::SHAPES);
        for shape in shapes {
            assert!(
                samples::SAMPLES
                    .iter()
                    .any(|sample| sample.shape == shape.id),
                "{}",
                shape.id
            );
        }
    }

    #[test]
    fn no_cut_or_changed_sample_panics_and_ranges_stay_inside() {
        for sample in samples::SAMPLES {
            let line = sample.line.as_bytes();
            for end in 0..=line.len() {
                let cut = &line[..end];
                let found = facts(cut);
                assert!(
                    cut.get(found.message.clone()).is_some() && cut.get(found.module).is_some()
                );
            }
            for at in 0..line.len() {
                for bit in 0..8 {
                    let mut changed = line.to_vec();
                    changed[at] ^= 1 << bit;
                    let found = facts(&changed);
                    assert!(
                        changed.get(found.message).is_some() && changed.get(found.module).is_some()
                    );
                }
            }
        }
    }

    #[test]
    fn dropped_records_data_and_continuations_are_told_apart() {
        let kind = |line: &str| facts(line.as_bytes()).kind;
        assert_eq!(facts(b"--- 12 messages dropped ---").n_dropped, Some(12));
        assert_eq!(
            kind("[00:00:01.000,000] <wrn> app: 3 messages dropped"),
            RowKind::Dropped
        );
        assert_eq!(kind("nothing was dropped"), RowKind::Record);
        assert_eq!(kind("#CD:5a4501000300050004000000"), RowKind::Data);
        assert_eq!(
            kind("[00:00:01.000,000] <err> coredump: #CD:5a45"),
            RowKind::Data
        );
        assert_eq!(
            kind("0123456789abcdef0123456789abcdef0123456789abcdef"),
            RowKind::Data
        );
        assert_eq!(
            kind("supercalifragilisticexpialidociousandevenlongerwords"),
            RowKind::Record
        );
        assert_eq!(kind("    at frame 3"), RowKind::Continuation);
        assert_eq!(kind("  12.5 V"), RowKind::Continuation);
    }
}
