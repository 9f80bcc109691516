//! Times on the axis of a log, in words and back: `boot 2, 12.345 s`, `12:34:56.789`, `2024-01-31 12:34:56.789`.

use super::view::{DensityAxis, LogDensity};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The axis of a log, as far as it takes to read and write its times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// What it counts.
    pub axis: DensityAxis,
    /// First and last time.
    pub span: (i64, i64),
    /// Where boots begin on it.
    pub boots: Vec<i64>,
}

impl From<&LogDensity> for Moments {
    fn from(density: &LogDensity) -> Self {
        Self {
            axis: density.axis,
            span: density.span,
            boots: if density.is_by_boot || density.axis != DensityAxis::Uptime {
                density.boots.clone()
            } else {
                Vec::new()
            },
        }
    }
}

/// A time that was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Since the boot began.
    SinceBoot(i64),
    /// Of a day.
    OfDay(i64),
    /// Since 1970 (UTC).
    Dated(i64),
    /// A date without a time: its first nanosecond.
    Day(i64),
    /// So long after (before, when negative) another time.
    After(i64),
}

impl Moments {
    /// True when the log has times.
    pub fn has_times(&self) -> bool {
        self.axis != DensityAxis::Rows
    }

    /// The boot, from 0, that a time of an axis of uptimes lies in, and where it begins.
    fn boot_of(&self, ns: i64) -> Option<(usize, i64)> {
        let n = self.boots.partition_point(|start| *start <= ns);
        let boot = n.checked_sub(1)?;
        Some((boot, *self.boots.get(boot)?))
    }

    /// A time, exactly, as [`Self::read`] understands it.
    pub fn text(&self, ns: i64) -> String {
        match self.axis {
            DensityAxis::Rows => format!("line {}", ns.saturating_add(1)),
            DensityAxis::Uptime => match self.boot_of(ns) {
                Some((boot, start)) if self.boots.len() > 1 => format!(
                    "boot {}, {}",
                    boot.saturating_add(1),
                    seconds(ns.saturating_sub(start))
                ),
                _ => seconds(ns),
            },
            DensityAxis::Wall => format!("{} {}", date(ns), of_day(ns)),
            DensityAxis::Clock => of_day(ns),
        }
    }

    /// A time as it stands below an axis, whose parts are `step` long.
    pub fn short(&self, ns: i64, step: i64) -> String {
        match self.axis {
            DensityAxis::Rows => format!("line {}", ns.saturating_add(1)),
            DensityAxis::Uptime => duration(ns, step),
            DensityAxis::Wall if step >= DAY => date(ns),
            DensityAxis::Wall | DensityAxis::Clock => {
                let text = of_day(ns);
                let len = match step {
                    ..SECOND => text.len(),
                    SECOND..60_000_000_000 => 8,
                    _ => 5,
                };
                text.get(..len).unwrap_or(&text).to_owned()
            }
        }
    }

    /// Where a written time lies on this axis; `near` is the time that a person looks at. The error is one for people.
    pub fn place(&self, written: Written, near: i64) -> Result<i64, String> {
        match (written, self.axis) {
            (_, DensityAxis::Rows) => {
                Err("The lines of this log say no time. Give a line number.".to_owned())
            }
            (Written::After(ns), _) => Ok(near.saturating_add(ns)),
            (Written::SinceBoot(ns) | Written::OfDay(ns), DensityAxis::Uptime) => {
                let start = self.boot_of(near).map_or(0, |(_, start)| start);
                Ok(start.saturating_add(ns))
            }
            (Written::Dated(ns) | Written::Day(ns), DensityAxis::Wall) => Ok(ns),
            (Written::OfDay(ns), DensityAxis::Wall | DensityAxis::Clock) => {
                Ok(near.div_euclid(DAY).saturating_mul(DAY).saturating_add(ns))
            }
            (Written::SinceBoot(_), _) => Err(
                "This log says the time of day, not how long the device ran. Give a time as 12:34:56."
                    .to_owned(),
            ),
            (Written::Dated(_) | Written::Day(_), _) => {
                Err("This log has no dates. Give a time without one.".to_owned())
            }
        }
    }

    /// Reads a time: what [`Self::text`] writes, and every form of [`written`].
    pub fn read(&self, text: &str, near: i64) -> Result<i64, String> {
        let text = text.trim();
        let (near, rest) = match self.boot_prefix(text) {
            Some((boot, rest)) => match self.boots.get(boot) {
                Some(start) => (*start, rest),
                None => return Err(self.no_boot(boot)),
            },
            None => (near, text),
        };
        match written(rest) {
            Some(written) => self.place(written, near),
            None => Err(format!(
                "{text} is no time. Write 12:34:56.789, 12.345 s, +5 s or a date."
            )),
        }
    }

