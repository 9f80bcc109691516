//! Numbers of a running program, printed as they are looked at.

use crate::engine::live::{Look, WatchValue, WatchedNumber};
use crate::engine::logs::open_log::LogStyle;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// As text, all numbers are printed at most so often: 5 times a second can be read.
const PRINTED_EVERY_NS: i64 = 200_000_000;
const NS_PER_SECOND: f64 = 1e9;

/// Prints looks at numbers: as JSON Lines each of them, as text the values as they are now.
pub(super) struct WatchOutput {
    numbers: Vec<WatchedNumber>,
    style: LogStyle,
    latest: BTreeMap<u16, Option<WatchValue>>,
    printed_ns: Option<i64>,
}

impl WatchOutput {
    pub(super) fn new(numbers: Vec<WatchedNumber>, style: LogStyle) -> Self {
        Self {
            numbers,
            style,
            latest: BTreeMap::new(),
            printed_ns: None,
        }
    }

    /// What is watched from now on: numbers keep their places.
    pub(super) fn set_numbers(&mut self, numbers: &[WatchedNumber]) {
        self.numbers = numbers.to_vec();
    }

    pub(super) fn look(&mut self, look: &Look, out: &mut dyn Write) -> io::Result<()> {
        if self.style == LogStyle::Json {
            return self.json(look, out);
        }
        self.latest.extend(look.values.iter().copied());
        let is_due = self
            .printed_ns
            .is_none_or(|printed| look.ns.saturating_sub(printed) >= PRINTED_EVERY_NS);
        if !is_due {
            return Ok(());
        }
        self.printed_ns = Some(look.ns);
        let values = self.latest.iter().filter_map(|(at, value)| {
            let number = self.numbers.get(usize::from(*at))?;
            Some(format!("{} = {}", number.name, in_words(number, *value)))
        });
        let values: Vec<String> = values.collect();
        let seconds = look.ns as f64 / NS_PER_SECOND;
        writeln!(out, "{seconds:.3} s: {}", values.join(", "))?;
        out.flush()
    }

    fn json(&self, look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let values: Map<String, Value> = look
            .values
            .iter()
            .filter_map(|(at, value)| {
                let name = self.numbers.get(usize::from(*at))?.name.clone();
                Some((name, serde_json::to_value(value).unwrap_or_default()))
            })
            .collect();
        let line = json!({
            "schema": "fieldscope.watch/1",
            "elapsed_ns": look.ns,
            "values": values,
        });
        writeln!(out, "{line}")?;
        out.flush()
    }
}

/// `-57 dBm`, `connected (2)`, `not read`.
fn in_words(number: &WatchedNumber, value: Option<WatchValue>) -> String {
    let unit = number.unit.as_deref().map(|unit| format!(" {unit}"));
    let unit = unit.unwrap_or_default();
    match value {
        None => "no value".to_owned(),
        Some(WatchValue::Integer(value)) => {
            let named = number.values.iter().find(|(known, _)| *known == value);
            named.map_or_else(
                || format!("{value}{unit}"),
                |(_, name)| format!("{name} ({value})"),
            )
        }
        Some(WatchValue::Float(value)) => format!("{value}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::WatchOutput;
    use crate::engine::live::{Look, WatchValue, WatchedNumber};
    use crate::engine::logs::open_log::LogStyle;

    fn printed(style: LogStyle) -> String {
        let numbers = vec![
            WatchedNumber {
                name: "rssi".to_owned(),
                unit: Some("dBm".to_owned()),
                values: Vec::new(),
            },
            WatchedNumber {
                name: "state".to_owned(),
                unit: None,
                values: vec![(2, "CONNECTED".to_owned())],
            },
        ];
        let mut output = WatchOutput::new(numbers, style);
        let mut out = Vec::new();
        for (ns, values) in [
            (0, vec![(0, Some(WatchValue::Integer(-57)))]),
            (10_000_000, vec![(1, Some(WatchValue::Integer(2)))]),
            (250_000_000, vec![(0, None)]),
        ] {
            output.look(&Look { ns, values }, &mut out).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn as_text_values_are_printed_with_units_and_names() {
        assert_eq!(
            printed(LogStyle::Text),
            "0.000 s: rssi = -57 dBm\n0.250 s: rssi = no value, state = CONNECTED (2)\n"
        );
    }

    #[test]
    fn as_json_each_look_is_a_line() {
        let text = printed(LogStyle::Json);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1]["values"]["state"], 2);
        assert!(lines[2]["values"]["rssi"].is_null());
        assert_eq!(lines[2]["elapsed_ns"], 250_000_000);
    }
}
