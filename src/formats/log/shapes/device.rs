//! Heads that devices and their logging libraries write.

use super::cursor::{date_time, time_of_day};
use super::host::day_of_year;
use super::level::{of_letter, of_priority, of_word, word};
use super::{Head, Shape};
use crate::model::log::LogLevel;

/// In the order they are tried: the more a shape asks for, the earlier.
pub(super) static SHAPES: &[Shape] = &[
    Shape {
        id: "esp-idf",
        read: esp_idf,
    },
    Shape {
        id: "zephyr",
        read: zephyr,
    },
    Shape {
        id: "uptime-level",
        read: uptime_level,
    },
    Shape {
        id: "syslog-5424",
        read: syslog_5424,
    },
    Shape {
        id: "syslog-3164",
        read: syslog_3164,
    },
    Shape {
        id: "env-logger",
        read: env_logger,
    },
    Shape {
        id: "mynewt",
        read: mynewt,
    },
    Shape {
        id: "kernel",
        read: kernel,
    },
    Shape {
        id: "bracketed-level",
        read: bracketed_level,
    },
    Shape {
        id: "rt-thread",
        read: rt_thread,
    },
    Shape {
        id: "defmt-print",
        read: defmt_print,
    },
    Shape {
        id: "logcat-threadtime",
        read: logcat_threadtime,
    },
    Shape {
        id: "logcat-brief",
        read: logcat_brief,
    },
    Shape {
        id: "freertos",
        read: freertos,
    },
    Shape {
        id: "level-letter",
        read: level_letter,
    },
    Shape {
        id: "level-word",
        read: level_word,
    },
];

const NANOS_A_MILLI: u64 = 1_000_000;
const NANOS_A_SECOND: u64 = 1_000_000_000;

/// `I (12345) wifi: text`, `W (09:12:01.123) wifi: text`.
fn esp_idf(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    let level = of_letter(cursor.peek().filter(|b| b"VDIWE".contains(b))?)?;
    cursor.at = cursor.at.saturating_add(1);
    cursor.literal(b" (")?;
    if let Some(time) = time_of_day(cursor) {
        head.time_ns = head.time_ns.or(Some(i64::try_from(time).ok()?));
        head.is_date_incomplete = true;
    } else {
        head.uptime_ns = Some(cursor.number()?.0.saturating_mul(NANOS_A_MILLI));
    }
    cursor.literal(b") ")?;
    let module = cursor.until(b':', 64)?;
    cursor.byte(b' ');
    head.module = Some(module);
    head.level = Some(level);
    Some(())
}

/// `[00:00:01.234,567] <inf> module: text`, `[0012345678] <inf> module: text`, `<inf> module: text`, and nRF5's `<info> app:
/// text`; a thread's name may stand between.
fn zephyr(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    if cursor.byte(b'[').is_some() {
        let mut clock = *cursor;
        if let Some(time) = date_time(&mut clock) {
            head.time_ns = Some(time);
            *cursor = clock;
        } else if let Some(uptime) = zephyr_uptime(&mut clock) {
            head.uptime_ns = Some(uptime);
            *cursor = clock;
        } else {
            // A cycle counter: its rate is not in the log.
            cursor.number()?;
        }
        cursor.byte(b']')?;
        cursor.spaces();
    }
    cursor.byte(b'<')?;
    head.level = Some(word(cursor)?);
    cursor.literal(b"> ")?;
    let mut module = *cursor;
    if let Some(range) = module.until(b':', 64) {
        let name = module.slice(range);
        // A colon in the middle of a sentence ends no module.
        if !name.is_empty() && !name.contains(&b' ') && module.byte(b' ').is_some() {
            head.module = Some(range);
            *cursor = module;
        }
    }
    Some(())
}

/// `[00:00:06.020] INF module: text`.
fn uptime_level(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    cursor.byte(b'[')?;
    let uptime = zephyr_uptime(cursor)?;
    cursor.byte(b']')?;
    cursor.spaces();
    head.level = Some(word(cursor)?);
    cursor.byte(b' ')?;
    head.uptime_ns = Some(uptime);
    module_before_colon(head);
    Some(())
}