    /// `boot 2, 12 s` in its parts; boots are counted from 0 here.
    pub fn boot_prefix<'a>(&self, text: &'a str) -> Option<(usize, &'a str)> {
        let rest = text.strip_prefix("boot ")?;
        let (number, rest) = rest.split_once(',')?;
        let boot: usize = number.trim().parse().ok()?;
        Some((boot.checked_sub(1)?, rest.trim()))
    }

    /// Says that there is no such boot.
    pub fn no_boot(&self, boot: usize) -> String {
        let boot = boot.saturating_add(1);
        match self.boots.len() {
            0 => format!("There is no boot {boot}: no line of this log tells of a boot."),
            1 => format!("There is no boot {boot}: this log has one boot."),
            n => format!("There is no boot {boot}: this log has boots 1 to {n}."),
        }
    }
}

/// Reads a time in any of its forms: `12:34:56.789`, `1:02`, `12.345`, `12.3 s`, `500 ms`, `2 min`, `+5 s`,
/// `2024-01-31T12:34:56Z`, `2024-01-31`.
pub fn written(text: &str) -> Option<Written> {
    let text = text.trim();
    for (sign, factor) in [('+', 1), ('-', -1), ('\u{2212}', -1)] {
        if let Some(rest) = text.strip_prefix(sign) {
            let ns = length(rest.trim()).or_else(|| clock(rest.trim()))?;
            return Some(Written::After(ns.checked_mul(factor)?));
        }
    }
    if let Some(found) = dated(text) {
        return Some(found);
    }
    if let Some(ns) = clock(text) {
        return Some(Written::OfDay(ns));
    }
    // A number alone is a line; with a part behind the point it is what the column of times shows.
    let is_seconds = text.contains('.') || text.ends_with(char::is_alphabetic);
    is_seconds
        .then(|| length(text))
        .flatten()
        .map(Written::SinceBoot)
}

/// `2024-01-31`, with a time behind it or none.
fn dated(text: &str) -> Option<Written> {
    let day = text.get(..10)?;
    let at = |text: &str| {
        let time = humantime::parse_rfc3339_weak(text).ok()?;
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_nanos()).ok()
    };
    let midnight = at(&format!("{day}T00:00:00Z"))?;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return Some(Written::Day(midnight));
    }
    let rest = rest.strip_prefix(['T', ' ', '_'])?.trim();
    let (time, east) = zone(rest)?;
    let ns = midnight.checked_add(clock(time)?)?;
    Some(Written::Dated(ns.checked_sub(east)?))
}

/// Takes `Z`, `+02:00` or `-0530` off a time of day; how far east that is, in nanoseconds.
fn zone(text: &str) -> Option<(&str, i64)> {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return Some((rest.trim_end(), 0));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, 0));
    };
    let (time, offset) = text.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i64>().ok()?, 0),
        4 => (
            digits.get(..2)?.parse::<i64>().ok()?,
            digits.get(2..)?.parse::<i64>().ok()?,
        ),
        _ => return None,
    };
    if hours > 14 || minutes > 59 {
        return None;
    }
    let minutes = hours.saturating_mul(60).saturating_add(minutes);
    Some((
        time.trim_end(),
        minutes.saturating_mul(60 * SECOND).saturating_mul(sign),
    ))
}

/// `12:34:56.789`, `12:34`, `0:05`: two parts are minutes and seconds when the second has a fraction, else hours and minutes.
fn clock(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    let whole = |part: &str| {
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| part.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes, rest) = match parts.as_slice() {
        [hours, minutes, rest] => (whole(hours)?, whole(minutes)?, *rest),
        [minutes, rest] if rest.contains(['.', ',']) => (0, whole(minutes)?, *rest),
        [hours, minutes] => (whole(hours)?, whole(minutes)?, "0"),
        _ => return None,
    };
    let rest = decimal(&rest.replace(',', "."), SECOND)?;
    if minutes > 59 && parts.len() == 3 || rest >= 61 * SECOND {
        return None;
    }
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    minutes.checked_mul(60 * SECOND)?.checked_add(rest)
}

/// `5 s`, `500 ms`, `1.5min`; a number alone is in seconds.
fn length(text: &str) -> Option<i64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let unit = match unit.trim() {
        "" | "s" | "sec" => SECOND,
        "ms" => 1_000_000,
        "us" | "\u{b5}s" => 1000,
        "ns" => 1,
        "min" | "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        "d" => DAY,
        _ => return None,
    };
    // As the column of times writes thousands.
    decimal(&number.replace(',', ""), unit)
}

/// A decimal number of a unit, exactly; what is less than a nanosecond is cut.
fn decimal(text: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let digits = fraction.get(..fraction.len().min(18))?;
    let part: i128 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    let scale = 10_i128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let part = part.checked_mul(unit.into())?.checked_div(scale)?;
    whole
        .checked_mul(unit)?
        .checked_add(i64::try_from(part).ok()?)
}

