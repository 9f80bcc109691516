//! Words and letters that mean a level.

use super::Cursor;
use crate::model::log::LogLevel;

/// Words that mean a level, in lower case.
static WORDS: &[(&str, LogLevel)] = &[
    ("alert", LogLevel::Fatal),
    ("assert", LogLevel::Fatal),
    ("crit", LogLevel::Fatal),
    ("critical", LogLevel::Fatal),
    ("dbg", LogLevel::Debug),
    ("debug", LogLevel::Debug),
    ("emerg", LogLevel::Fatal),
    ("emergency", LogLevel::Fatal),
    ("err", LogLevel::Error),
    ("error", LogLevel::Error),
    ("fatal", LogLevel::Fatal),
    ("fine", LogLevel::Debug),
    ("inf", LogLevel::Info),
    ("info", LogLevel::Info),
    ("note", LogLevel::Info),
    ("notice", LogLevel::Info),
    ("panic", LogLevel::Fatal),
    ("severe", LogLevel::Error),
    ("trace", LogLevel::Trace),
    ("verb", LogLevel::Trace),
    ("verbose", LogLevel::Trace),
    ("warn", LogLevel::Warn),
    ("warning", LogLevel::Warn),
    ("wrn", LogLevel::Warn),
];

/// The longest of them.
const LONGEST: usize = 9;

/// The level that a word means, in capitals or not.
pub(super) fn of_word(word: &[u8]) -> Option<LogLevel> {
    if word.len() > LONGEST || word.len() < 3 {
        return None;
    }
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    let at = WORDS
        .binary_search_by(|(known, _)| known.as_bytes().cmp(lower))
        .ok()?;
    WORDS.get(at).map(|(_, level)| *level)
}

/// The level that a capital letter means.
pub(super) fn of_letter(letter: u8) -> Option<LogLevel> {
    Some(match letter {
        b'V' | b'T' => LogLevel::Trace,
        b'D' => LogLevel::Debug,
        b'I' | b'N' => LogLevel::Info,
        b'W' => LogLevel::Warn,
        b'E' => LogLevel::Error,
        b'F' | b'C' | b'A' => LogLevel::Fatal,
        _ => return None,
    })
}

/// Passes a word of letters that means a level.
pub(super) fn word(cursor: &mut Cursor<'_>) -> Option<LogLevel> {
    let n = cursor
        .rest()
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let level = of_word(cursor.rest().get(..n)?)?;
    cursor.at = cursor.at.saturating_add(n);
    Some(level)
}

/// The level of a syslog priority (RFC 5424, 6.2.1).
pub(super) fn of_priority(priority: u64) -> Option<LogLevel> {
    Some(match priority {
        // 24 facilities of 8 severities.
        192.. => return None,
        _ => match priority % 8 {
            0..=2 => LogLevel::Fatal,
            3 => LogLevel::Error,
            4 => LogLevel::Warn,
            5 | 6 => LogLevel::Info,
            _ => LogLevel::Debug,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{WORDS, of_word};
    use crate::model::log::LogLevel;

    #[test]
    fn words_are_sorted_and_found_in_any_case() {
        assert!(WORDS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(
            WORDS
                .iter()
                .all(|(word, level)| of_word(word.as_bytes()) == Some(*level))
        );
        assert_eq!(of_word(b"Warning"), Some(LogLevel::Warn));
        assert_eq!(of_word(b"erroneous"), None);
    }
}