/// Passes `module: `, if that is what comes.
fn module_before_colon(head: &mut Head<'_>) {
    let mut module = head.cursor;
    module.spaces();
    if let Some(range) = module.word()
        && module.literal(b": ").is_some()
    {
        head.module = Some(range);
        head.cursor = module;
    }
}

/// `00:00:01.234,567` and `1d 02:03:04.005,006`: hours may have more digits than two.
fn zephyr_uptime(cursor: &mut super::Cursor<'_>) -> Option<u64> {
    let (mut hours, _) = cursor.number()?;
    if cursor.literal(b"d ").is_some() {
        hours = hours.saturating_mul(24).saturating_add(cursor.number()?.0);
    }
    cursor.byte(b':')?;
    let minutes = cursor.digits(2)?;
    cursor.byte(b':')?;
    let seconds = cursor.digits(2)?;
    cursor.byte(b'.')?;
    let millis = cursor.digits(3)?;
    let micros = match cursor.byte(b',') {
        Some(()) => cursor.digits(3)?,
        None => 0,
    };
    let seconds = hours
        .saturating_mul(3600)
        .saturating_add(minutes.saturating_mul(60))
        .saturating_add(seconds);
    let nanos = millis
        .saturating_mul(1000)
        .saturating_add(micros)
        .saturating_mul(1000);
    Some(seconds.saturating_mul(NANOS_A_SECOND).saturating_add(nanos))
}

/// `<165>1 2003-10-11T22:14:15.003Z host app 1234 ID47 - text` (RFC 5424, 6).
fn syslog_5424(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    cursor.byte(b'<')?;
    let level = of_priority(cursor.number()?.0)?;
    cursor.literal(b">1 ")?;
    if cursor.literal(b"- ").is_none() {
        head.time_ns = Some(date_time(cursor)?);
        cursor.byte(b' ')?;
    }
    cursor.until(b' ', 255)?;
    let app = cursor.until(b' ', 64)?;
    cursor.until(b' ', 128)?;
    cursor.until(b' ', 64)?;
    if cursor.byte(b'-').is_none() {
        // Structured data: brackets, with quoted brackets inside.
        while cursor.byte(b'[').is_some() {
            while let Some((_, end)) = cursor.until(b']', 255) {
                if end == 0 || cursor.slice((end.saturating_sub(1), end)) != b"\\" {
                    break;
                }
            }
        }
    }
    cursor.byte(b' ');
    head.level = Some(level);
    head.module = Some(app).filter(|range| cursor.slice(*range) != b"-");
    Some(())
}

/// `<34>Oct 11 22:14:15 host su[123]: text`, and the same without its priority (RFC 3164, 4).
fn syslog_3164(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    if cursor.byte(b'<').is_some() {
        head.level = Some(of_priority(cursor.number()?.0)?);
        cursor.byte(b'>')?;
    }
    let month = cursor.rest().get(..3)?;
    cursor.at = cursor.at.saturating_add(3);
    if cursor.spaces() == 0 {
        return None;
    }
    let day = day_of_year(month, cursor.number()?.0)?;
    cursor.byte(b' ')?;
    let time = time_of_day(cursor)?;
    cursor.byte(b' ')?;
    cursor.word()?;
    cursor.byte(b' ')?;
    let module = cursor.word()?;
    if cursor.byte(b'[').is_some() {
        cursor.until(b']', 16)?;
    }
    cursor.byte(b':')?;
    cursor.byte(b' ');
    let day = day.checked_mul(86_400 * 1_000_000_000)?;
    if head.time_ns.is_none() {
        // The year is not written.
        head.time_ns = Some(day.checked_add(i64::try_from(time).ok()?)?);
        head.is_date_incomplete = true;
    }
    head.module = Some(module);
    Some(())
}

/// `[2024-01-31T12:34:56Z INFO  my::module] text`.
fn env_logger(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    cursor.byte(b'[')?;
    head.time_ns = Some(date_time(cursor)?);
    cursor.byte(b' ')?;
    head.level = Some(word(cursor)?);
    cursor.spaces();
    head.module = Some(cursor.until(b']', 128)?);
    cursor.byte(b' ');
    Some(())
}