/// `12.345 s`: as the column of times, with more digits where there are more.
fn seconds(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let (whole, fraction) = (ns / 1_000_000_000, ns % 1_000_000_000);
    if fraction % 1_000_000 == 0 {
        return format!("{sign}{whole}.{:03} s", fraction / 1_000_000);
    }
    let digits = format!("{fraction:09}");
    format!("{sign}{whole}.{} s", digits.trim_end_matches('0'))
}

/// `450 ms`, `12.5 s`, `4 min 05 s`, `3 h 12 min`: as exact as steps of an axis have to be.
fn duration(ns: i64, step: i64) -> String {
    let whole = ns.div_euclid(SECOND);
    match whole {
        ..120 if step < 1_000_000 => format!("{} \u{b5}s", ns / 1000),
        ..10 if step < SECOND => format!("{} ms", ns / 1_000_000),
        ..120 if step < SECOND => format!("{whole}.{} s", ns.rem_euclid(SECOND) / 100_000_000),
        ..120 => format!("{whole} s"),
        120..7200 if step % (60 * SECOND) == 0 => format!("{} min", whole / 60),
        120..7200 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// `12:34:56.789`.
fn of_day(ns: i64) -> String {
    let ns = ns.rem_euclid(DAY);
    let seconds = ns / SECOND;
    let text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    let fraction = ns % SECOND;
    if fraction % 1_000_000 == 0 {
        return format!("{text}.{:03}", fraction / 1_000_000);
    }
    let digits = format!("{fraction:09}");
    format!("{text}.{}", digits.trim_end_matches('0'))
}

/// `2024-01-31`.
fn date(ns: i64) -> String {
    let day = ns.div_euclid(DAY).saturating_mul(86_400);
    let since = std::time::Duration::from_secs(u64::try_from(day).unwrap_or(0));
    let text = std::time::UNIX_EPOCH
        .checked_add(since)
        .map(|day| humantime::format_rfc3339_seconds(day).to_string());
    text.and_then(|text| Some(text.get(..10)?.to_owned()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{DAY, Moments, SECOND, Written, written};
    use crate::engine::logs::view::DensityAxis;

    #[test]
    fn times_are_read_in_every_form_and_lines_are_not_times() {
        let dated = 1_706_704_496_000_000_000; // date -u -d 2024-01-31T12:34:56Z +%s
        for (text, expected) in [
            ("12:34:56.789", Some(Written::OfDay(45_296_789_000_000))),
            ("00:01:02", Some(Written::OfDay(62 * SECOND))),
            ("12:34", Some(Written::OfDay(45_240 * SECOND))),
            ("1:02.5", Some(Written::OfDay(62_500_000_000))),
            ("12.345", Some(Written::SinceBoot(12_345_000_000))),
            ("1,012.345", Some(Written::SinceBoot(1_012_345_000_000))),
            ("500 ms", Some(Written::SinceBoot(500_000_000))),
            ("0.1h", Some(Written::SinceBoot(360 * SECOND))),
            ("0.123456789123 s", Some(Written::SinceBoot(123_456_789))),
            ("+5 s", Some(Written::After(5 * SECOND))),
            ("+5", Some(Written::After(5 * SECOND))),
            ("-00:01:00", Some(Written::After(-60 * SECOND))),
            ("2024-01-31T12:34:56Z", Some(Written::Dated(dated))),
            ("2024-01-31 14:34:56+02:00", Some(Written::Dated(dated))),
            ("2024-01-31", Some(Written::Day(dated / DAY * DAY))),
            ("1234", None),
            ("12:99:00", None),
            ("99999999999999999999 s", None),
            ("boot", None),
            ("", None),
            ("+", None),
            ("2024-13-01", None),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", None),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_of_a_time_is_read_as_the_same() {
        let boots = vec![0, 20 * SECOND, 21 * SECOND];
        for (axis, boots, texts) in [
            (
                DensityAxis::Uptime,
                boots,
                ["boot 1, 0.000 s", "boot 3, 62.500001 s"],
            ),
            (DensityAxis::Uptime, vec![], ["0.000 s", "83.500001 s"]),
            (
                DensityAxis::Wall,
                vec![],
                ["1970-01-01 00:00:00.000", "1970-01-01 00:01:23.500001"],
            ),
            (
                DensityAxis::Clock,
                vec![],
                ["00:00:00.000", "00:01:23.500001"],
            ),
        ] {
            let moments = Moments {
                axis,
                span: (0, DAY),
                boots,
            };
            for (ns, text) in [0, 83_500_001_000].into_iter().zip(texts) {
                assert_eq!(moments.text(ns), text);
                assert_eq!(moments.read(text, 0), Ok(ns), "{text}");
            }
        }
    }
}
