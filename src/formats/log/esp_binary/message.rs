//! What a frame says.

use super::frame::{Cursor, Frame, Program, Stored};
use super::strings::{EspImage, text};
use crate::formats::log::printf::{Amounts, Kind, Length, Piece, Spec, Value, parse, write};
use crate::model::log::{LogLevel, LogRecord};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Format strings of contents of buffers, and how they are shown.
const BUFFERS: [(&str, Shown); 3] = [
    ("__ESP_BUFFER_HEX_FORMAT__", Shown::Hex),
    ("__ESP_BUFFER_CHAR_FORMAT__", Shown::Characters),
    ("__ESP_BUFFER_HEXDUMP_FORMAT__", Shown::Dump),
];
/// Bytes of a buffer in a line.
const BYTES_A_LINE: u8 = 16;
/// A message is not made longer than this by much: each argument may be a string or a width of 4096.
const LONGEST_TEXT: usize = 64 << 10;
/// Milliseconds since 1970 in the year 2000: a clock that was set says more.
const SET_CLOCK_MS: u64 = 946_684_800_000;

/// How the contents of a buffer are shown.
#[derive(Clone, Copy)]
enum Shown {
    Hex,
    Characters,
    Dump,
}

/// What `%p` has on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pointers {
    /// Its value.
    Addresses,
    /// That of a `char *` is sent as a text.
    Texts,
}

/// True when the ELF has the format string of a frame.
pub(super) fn is_known(frame: &Frame<'_>, image: &EspImage) -> bool {
    matches!(frame.format, Stored::At(address) if address != 0)
        && text(frame.format, Some(image)).is_some()
}

/// Fills `record`, or says why not.
pub(super) fn decode(
    frame: &Frame<'_>,
    image: Option<&EspImage>,
    record: &mut LogRecord,
) -> Result<(), String> {
    let found = |stored: Stored<'_>, what: &str| match text(stored, image) {
        Some(text) => Ok(text.into_owned()),
        None => Err(not_found(frame.program, image, stored, what)),
    };
    let format = found(frame.format, "format string")?;
    let tag = match frame.tag {
        Stored::At(0) => String::new(),
        tag => found(tag, "tag")?,
    };
    let buffer = BUFFERS.iter().find(|(begin, _)| format.starts_with(begin));
    let message = match buffer {
        Some((_, shown)) => buffer_text(*shown, frame.arguments, image),
        None => [Pointers::Addresses, Pointers::Texts]
            .into_iter()
            .find_map(|pointers| fill(&format, frame.arguments, image, pointers)),
    };
    let Some(message) = message else {
        let of_build = image.map_or(String::new(), |image| format!(" of {}", image.name));
        return Err(format!(
            "its arguments do not fit \"{format}\"{of_build}: another build wrote it"
        ));
    };
    record.clear();
    record.message = message;
    record.module = tag;
    record.level = match frame.level {
        1 => Some(LogLevel::Error),
        2 => Some(LogLevel::Warn),
        3 => Some(LogLevel::Info),
        4 => Some(LogLevel::Debug),
        _ => Some(LogLevel::Trace),
    };
    record.template = match frame.format {
        Stored::At(address) => Some(u64::from(address)),
        Stored::Copied(_) => None,
    };
    let nanos = frame.time.checked_mul(1_000_000);
    if frame.time >= SET_CLOCK_MS {
        record.time_ns = nanos.and_then(|nanos| i64::try_from(nanos).ok());
    } else if frame.time > 0 {
        // A log without times says 0.
        record.uptime_ns = nanos;
    }
    Ok(())
}

fn not_found(program: Program, image: Option<&EspImage>, stored: Stored<'_>, what: &str) -> String {
    let address = match stored {
        Stored::At(address) => address,
        Stored::Copied(_) => 0,
    };
    match (image, program) {
        (Some(image), _) => {
            let name = &image.name;
            format!("its {what} at {address:#x} is not in {name}: another build wrote it")
        }
        (None, Program::Application) => {
            "its strings are in the ELF of the application: add that ELF".to_owned()
        }
        (None, Program::BootLoader) => {
            "its strings are in the ELF of the boot loader: add its bootloader.elf".to_owned()
        }
    }
}

