//! The unit of a metric, guessed from the end of its name.

/// Last word of a name, in lower case, and the unit that it tells. Sorted. A letter that means several things is not here.
const UNITS: &[(&str, &str)] = &[
    ("a", "A"),
    ("amps", "A"),
    ("bps", "bit/s"),
    ("bytes", "B"),
    ("c", "°C"),
    ("celsius", "°C"),
    ("cm", "cm"),
    ("db", "dB"),
    ("dbm", "dBm"),
    ("deg", "°"),
    ("degc", "°C"),
    ("gb", "GB"),
    ("h", "h"),
    ("hours", "h"),
    ("hpa", "hPa"),
    ("hz", "Hz"),
    ("kb", "kB"),
    ("kbps", "kbit/s"),
    ("kg", "kg"),
    ("khz", "kHz"),
    ("kib", "KiB"),
    ("km", "km"),
    ("kpa", "kPa"),
    ("kwh", "kWh"),
    ("lux", "lx"),
    ("ma", "mA"),
    ("mah", "mAh"),
    ("mb", "MB"),
    ("mbps", "Mbit/s"),
    ("mhz", "MHz"),
    ("mib", "MiB"),
    ("millivolts", "mV"),
    ("min", "min"),
    ("minutes", "min"),
    ("mm", "mm"),
    ("ms", "ms"),
    ("msec", "ms"),
    ("mv", "mV"),
    ("mw", "mW"),
    ("mwh", "mWh"),
    ("ns", "ns"),
    ("pa", "Pa"),
    ("pct", "%"),
    ("percent", "%"),
    ("ppm", "ppm"),
    ("rh", "%"),
    ("rpm", "1/min"),
    ("rssi", "dBm"),
    ("s", "s"),
    ("sec", "s"),
    ("seconds", "s"),
    ("secs", "s"),
    ("soc", "%"),
    ("ua", "µA"),
    ("us", "µs"),
    ("usec", "µs"),
    ("uv", "µV"),
    ("uw", "µW"),
    ("v", "V"),
    ("volts", "V"),
    ("w", "W"),
    ("watts", "W"),
    ("wh", "Wh"),
];

/// Words that tell a unit only when the whole name is not just that word's beginning of something else: a counter of minutes
/// may be called `min`, which is as often a minimum.
const LESS_CERTAIN: &[&str] = &["min"];

/// The unit that the end of `name` tells: `MainTaskMs` and `main_task_ms` are milliseconds.
pub fn unit_of(name: &str) -> Option<&'static str> {
    let word = last_word(name);
    let is_whole_name = word.len() == name.len();
    let lower = word.to_ascii_lowercase();
    let is_letter = lower.len() == 1;
    // One letter is a unit only after an underscore: `RunC` may be the third of three.
    let follows_underscore = name.len() > word.len() && name.strip_suffix(word)?.ends_with('_');
    if (is_letter && !follows_underscore) || LESS_CERTAIN.contains(&lower.as_str()) {
        return None;
    }
    let found = UNITS
        .binary_search_by_key(&lower.as_str(), |(suffix, _)| suffix)
        .ok()?;
    let (suffix, unit) = UNITS.get(found)?;
    // `ms` alone is a name, `rssi` alone is a measurement.
    (!is_whole_name || matches!(*suffix, "rssi" | "soc")).then_some(*unit)
}

/// What stands behind the last underscore, or from the last capital letter on.
pub(super) fn last_word(name: &str) -> &str {
    let at = name.rfind(['_', '-', '.', ' ']).map_or(0, |at| at + 1);
    let word = name.get(at..).unwrap_or(name);
    let bytes = word.as_bytes();
    let is_lower = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let camel = (1..bytes.len()).rev().find(|at| {
        bytes.get(*at).is_some_and(u8::is_ascii_uppercase) && is_lower(bytes.get(at - 1))
    });
    camel.and_then(|at| word.get(at..)).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::{UNITS, unit_of};

    #[test]
    fn the_table_is_sorted() {
        assert!(UNITS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn units_are_told_by_the_last_word() {
        let cases = [
            ("main_task_ms", Some("ms")),
            ("MainTaskMs", Some("ms")),
            ("WifiConnectedMs", Some("ms")),
            ("signal_dbm", Some("dBm")),
            ("rssi", Some("dBm")),
            ("wifi_rssi", Some("dBm")),
            ("battery_soc", Some("%")),
            ("BatteryPct", Some("%")),
            ("temp_c", Some("°C")),
            ("batt_v", Some("V")),
            ("heap free bytes", Some("B")),
            ("power.mw", Some("mW")),
            ("wifi_disconnects", None),
            ("gauge_07", None),
            ("RunC", None),
            ("temp_min", None),
            ("ms", None),
            ("v", None),
            ("bosses", None),
            ("", None),
        ];
        for (name, unit) in cases {
            assert_eq!(unit_of(name), unit, "{name}");
        }
    }
}
