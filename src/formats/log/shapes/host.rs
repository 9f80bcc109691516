//! Heads that the receiving computer put before a line: time stamps of terminal programs and loggers.

use super::cursor::{date_time, days_from_civil, time_of_day};
use super::{Head, Shape};

/// In the order they are tried.
pub(super) static SHAPES: &[Shape] = &[
    Shape {
        id: "rtt-viewer",
        read: rtt_viewer,
    },
    Shape {
        id: "host-bracketed",
        read: bracketed,
    },
    Shape {
        id: "host-date",
        read: date,
    },
    Shape {
        id: "host-time",
        read: time,
    },
];

/// `00> line`: the channel, as SEGGER's RTT Viewer writes it.
fn rtt_viewer(head: &mut Head<'_>) -> Option<()> {
    head.cursor.digits(2)?;
    head.cursor.literal(b"> ")
}

/// `[2024-01-31 12:34:56.789] line`, `[12:34:56.789] line`: tio, picocom, `PuTTY`, minicom. Zephyr's own uptime looks like
/// the second and is the device's: it has microseconds behind a comma.
fn bracketed(head: &mut Head<'_>) -> Option<()> {
    head.cursor.byte(b'[')?;
    if let Some(time) = date_time(&mut head.cursor) {
        head.time_ns = Some(time);
    } else {
        let start = head.cursor.at;
        let time = time_of_day(&mut head.cursor)?;
        if head.cursor.slice((start, head.cursor.at)).contains(&b',')
            || head.cursor.peek() == Some(b',')
        {
            return None;
        }
        of_day(head, time)?;
    }
    head.cursor.byte(b']')?;
    // A head that goes on with a level in angle brackets is the device's own clock.
    let mut ahead = head.cursor;
    ahead.spaces();
    let is_device_level = [b"INF ", b"WRN ", b"ERR ", b"DBG "]
        .iter()
        .any(|level| ahead.rest().starts_with(*level));
    if (ahead.peek() == Some(b'<') || is_device_level) && head.is_date_incomplete {
        return None;
    }
    behind(head)
}

/// `2024-01-31T12:34:56.789Z line`.
fn date(head: &mut Head<'_>) -> Option<()> {
    head.time_ns = Some(date_time(&mut head.cursor)?);
    behind(head)
}

/// `12:34:56.789 line`, `12:34:56.789 -> line`.
fn time(head: &mut Head<'_>) -> Option<()> {
    let time = time_of_day(&mut head.cursor)?;
    of_day(head, time)?;
    behind(head)
}

fn of_day(head: &mut Head<'_>, time: u64) -> Option<()> {
    // An outer stamp with a date knows more.
    if head.time_ns.is_none() {
        head.time_ns = Some(i64::try_from(time).ok()?);
        head.is_date_incomplete = true;
    }
    Some(())
}

/// What may stand between a stamp and the line; the line may also end there.
fn behind(head: &mut Head<'_>) -> Option<()> {
    let cursor = &mut head.cursor;
    let n_spaces = cursor.spaces();
    let has_mark = [&b"-> "[..], b"| ", b": ", b"- "]
        .iter()
        .any(|mark| cursor.literal(mark).is_some());
    (n_spaces > 0 || has_mark || cursor.rest().is_empty()).then_some(())
}

/// The day of the year that `Oct 11` is in 1970, from 0.
pub(super) fn day_of_year(month: &[u8], day: u64) -> Option<i64> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let month = MONTHS.iter().position(|known| known.as_slice() == month)?;
    days_from_civil(1970, u64::try_from(month).ok()?.saturating_add(1), day)
}
