//! The texts of log entries, out of ELF files, and how they are filled.

use crate::formats::log::printf::{Amounts, Kind, Length, Piece, Spec, Value, parse, write};
use crate::formats::sdk::definitions::{LogEntryFormat, log_formats};
use crate::model::build_id::BuildId;
use crate::model::device_message::SentValue;
use std::collections::BTreeMap;

/// A message is not made longer than this by much: each argument may be a string or a width of 4096.
const LONGEST_TEXT: usize = 64 << 10;

/// Texts of log entries by build, and by the id that stands for them.
#[derive(Clone, Debug, Default)]
pub struct SdkTexts {
    builds: Vec<(BuildId, BTreeMap<u64, LogEntryFormat>)>,
}

impl SdkTexts {
    /// Adds those of a build, which are the bytes of `.fieldscope.logs`, at this address.
    pub fn add(&mut self, build: &BuildId, address: u64, section: &[u8]) {
        self.builds
            .push((build.clone(), log_formats(address, section)));
    }

    /// Those of a build, named wholly or by the beginning of its id.
    pub(super) fn of(&self, build: &BuildId) -> Option<&BTreeMap<u64, LogEntryFormat>> {
        let (_, texts) = self.builds.iter().find(|(id, _)| id.matches(build))?;
        Some(texts)
    }
}

/// The text of a format with its arguments; `None` when they do not fit it.
pub(super) fn fill(format: &str, arguments: &[SentValue]) -> Option<String> {
    let mut arguments = arguments.iter();
    let mut text = String::new();
    for piece in parse(format) {
        match piece {
            Piece::Literal(literal) => text.push_str(&literal),
            Piece::Spec(spec) => {
                let amounts = Amounts::of(&spec, || integer(arguments.next()).ok_or(())).ok()?;
                if spec.kind() != Kind::Count {
                    let value = value(&spec, arguments.next()?)?;
                    write(&spec, amounts, &value, &mut text);
                }
            }
        }
        if text.len() > LONGEST_TEXT {
            return None;
        }
    }
    arguments.next().is_none().then_some(text)
}

fn integer(value: Option<&SentValue>) -> Option<i64> {
    match value {
        Some(SentValue::Integer(number)) => i64::try_from(*number).ok(),
        _ => None,
    }
}

/// An argument as the conversion reads it.
fn value(spec: &Spec, sent: &SentValue) -> Option<Value> {
    match (spec.kind(), sent) {
        (Kind::Signed | Kind::Char, SentValue::Integer(number)) => {
            let number = i64::try_from(*number).ok()?;
            Some(Value::Signed(match spec.length {
                Length::Char => i64::from(i8::from_le_bytes(lowest(number))),
                Length::Short => i64::from(i16::from_le_bytes(lowest(number))),
                _ => number,
            }))
        }
        (Kind::Unsigned | Kind::Pointer, SentValue::Integer(number)) => {
            Some(Value::Unsigned(unsigned(spec.length, *number)?))
        }
        (Kind::Float, SentValue::Float(number)) => Some(Value::Float(*number)),
        (Kind::Float, SentValue::Integer(number)) => Some(Value::Float(*number as f64)),
        (Kind::Str, SentValue::Text(text)) => Some(Value::Str(text.clone())),
        _ => None,
    }
}

/// An integer was sent with a sign; a negative one stands for itself plus 2^32 or 2^64.
fn unsigned(length: Length, number: i128) -> Option<u64> {
    let signed = i64::try_from(number).ok();
    match length {
        Length::Char => Some(u64::from(u8::from_le_bytes(lowest(signed?)))),
        Length::Short => Some(u64::from(u16::from_le_bytes(lowest(signed?)))),
        _ if number >= 0 => u64::try_from(number).ok(),
        Length::LongLong => Some(signed?.cast_unsigned()),
        // A `long` has 32 bits on the devices that there are, and so has what fits them.
        _ => match i32::try_from(number) {
            Ok(number) => Some(u64::from(number.cast_unsigned())),
            Err(_wide) => Some(signed?.cast_unsigned()),
        },
    }
}

fn lowest<const N: usize>(number: i64) -> [u8; N] {
    let bytes = number.to_le_bytes();
    let mut kept = [0; N];
    for (to, from) in kept.iter_mut().zip(bytes) {
        *to = from;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::fill;
    use crate::model::device_message::SentValue::{Float, Integer, Text};

    #[test]
    fn arguments_are_those_of_c() {
        // What glibc's printf writes of the same arguments.
        for (format, arguments, text) in [
            (
                "%d of %u",
                vec![Integer(-5), Integer(-1)],
                "-5 of 4294967295",
            ),
            ("%llx", vec![Integer(-1)], "ffffffffffffffff"),
            ("%hhu %hd", vec![Integer(300), Integer(70_000)], "44 4464"),
            (
                "%5.1f|%-4s|",
                vec![Float(21.5), Text("ab".to_owned())],
                " 21.5|ab  |",
            ),
            ("%*d%%", vec![Integer(4), Integer(7)], "   7%"),
            ("%c%lu", vec![Integer(65), Integer(-2)], "A4294967294"),
        ] {
            assert_eq!(fill(format, &arguments).as_deref(), Some(text), "{format}");
        }
        for (format, arguments) in [
            ("%d", vec![]),
            ("%d", vec![Text("x".to_owned())]),
            ("%s", vec![Integer(1)]),
            ("plain", vec![Integer(1)]),
        ] {
            assert_eq!(fill(format, &arguments), None, "{format}");
        }
    }
}
