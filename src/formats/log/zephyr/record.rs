//! What a row of a Zephyr log says.

use super::arguments::fill;
use super::database::{Clock, ZephyrDatabase};
use super::layout::{Layout, Message, Sent};
use super::stream_of;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::model::log::{LogLevel, LogRecord, RowKind};
use std::fmt::Write as _;

/// Bytes of data in a line.
const BYTES_A_LINE: usize = 16;

/// Fills `record` from a message or a note of dropped ones; else the reason why it cannot be decoded.
pub(super) fn decode(
    bytes: &[u8],
    dictionaries: &LogDictionaries,
    record: &mut LogRecord,
) -> Result<(), String> {
    record.clear();
    let stream = stream_of(dictionaries);
    let whole = stream.layouts().filter_map(|layout| {
        let (sent, len) = layout.parse(bytes).ok()?;
        (len == bytes.len()).then_some((sent, layout))
    });
    let Some(database) = stream.database else {
        return without_database(whole, record);
    };
    let mut reason = "it is no whole message: bytes were lost or changed on the way".to_owned();
    for (sent, layout) in whole {
        match sent {
            Sent::Dropped(n) => {
                dropped(n, record);
                return Ok(());
            }
            Sent::Message(message) => match decode_message(&message, layout, database, record) {
                Ok(()) => return Ok(()),
                Err(why) => reason = why,
            },
        }
    }
    Err(reason)
}

/// Without a database only dropped messages can be told.
fn without_database<'b>(
    whole: impl Iterator<Item = (Sent<'b>, Layout)>,
    record: &mut LogRecord,
) -> Result<(), String> {
    let mut counts: Vec<u64> = Vec::new();
    for (sent, _) in whole {
        match sent {
            Sent::Dropped(n) => counts.push(n),
            Sent::Message(_) => {
                return Err("its strings are in the dictionary of the build: add its log_dictionary.json or its ELF".to_owned());
            }
        }
    }
    // The order of the bytes is not known; a device counts to 9999.
    let n = counts.iter().min().ok_or("it is no whole message")?;
    dropped(*n, record);
    Ok(())
}

fn dropped(n: u64, record: &mut LogRecord) {
    record.clear();
    record.kind = RowKind::Dropped;
    record.n_dropped = Some(n);
    // Writing to a string does not fail.
    _ = write!(record.message, "{n} messages dropped");
}

fn decode_message(
    message: &Message<'_>,
    layout: Layout,
    database: &ZephyrDatabase,
    record: &mut LogRecord,
) -> Result<(), String> {
    let package = &message.package;
    let format = match package.copied_format(layout) {
        Some(copied) => Some(String::from_utf8_lossy(copied)),
        None => database.string(package.format),
    };
    let of_build = || match &database.build {
        Some(build) => format!(" of {build}"),
        None => String::new(),
    };
    let Some(format) = format else {
        return Err(format!(
            "its format string at {:#x} is not in the dictionary{}: bytes were changed on the way, or another build wrote it",
            package.format,
            of_build()
        ));
    };
    let Some(text) = fill(&format, package, layout, database) else {
        return Err(format!(
            "its arguments do not fit \"{format}\" of the dictionary{}: another build wrote it",
            of_build()
        ));
    };
    record.clear();
    record.message = text;
    record.level = match message.level {
        1 => Some(LogLevel::Error),
        2 => Some(LogLevel::Warn),
        3 => Some(LogLevel::Info),
        4 => Some(LogLevel::Debug),
        _ => None,
    };
    if record.level.is_some() {
        let source = database.sources.get(&message.source);
        record.module.push_str(source.map_or("", |name| name));
    } else {
        // What printk wrote has its own line end.
        let len = record.message.trim_end_matches(['\r', '\n']).len();
        record.message.truncate(len);
    }
    record.template = Some(package.format);
    let nanos = |hertz: u64| {
        u128::from(message.timestamp)
            .saturating_mul(1_000_000_000)
            .checked_div(u128::from(hertz))
    };
    match database.clock {
        Some(Clock::Uptime(hertz)) => {
            record.uptime_ns = nanos(hertz).and_then(|ns| u64::try_from(ns).ok());
        }
        Some(Clock::Wall) => {
            record.time_ns = nanos(1000).and_then(|ns| i64::try_from(ns).ok());
        }
        // Writing to a string does not fail.
        None => _ = write!(record.stamp, "{}", message.timestamp),
    }
    for line in message.data.chunks(BYTES_A_LINE) {
        append_dump(line, &mut record.message);
    }
    Ok(())
}

/// `48 45 58 44 55 4d 50 21  20 48 45 58 44 55 4d 50 |HEXDUMP!  HEXDUMP`
fn append_dump(line: &[u8], out: &mut String) {
    out.push('\n');
    for (index, byte) in (1..).zip(line) {
        // Writing to a string does not fail.
        _ = write!(out, "{byte:02x} ");
        if index == BYTES_A_LINE / 2 {
            out.push(' ');
        }
    }
    let n_missing = BYTES_A_LINE.saturating_sub(line.len());
    out.extend(std::iter::repeat_n("   ", n_missing));
    out.push('|');
    for (index, byte) in (1..).zip(line) {
        let is_shown = matches!(byte, b' '..=b'~');
        out.push(if is_shown { char::from(*byte) } else { '.' });
        if index == BYTES_A_LINE / 2 {
            out.push(' ');
        }
    }
}
