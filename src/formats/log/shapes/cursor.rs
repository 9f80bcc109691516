//! Reading the head of a line byte by byte, without copying and without patterns: heads are short and lines are many.

/// A place in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    line: &'a [u8],
    /// Bytes that were read.
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or(&[])
    }

    /// The next byte.
    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// Passes a byte, if it is the next one.
    pub(super) fn byte(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at = self.at.saturating_add(1))
    }

    /// Passes these bytes, if they are the next ones.
    pub(super) fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest()
            .starts_with(literal)
            .then(|| self.at = self.at.saturating_add(literal.len()))
    }

    /// Passes spaces; how many.
    pub(super) fn spaces(&mut self) -> usize {
        let n = self.rest().iter().take_while(|byte| **byte == b' ').count();
        self.at = self.at.saturating_add(n);
        n
    }

    /// A number of one digit or more, and how many digits it has; of more than 18 digits nothing.
    pub(super) fn number(&mut self) -> Option<(u64, usize)> {
        let mut value: u64 = 0;
        let mut n: usize = 0;
        for byte in self.rest() {
            if !byte.is_ascii_digit() {
                break;
            }
            value = value
                .wrapping_mul(10)
                .wrapping_add(u64::from(byte.wrapping_sub(b'0')));
            n = n.saturating_add(1);
        }
        if n == 0 || n > 18 {
            return None;
        }
        self.at = self.at.saturating_add(n);
        Some((value, n))
    }

    /// A number of exactly `n` digits.
    pub(super) fn digits(&mut self, n: usize) -> Option<u64> {
        let before = self.at;
        match self.number() {
            Some((value, found)) if found == n => Some(value),
            _ => {
                self.at = before;
                None
            }
        }
    }

    /// The digits behind a point as nanoseconds: `5` is 500,000,000.
    pub(super) fn fraction(&mut self) -> Option<u64> {
        let (value, n) = self.number()?;
        let mut nanos = value;
        if n <= 9 {
            for _ in n..9 {
                nanos = nanos.saturating_mul(10);
            }
        } else {
            for _ in 9..n {
                nanos /= 10;
            }
        }
        Some(nanos)
    }

    /// Bytes up to the next `end`, which is passed; nothing when it does not come within `most` bytes.
    pub(super) fn until(&mut self, end: u8, most: usize) -> Option<(usize, usize)> {
        let rest = self.rest();
        let window = rest.get(..most).unwrap_or(rest);
        let n = window.iter().position(|byte| *byte == end)?;
        let start = self.at;
        self.at = start.saturating_add(n).saturating_add(1);
        Some((start, start.saturating_add(n)))
    }

    /// A word of letters, digits and `_ - . : / @ # $ +`; nothing when there is none or it is long.
    pub(super) fn word(&mut self) -> Option<(usize, usize)> {
        const LONGEST: usize = 64;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./@#$+".contains(byte);
        let n = self.rest().iter().take_while(|byte| is_part(byte)).count();
        if n == 0 || n > LONGEST {
            return None;
        }
        let start = self.at;
        self.at = start.saturating_add(n);
        Some((start, self.at))
    }

    /// Bytes of a range.
    pub(super) fn slice(&self, range: (usize, usize)) -> &'a [u8] {
        self.line.get(range.0..range.1).unwrap_or(&[])
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (algorithm of H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms").
pub(super) fn days_from_civil(year: i64, month: u64, day: u64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    let (month, day) = (i64::try_from(month).ok()?, i64::try_from(day).ok()?);
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// `12:34:56`, `12:34:56.789`, `12:34:56,789`, `12:34:56:789`: nanoseconds since midnight.
pub(super) fn time_of_day(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut try_it = *cursor;
    let hours = try_it.digits(2)?;
    try_it.byte(b':')?;
    let minutes = try_it.digits(2)?;
    try_it.byte(b':')?;
    let seconds = try_it.digits(2)?;
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let mut nanos = hours
        .saturating_mul(3600)
        .saturating_add(minutes.saturating_mul(60))
        .saturating_add(seconds)
        .saturating_mul(1_000_000_000);
    if matches!(try_it.peek(), Some(b'.' | b',' | b':')) {
        let mut part = try_it;
        part.at = part.at.saturating_add(1);
        if let Some(fraction) = part.fraction() {
            nanos = nanos.saturating_add(fraction);
            try_it = part;
        }
    }
    *cursor = try_it;
    Some(nanos)
}

/// `2024-01-31T12:34:56.789Z`, with a space or `T`, an offset or none (then UTC is taken): nanoseconds since 1970.
pub(super) fn date_time(cursor: &mut Cursor<'_>) -> Option<i64> {
    let mut try_it = *cursor;
    let year = i64::try_from(try_it.digits(4)?).ok()?;
    let separator = try_it.peek().filter(|byte| matches!(byte, b'-' | b'/'))?;
    try_it.byte(separator)?;
    let month = try_it.digits(2)?;
    try_it.byte(separator)?;
    let day = try_it.digits(2)?;
    if !matches!(try_it.peek(), Some(b'T' | b' ' | b'_')) {
        return None;
    }
    try_it.at = try_it.at.saturating_add(1);
    let nanos = i64::try_from(time_of_day(&mut try_it)?).ok()?;
    let offset = zone(&mut try_it).unwrap_or(0);
    let days = days_from_civil(year, month, day)?;
    *cursor = try_it;
    days.checked_mul(86_400)?
        .checked_sub(offset)?
        .checked_mul(1_000_000_000)?
        .checked_add(nanos)
}

/// `Z`, `+01:00`, `-0530`: seconds east of UTC.
fn zone(cursor: &mut Cursor<'_>) -> Option<i64> {
    let mut try_it = *cursor;
    if try_it.byte(b'Z').is_some() {
        *cursor = try_it;
        return Some(0);
    }
    let sign = match try_it.peek()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    try_it.at = try_it.at.saturating_add(1);
    let (hours, minutes) = match try_it.number()? {
        (both, 4) => (both / 100, both % 100),
        (hours, 2) => {
            try_it.byte(b':')?;
            (hours, try_it.digits(2)?)
        }
        _ => return None,
    };
    if hours > 14 || minutes > 59 {
        return None;
    }
    *cursor = try_it;
    let seconds = i64::try_from(
        hours
            .saturating_mul(3600)
            .saturating_add(minutes.saturating_mul(60)),
    )
    .ok()?;
    seconds.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::{Cursor, date_time, days_from_civil, time_of_day};

    #[test]
    fn dates_and_times_are_read_in_their_usual_forms() {
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(2024, 2, 29), Some(19_782));
        let at = |text: &str| date_time(&mut Cursor::new(text.as_bytes()));
        assert_eq!(at("1970-01-01T00:00:01.5Z"), Some(1_500_000_000));
        assert_eq!(at("2024-02-29 12:00:00+01:00"), at("2024-02-29T11:00:00Z"));
        assert_eq!(at("2024/02/29 12:00:00,250"), at("2024-02-29T12:00:00.25Z"));
        assert_eq!(at("2024-13-01T00:00:00Z"), None);
        assert_eq!(at("2024-01-01"), None);
        let of_day = |text: &str| time_of_day(&mut Cursor::new(text.as_bytes()));
        assert_eq!(of_day("00:00:01.234"), Some(1_234_000_000));
        assert_eq!(of_day("25:00:00"), None);
    }
}
