//! Spans of time as people write them: `2.5 s`, `-300 ms`. The offset handle of a merged log.

/// Units with their nanoseconds, the one that is shown first.
const UNITS: [(&str, i64); 13] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("µs", 1000),
    ("us", 1000),
    ("ns", 1),
    ("m", 60_000_000_000),
    ("sec", 1_000_000_000),
    ("hours", 3_600_000_000_000),
    ("days", 86_400_000_000_000),
    ("\u{3bc}s", 1000),
];

/// Nanoseconds of a span: a sign, a number, a unit (`s` when there is none), and so on: `1 h 2 min`. An error says what is wrong
/// with it.
pub fn parse(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text} is no span of time: write one as 2.5 s or -300 ms");
    let trimmed = text.trim();
    let (is_negative, mut rest) = match trimmed.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (
            false,
            trimmed.strip_prefix('+').unwrap_or(trimmed).trim_start(),
        ),
    };
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let (number, behind) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
        let behind = behind.trim_start();
        let (unit, next) = behind.split_at(
            behind
                .find(|c: char| !c.is_alphabetic())
                .unwrap_or(behind.len()),
        );
        let unit = if unit.is_empty() { "s" } else { unit };
        let (_, nanos) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        total = total
            .checked_add(scaled(number, *nanos).ok_or_else(wrong)?)
            .ok_or_else(wrong)?;
        rest = next.trim_start();
    }
    let total = if is_negative { -total } else { total };
    i64::try_from(total).map_err(|_too_long| wrong())
}

/// A decimal number of units in nanoseconds; what is less than one of these is cut off.
fn scaled(number: &str, nanos: i64) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let part = part.get(..part.len().min(18))?;
    let fraction: i128 = if part.is_empty() {
        0
    } else {
        part.parse().ok()?
    };
    let scale = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let nanos = i128::from(nanos);
    let below = fraction.checked_mul(nanos)?.checked_div(scale)?;
    whole.checked_mul(nanos)?.checked_add(below)
}

/// A span with its sign and all of its digits: `+2.5 s`, `-300 ms`, `+2 h`, `0 s`.
pub fn words(ns: i64) -> String {
    let sign = match ns {
        0 => return "0 s".to_owned(),
        1.. => "+",
        _ => "-",
    };
    let size = ns.unsigned_abs();
    // Days, hours and minutes have no decimals that people read.
    let whole = UNITS.iter().take(3).find_map(|(name, nanos)| {
        let nanos = nanos.unsigned_abs();
        (size >= nanos && size.is_multiple_of(nanos)).then(|| format!("{} {name}", size / nanos))
    });
    let text = whole.unwrap_or_else(|| {
        let mut smaller = UNITS.iter().skip(3).take(5);
        let found = smaller.find(|(_, nanos)| size >= nanos.unsigned_abs());
        let (name, nanos) = found.copied().unwrap_or(("ns", 1));
        let nanos = nanos.unsigned_abs();
        let width = usize::try_from(nanos.ilog10()).unwrap_or(0);
        let part = format!("{:0width$}", size % nanos);
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        format!("{}{point}{part} {name}", size / nanos)
    });
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::{parse, words};

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, ns) in [
            ("2.5 s", 2_500_000_000),
            ("-300 ms", -300_000_000),
            ("\u{2212}300ms", -300_000_000),
            ("+1 h 2 min 3s", 3_723_000_000_000),
            ("7", 7_000_000_000),
            (".5", 500_000_000),
            ("1.000000001 s", 1_000_000_001),
            ("12 µs", 12_000),
            ("-1 d", -86_400_000_000_000),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(ns), "{text}");
        }
        for wrong in [
            "",
            "-",
            "s",
            "1 fortnight",
            "1..2 s",
            "1e5 s",
            "2 s -1 s",
            ".",
            "99999999999 d",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back_as_the_same() {
        for (ns, text) in [
            (0, "0 s"),
            (2_500_000_000, "+2.5 s"),
            (-300_000_000, "-300 ms"),
            (90_000_000_000, "+90 s"),
            (120_000_000_000, "+2 min"),
            (3_600_000_000_000, "+1 h"),
            (1_000_000_001, "+1.000000001 s"),
            (1_234_500, "+1.2345 ms"),
            (-7, "-7 ns"),
        ] {
            assert_eq!(parse(&words(ns)), Ok(ns));
            assert_eq!(words(ns), text);
        }
        for ns in [i64::MAX, i64::MIN + 1, 999_999_999_999, 86_400_000_000_001] {
            assert_eq!(parse(&words(ns)), Ok(ns), "{}", words(ns));
        }
    }
}