/// `000123 [ts=12345us, mod=4 level=1] text`.
fn mynewt(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    cursor.number()?;
    cursor.literal(b" [ts=")?;
    let ts = cursor.number()?.0;
    let unit = if cursor.literal(b"us").is_some() {
        1000
    } else {
        cursor.literal(b"ssb")?;
        1000
    };
    cursor.literal(b", mod=")?;
    let start = cursor.at;
    cursor.number()?;
    head.module = Some((start, cursor.at));
    cursor.literal(b" level=")?;
    head.level = match cursor.number()?.0 {
        0 => Some(LogLevel::Debug),
        1 => Some(LogLevel::Info),
        2 => Some(LogLevel::Warn),
        3 => Some(LogLevel::Error),
        4 => Some(LogLevel::Fatal),
        _ => None,
    };
    cursor.byte(b']')?;
    cursor.byte(b' ');
    head.uptime_ns = Some(ts.saturating_mul(unit));
    Some(())
}

/// `[   12.345678] usb 1-1: text`: seconds since the start (Linux, `NuttX`); `[12345 ms] text`; `[1234] I/tag: text` is
/// RT-Thread's.
fn kernel(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    cursor.byte(b'[')?;
    cursor.spaces();
    let number = cursor.number()?.0;
    let uptime = if cursor.byte(b'.').is_some() {
        number
            .saturating_mul(NANOS_A_SECOND)
            .saturating_add(cursor.fraction()?)
    } else {
        cursor.spaces();
        if cursor.literal(b"ms").is_some() {
            number.saturating_mul(NANOS_A_MILLI)
        } else if cursor.literal(b"us").is_some() {
            number.saturating_mul(1000)
        } else {
            cursor.byte(b's')?;
            number.saturating_mul(NANOS_A_SECOND)
        }
    };
    cursor.byte(b']')?;
    cursor.spaces();
    head.uptime_ns = Some(uptime);
    // What may follow: a level in brackets, a level, or a module with a colon.
    let mut more = head.clone();
    if bracketed_level(&mut more).is_some() || level_word(&mut more).is_some() {
        more.uptime_ns = head.uptime_ns;
        *head = more;
        return Some(());
    }
    module_before_colon(head);
    Some(())
}

/// `[INFO] text`, `[INFO][mod]: text`, `[INFO ] mod: text`, `[I/tag] text`, `[I][tag] text`.
fn bracketed_level(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    cursor.byte(b'[')?;
    let letter = cursor.peek().and_then(of_letter);
    let mut short = *cursor;
    short.at = short.at.saturating_add(1);
    if let (Some(level), Some(b'/' | b']')) = (letter, short.peek()) {
        *cursor = short;
        head.level = Some(level);
        if cursor.byte(b'/').is_some() {
            head.module = Some(cursor.until(b']', 64)?);
            cursor.byte(b' ');
            return Some(());
        }
    } else {
        cursor.spaces();
        head.level = Some(word(cursor)?);
        cursor.spaces();
    }
    cursor.byte(b']')?;
    let mut ahead = *cursor;
    ahead.spaces();
    if ahead.byte(b'[').is_some()
        && let Some(range) = ahead.until(b']', 64)
    {
        head.module = Some(range);
        *cursor = ahead;
        cursor.byte(b':');
    }
    cursor.byte(b':');
    cursor.spaces();
    if head.module.is_none() {
        let mut module = *cursor;
        if let Some(range) = module.word()
            && module.literal(b": ").is_some()
        {
            head.module = Some(range);
            *cursor = module;
        }
    }
    Some(())
}

/// `[1234] I/tag: text`, `I/tag: text`: RT-Thread, `EasyLogger`.
fn rt_thread(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    if cursor.byte(b'[').is_some() {
        // Ticks: their rate is not in the log.
        cursor.number()?;
        cursor.byte(b']')?;
        cursor.spaces();
    }
    let level = of_letter(cursor.peek()?)?;
    cursor.at = cursor.at.saturating_add(1);
    cursor.byte(b'/')?;
    let module = cursor.word()?;
    cursor.spaces();
    if cursor.byte(b':').is_none() && cursor.peek() != Some(b'[') {
        return None;
    }
    cursor.spaces();
    head.level = Some(level);
    head.module = Some(module);
    Some(())
}