/// The text of a message; `None` when the arguments are not just those that the format string names.
fn fill(
    format: &str,
    arguments: &[u8],
    image: Option<&EspImage>,
    pointers: Pointers,
) -> Option<String> {
    let mut cursor = Cursor { rest: arguments };
    let mut out = String::new();
    for piece in parse(format) {
        match piece {
            Piece::Literal(literal) => out.push_str(&literal),
            Piece::Spec(spec) => {
                let amounts = Amounts::of(&spec, || {
                    let word = cursor.word().ok_or(())?;
                    Ok(i64::from(word.cast_signed()))
                });
                let amounts: Result<Amounts, ()> = amounts;
                let amounts = amounts.ok()?;
                let value = value(&spec, &mut cursor, image, pointers)?;
                // Of `n` nothing is written.
                if spec.kind() != Kind::Count && out.len() <= LONGEST_TEXT {
                    write(&spec, amounts, &value, &mut out);
                }
            }
        }
    }
    if out.len() > LONGEST_TEXT {
        out.push('…');
    }
    cursor.rest.is_empty().then_some(out)
}

fn value(
    spec: &Spec,
    cursor: &mut Cursor<'_>,
    image: Option<&EspImage>,
    pointers: Pointers,
) -> Option<Value> {
    let is_long = spec.length == Length::LongLong;
    Some(match spec.kind() {
        Kind::Signed if is_long => Value::Signed(cursor.long_word()?.cast_signed()),
        Kind::Unsigned if is_long => Value::Unsigned(cursor.long_word()?),
        Kind::Signed => {
            let value = cursor.word()?.cast_signed();
            Value::Signed(i64::from(match spec.length {
                Length::Char => value << 24 >> 24,
                Length::Short => value << 16 >> 16,
                _ => value,
            }))
        }
        Kind::Unsigned => {
            let value = cursor.word()?;
            Value::Unsigned(u64::from(match spec.length {
                Length::Char => value & 0xFF,
                Length::Short => value & 0xFFFF,
                _ => value,
            }))
        }
        Kind::Char => Value::Unsigned(u64::from(cursor.word()? & 0xFF)),
        Kind::Float => Value::Float(f64::from_bits(cursor.long_word()?)),
        Kind::Pointer if pointers == Pointers::Texts => Value::Str(argument(cursor.text()?, image)),
        Kind::Pointer | Kind::Count => Value::Str(format!("{:#x}", cursor.word()?)),
        Kind::Str => Value::Str(argument(cursor.text()?, image)),
    })
}

/// A string that is an argument. One that the ELF does not have is named.
fn argument(stored: Stored<'_>, image: Option<&EspImage>) -> String {
    match (text(stored, image), stored) {
        (Some(text), _) => text.into_owned(),
        (None, Stored::At(address)) => format!("<string@{address:#x}>"),
        (None, Stored::Copied(_)) => String::new(),
    }
}

/// The contents of a buffer, a line for each 16 bytes: its length, its bytes, where it was.
fn buffer_text(shown: Shown, arguments: &[u8], image: Option<&EspImage>) -> Option<String> {
    let mut cursor = Cursor { rest: arguments };
    let len = usize::try_from(cursor.word()?).ok()?;
    let stored = cursor.text()?;
    let address = cursor.word()?;
    if !cursor.rest.is_empty() {
        return None;
    }
    let bytes: Cow<'_, [u8]> = match stored {
        Stored::Copied(bytes) => Cow::Borrowed(bytes),
        // A single byte is stored like an address.
        Stored::At(word) if len == 1 && word < 0x1_0000 => {
            Cow::Owned(word.to_be_bytes().get(2..3)?.to_vec())
        }
        Stored::At(at) => {
            let Some(bytes) = image.and_then(|image| image.bytes(at)) else {
                return Some(format!(
                    "{len} bytes at {at:#x}, which the ELF does not have"
                ));
            };
            Cow::Borrowed(bytes)
        }
    };
    let mut out = String::new();
    let lines = bytes
        .get(..len)
        .unwrap_or(&bytes)
        .chunks(usize::from(BYTES_A_LINE));
    for (number, line) in (0_u32..).zip(lines) {
        // A buffer may claim to be at the end of the address space.
        let start = address.wrapping_add(number.wrapping_mul(u32::from(BYTES_A_LINE)));
        if !out.is_empty() {
            out.push('\n');
        }
        append_line(shown, line, start, &mut out);
    }
    Some(out)
}

fn append_line(shown: Shown, line: &[u8], start: u32, out: &mut String) {
    let hex = |bytes: &[u8]| {
        let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.join(" ")
    };
    let characters = line.iter().map(|byte| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    });
    match shown {
        Shown::Hex => out.push_str(&hex(line)),
        Shown::Characters => out.extend(characters),
        Shown::Dump => {
            let (left, right) = line.split_at_checked(8).unwrap_or((line, &[]));
            let characters: String = characters.collect();
            let (left, right) = (hex(left), hex(right));
            // Writing to a string does not fail.
            _ = write!(
                out,
                "{start:#010x}   {left:<23}  {right:<23}  |{characters}|"
            );
        }
    }
}
