//! Looks at numbers of a running program, as a recording is taken apart into (docs/recording-format.md, "Looks"): a line that says
//! what is looked at, and a line for each look.

use super::recording::{Look, WatchedNumber};
use super::{Carrier, Confidence, Decoded, Format};
use crate::formats::lines::as_u64;
use crate::model::progress::{Cancelled, Progress};
use crate::model::warning::Warning;
use serde::{Deserialize, Serialize};

/// The schema of the first line.
pub const WATCH_SCHEMA: &str = "fieldscope.watch/1";
/// What the first line begins with.
const BEGINNING: &[u8] = br#"{"schema":"fieldscope.watch/1""#;
/// No session has more looks: a day at 100 times a second.
const LOOKS_MAX: usize = 10_000_000;
/// The progress is told so often, in lines.
const TICK_LINES: usize = 4096;

/// Looks at numbers over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// When the session began, RFC 3339; [`Look::ns`] counts from then.
    pub started_at: String,
    /// What was looked at.
    pub numbers: Vec<WatchedNumber>,
    /// The looks, in their order.
    pub looks: Vec<Look>,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    schema: String,
    started_at: String,
    numbers: Vec<WatchedNumber>,
}

/// The first line of looks at these numbers.
pub(super) fn head(started_at: &str, numbers: &[WatchedNumber]) -> Vec<u8> {
    let head = Head {
        schema: WATCH_SCHEMA.to_owned(),
        started_at: started_at.to_owned(),
        numbers: numbers.to_vec(),
    };
    // Texts and numbers: they can always be written.
    let mut line = serde_json::to_vec(&head).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Looks at numbers.
pub(super) struct WatchedNumbers;

impl Format for WatchedNumbers {
    fn id(&self) -> &'static str {
        "watch"
    }

    fn label(&self) -> &'static str {
        "Watched numbers"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["fswatch"]
    }

    fn carrier(&self) -> Carrier {
        Carrier::WholeFile
    }

    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        if bytes.starts_with(BEGINNING) {
            Confidence::Certain
        } else {
            Confidence::No
        }
    }

    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        let mut decoded = Decoded::default();
        let mut watched = Watched::default();
        let (mut at, mut n_bad, mut first_bad) = (0, 0_u64, None);
        for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if number % TICK_LINES == 0 {
                progress.tick(as_u64(at), as_u64(bytes.len()))?;
            }
            let begin = at;
            at += line.len();
            if number == 0 {
                match serde_json::from_slice::<Head>(line) {
                    Ok(head) => {
                        watched.started_at = head.started_at;
                        watched.numbers = head.numbers;
                    }
                    Err(error) => {
                        decoded.warnings.push(Warning::at(
                            "FS-WATCH-001",
                            0,
                            format!("the first line does not say what was looked at ({error}); nothing could be read"),
                        ));
                        return Ok(decoded);
                    }
                }
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(look) if watched.looks.len() < LOOKS_MAX => watched.looks.push(look),
                _ => {
                    n_bad += 1;
                    first_bad.get_or_insert(begin);
                }
            }
        }
        if let Some(first) = first_bad {
            decoded.warnings.push(Warning::at(
                "FS-WATCH-002",
                as_u64(first),
                format!("{n_bad} lines from here on are no looks at numbers, or too many, and were left out"),
            ));
        }
        decoded.understood.push(0..as_u64(bytes.len()));
        decoded.watched.push(watched);
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::{WatchedNumbers, head};
    use crate::formats::recording::{WatchValue, WatchedNumber};
    use crate::formats::{Confidence, Format as _};
    use crate::model::progress::Unattended;

    #[test]
    fn looks_are_read_and_nonsense_is_told_with_its_place() {
        let number = WatchedNumber {
            name: "rssi".to_owned(),
            ..WatchedNumber::default()
        };
        let mut bytes = head("2026-11-29T20:00:00Z", &[number]);
        let n_head = bytes.len() as u64;
        bytes.extend_from_slice(b"{\"ns\":5,\"values\":[[0,-57]]}\n");
        bytes.extend_from_slice(b"{\"ns\":6,\"values\":[[0,null]]}\nnonsense\n");
        assert_eq!(WatchedNumbers.sniff(&bytes, ""), Confidence::Certain);
        let decoded = WatchedNumbers.decode(&bytes, &Unattended).unwrap();
        let looks = &decoded.watched[0].looks;
        assert_eq!(looks[0].values, [(0, Some(WatchValue::Integer(-57)))]);
        assert_eq!((looks[1].ns, looks[1].values[0]), (6, (0, None)));
        assert_eq!(decoded.warnings.len(), 1);
        assert_eq!(decoded.warnings[0].offset, Some(n_head + 28 + 29));
        let cut = WatchedNumbers.decode(&bytes[..40], &Unattended).unwrap();
        assert_eq!(cut.warnings[0].code, "FS-WATCH-001");
        assert!(cut.watched.is_empty());
    }
}