/// `0.001250 INFO  text`, `0.001250 [INFO ] text (crate file.rs:12)`.
fn defmt_print(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    let seconds = cursor.number()?.0;
    cursor.byte(b'.')?;
    let fraction = cursor.fraction()?;
    cursor.byte(b' ')?;
    let is_bracketed = cursor.byte(b'[').is_some();
    head.level = Some(word(cursor)?);
    cursor.spaces();
    if is_bracketed {
        cursor.byte(b']')?;
        cursor.spaces();
    }
    head.uptime_ns = Some(
        seconds
            .saturating_mul(NANOS_A_SECOND)
            .saturating_add(fraction),
    );
    Some(())
}

/// `01-31 12:34:56.789  1234  5678 I Tag: text`.
fn logcat_threadtime(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    let month = cursor.digits(2)?;
    cursor.byte(b'-')?;
    let day = cursor.digits(2)?;
    cursor.byte(b' ')?;
    let time = time_of_day(cursor)?;
    cursor.spaces();
    cursor.number()?;
    cursor.spaces();
    cursor.number()?;
    cursor.byte(b' ')?;
    let level = of_letter(cursor.peek()?)?;
    cursor.at = cursor.at.saturating_add(1);
    cursor.byte(b' ')?;
    let (start, end) = cursor.until(b':', 64)?;
    cursor.byte(b' ');
    let day = super::cursor::days_from_civil(1970, month, day)?;
    let time = i64::try_from(time).ok()?;
    head.time_ns = Some(day.checked_mul(86_400 * 1_000_000_000)?.checked_add(time)?);
    head.is_date_incomplete = true;
    head.level = Some(level);
    let padded = cursor.slice((start, end));
    head.module = Some((start, start.saturating_add(padded.trim_ascii_end().len())));
    Some(())
}

/// `I/Tag( 1234): text`.
fn logcat_brief(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    let level = of_letter(cursor.peek()?)?;
    cursor.at = cursor.at.saturating_add(1);
    cursor.byte(b'/')?;
    let (start, end) = cursor.until(b'(', 64)?;
    cursor.spaces();
    cursor.number()?;
    cursor.literal(b"): ")?;
    let padded = cursor.slice((start, end));
    head.level = Some(level);
    head.module = Some((start, start.saturating_add(padded.trim_ascii_end().len())));
    Some(())
}

/// `12 3456 [Tmr Svc] text`: number of the message, ticks, task.
fn freertos(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    cursor.number()?;
    cursor.byte(b' ')?;
    cursor.number()?;
    cursor.literal(b" [")?;
    head.module = Some(cursor.until(b']', 32)?);
    cursor.byte(b' ')?;
    let mut more = head.clone();
    if bracketed_level(&mut more).is_some() {
        head.level = more.level;
        head.cursor = more.cursor;
    }
    Some(())
}

/// `E: text`: Zephyr's minimal logging. One letter, so only what such a line looks like.
fn level_letter(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    let level = of_letter(cursor.peek().filter(|byte| b"DIWE".contains(byte))?)?;
    cursor.at = cursor.at.saturating_add(1);
    cursor.literal(b": ")?;
    head.level = Some(level);
    Some(())
}

/// `ERROR: text`, `INFO - text`, `WARN [mod] text`, `info(mod): text`: a level as the first word, and what marks it as one.
fn level_word(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    let start = cursor.at;
    let level = word(cursor)?;
    let is_capital = cursor
        .slice((start, cursor.at))
        .iter()
        .all(u8::is_ascii_uppercase);
    let end = cursor.at;
    let n_spaces = cursor.spaces();
    if cursor.byte(b':').is_some() || cursor.literal(b"- ").is_some() {
        cursor.spaces();
    } else if cursor.byte(b'[').is_some() || cursor.byte(b'(').is_some() {
        let close = if cursor.slice((cursor.at.saturating_sub(1), cursor.at)) == b"[" {
            b']'
        } else {
            b')'
        };
        head.module = Some(cursor.until(close, 64)?);
        cursor.byte(b':');
        cursor.spaces();
    } else if !(is_capital && n_spaces > 0 && of_word(cursor.slice((start, end))).is_some()) {
        // "Error" and "Warning" begin many a sentence.
        return None;
    } else {
        head.level = Some(level);
        module_before_colon(head);
        return Some(());
    }
    head.level = Some(level);
    Some(())
}
