//! Moments as tables write them: numbers since 1970 whose unit is told by their size, and dates.

use super::TimeUnit;

const SECOND_NS: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

/// The unit of a number since 1970-01-01 UTC that tells a moment between 1973 and 5138.
pub(super) fn unit_by_size(value: i64) -> TimeUnit {
    match value.unsigned_abs() {
        0..100_000_000_000 => TimeUnit::Seconds,
        100_000_000_000..100_000_000_000_000 => TimeUnit::Milliseconds,
        100_000_000_000_000..100_000_000_000_000_000 => TimeUnit::Microseconds,
        _ => TimeUnit::Nanoseconds,
    }
}

/// Nanoseconds since 1970-01-01 UTC of `2026-01-31T12:00:00.5Z`; a space may stand for the T, an offset (`+02:00`) for the Z.
/// Without an offset it is UTC; without a time it is midnight.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let bytes = text.trim().as_bytes();
    let (date, rest) = bytes.split_at_checked(10)?;
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date else {
        return None;
    };
    let days = days_since_1970(
        digits(&[y0, y1, y2, y3])?,
        digits(&[m0, m1])?,
        digits(&[d0, d1])?,
    )?;
    let midnight = days.checked_mul(DAY_S)?.checked_mul(SECOND_NS)?;
    if rest.is_empty() {
        return Some(midnight);
    }
    let (time, rest) = rest.split_at_checked(6)?;
    let &[b'T' | b't' | b' ', h0, h1, b':', n0, n1] = time else {
        return None;
    };
    let (hour, minute) = (digits(&[h0, h1])?, digits(&[n0, n1])?);
    let (second, rest) = match rest {
        [b':', s0, s1, rest @ ..] => (digits(&[*s0, *s1])?, rest),
        rest => (0, rest),
    };
    let (fraction_ns, rest) = match rest {
        [b'.' | b',', rest @ ..] => fraction(rest)?,
        rest => (0, rest),
    };
    let offset_s = offset(rest)?;
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = hour * 3600 + minute * 60 + second - offset_s;
    midnight
        .checked_add(seconds.checked_mul(SECOND_NS)?)?
        .checked_add(fraction_ns)
}

/// Nanoseconds of the digits behind the point, and what follows them.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let n = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = bytes.split_at_checked(n)?;
    if n == 0 {
        return None;
    }
    let mut ns = 0;
    for place in 0..9 {
        let digit = digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
        ns = ns * 10 + digit;
    }
    Some((ns, rest))
}

/// Seconds east of UTC.
fn offset(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.trim_ascii();
    match bytes {
        [] | b"Z" | b"z" | b"UTC" => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, rest @ ..] => {
            let minutes = match rest {
                [] => 0,
                [m0, m1] | [b':', m0, m1] => digits(&[*m0, *m1])?,
                _ => return None,
            };
            let seconds = digits(&[*h0, *h1])? * 3600 + minutes * 60;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// Days of a date of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days_of_month).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::{parse_date, unit_by_size};
    use crate::formats::table::TimeUnit;

    /// Seconds from `date -u -d TEXT +%s`.
    #[test]
    fn dates_are_read() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-31T12:00:00.5Z", 1_769_860_800_500_000_000),
            ("2026-01-31 12:00:00", 1_769_860_800_000_000_000),
            ("2026-01-31T14:00:00+02:00", 1_769_860_800_000_000_000),
            ("2026-01-31T12:00Z", 1_769_860_800_000_000_000),
            ("2024-02-29", 1_709_164_800_000_000_000),
            (
                "2000-03-01T00:00:00.123456789-0130",
                951_874_200_123_456_789,
            ),
        ];
        for (text, ns) in cases {
            assert_eq!(parse_date(text), Some(ns), "{text}");
        }
        for text in [
            "",
            "2026",
            "2026-02-30",
            "2026-13-01",
            "2026-01-01T25:00:00Z",
            "2026-01-01T00:00:00 CET",
            "2026-01-01T00:00:00.Z",
            "9999-01-01",
            "yesterday!",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn the_size_of_a_number_tells_its_unit() {
        assert_eq!(unit_by_size(1_760_000_400), TimeUnit::Seconds);
        assert_eq!(unit_by_size(1_760_000_400_000), TimeUnit::Milliseconds);
        assert_eq!(unit_by_size(1_760_000_400_000_000), TimeUnit::Microseconds);
        assert_eq!(
            unit_by_size(1_760_000_400_000_000_000),
            TimeUnit::Nanoseconds
        );
        assert_eq!(unit_by_size(i64::MIN), TimeUnit::Nanoseconds);
    }
}
