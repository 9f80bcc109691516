//! How numbers are written on screen: with a unit and an honest precision.

use std::time::SystemTime;

/// Bytes as people read them: `9.4 KiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = "KiB";
    for next in UNITS.iter().skip(1) {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if value < 10.0 {
        format!("{value:.2} {unit}")
    } else if value < 100.0 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// `1,284,112`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len().saturating_add(digits.len() / 3));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A text of at most so many characters; what was cut is an ellipsis.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept = text.chars().take(most.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// `1 crash`, `3 crashes`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{} {many}", number(n))
    }
}

/// A boot as people count: the first one is 1. (JSON and `--boot` count from 0.)
pub fn boot(boot: u32) -> String {
    number(u64::from(boot).saturating_add(1))
}

/// `2024-01-31 12:34:56.789`, of nanoseconds since 1970; empty before that.
pub fn date_and_time(ns: i64) -> String {
    let since = u64::try_from(ns).map(std::time::Duration::from_nanos);
    let time = since
        .ok()
        .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    time.map_or_else(String::new, |time| {
        let text = humantime::format_rfc3339_millis(time).to_string();
        text.replace('T', " ").trim_end_matches('Z').to_owned()
    })
}

/// `4 min ago`, `yesterday`; of a time that cannot be read, the text itself.
pub fn ago(rfc3339: &str, now: SystemTime) -> String {
    let Ok(then) = humantime::parse_rfc3339_weak(rfc3339) else {
        return rfc3339.to_owned();
    };
    let secs = now.duration_since(then).map_or(0, |past| past.as_secs());
    match secs {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", secs / 60),
        3600..86_400 => format!("{} h ago", secs / 3600),
        86_400..172_800 => "yesterday".to_owned(),
        _ => format!("{} days ago", secs / 86_400),
    }
}

/// A length of time as people say it: `7 days`, `2 min 4 s`, `1 h`.
pub fn span(ns: i64) -> String {
    let seconds = ns.unsigned_abs() / 1_000_000_000;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let parts = match (days, hours, minutes, rest) {
        (10.., ..) => [
            count((seconds + 43_200) / 86_400, "day", "days"),
            String::new(),
        ],
        (1.., ..) => [count(days, "day", "days"), of(hours, "h")],
        (_, 1.., ..) => [of(hours, "h"), of(minutes, "min")],
        (_, _, 1.., _) => [of(minutes, "min"), of(rest, "s")],
        _ if ns.unsigned_abs().is_multiple_of(1_000_000_000) => {
            [format!("{rest} s"), String::new()]
        }
        _ => [
            format!("{} s", ns.unsigned_abs() as f64 / 1e9),
            String::new(),
        ],
    };
    let [first, second] = parts;
    if second.is_empty() {
        first
    } else {
        format!("{first} {second}")
    }
}

/// `3 h`; nothing of 0.
fn of(n: u64, unit: &str) -> String {
    if n == 0 {
        String::new()
    } else {
        format!("{n} {unit}")
    }
}

/// The last part of a path in either notation.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The first letter made large: `precise bus fault` becomes `Precise bus fault`.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().collect::<String>() + chars.as_str(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_have_three_significant_digits_and_a_unit() {
        assert_eq!(super::bytes(512), "512 B");
        assert_eq!(super::bytes(9_626), "9.40 KiB");
        assert_eq!(super::bytes(19_293_798), "18.4 MiB");
        let now = humantime::parse_rfc3339("2026-11-23T12:04:10Z").unwrap();
        assert_eq!(super::ago("2026-11-23T12:00:00.5Z", now), "4 min ago");
        assert_eq!(super::count(1, "crash", "crashes"), "1 crash");
    }

    #[test]
    fn file_names_are_found_in_both_notations() {
        assert_eq!(super::file_name("C:\\fw\\main.c"), "main.c");
        assert_eq!(super::file_name("src/main.c"), "main.c");
    }
}
