//! What an ELF says of metrics and log entries: records in sections that are not loaded, a record being texts that end with
//! NUL and then an empty text. The first text stands for itself, the others are `key=value`. The id of a record is the
//! address of its first byte.

use crate::model::log::LogLevel;
use crate::model::metric::{MetricDefinition, MetricKind};
use std::collections::BTreeMap;

/// The section with metrics.
pub const METRICS_SECTION: &str = ".fieldscope.metrics";
/// The section with formats of log entries.
pub const LOGS_SECTION: &str = ".fieldscope.logs";

/// More than any firmware has; bounds memory on a hostile section.
const MOST_RECORDS: usize = 100_000;
/// More texts than a record has.
const MOST_TEXTS: usize = 64;
/// More names than a state has.
const MOST_VALUES: usize = 4096;

/// A metric of an ELF.
#[derive(Clone, Debug, PartialEq)]
pub struct DefinedMetric {
    /// What the device calls it: the address of its record.
    pub id: u64,
    /// The type as the firmware writes it: `gauge_i32`, `timer`; others are shown as they are.
    pub sent_type: String,
    /// Most bytes of a `string`.
    pub length: Option<u64>,
    /// Name, unit and the rest.
    pub definition: MetricDefinition,
}

/// The format of a log entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEntryFormat {
    /// As of `printf`.
    pub format: String,
    /// How serious; `None` for the text of a trace event.
    pub level: Option<LogLevel>,
    /// Source file.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
}

/// The metrics in the bytes of [`METRICS_SECTION`], which begins at `address`, in the order of their ids.
pub fn metrics(address: u64, section: &[u8]) -> Vec<DefinedMetric> {
    records(address, section)
        .map(|(id, record)| metric(id, &record))
        .collect()
}

/// The formats in the bytes of [`LOGS_SECTION`], which begins at `address`, by their ids.
pub fn log_formats(address: u64, section: &[u8]) -> BTreeMap<u64, LogEntryFormat> {
    let format = |record: &Record| LogEntryFormat {
        format: record.first.clone(),
        level: record.field("level").and_then(|level| match level {
            "error" => Some(LogLevel::Error),
            "warning" => Some(LogLevel::Warn),
            "info" => Some(LogLevel::Info),
            "debug" => Some(LogLevel::Debug),
            _ => None,
        }),
        file: record
            .field("file")
            .filter(|file| !file.is_empty())
            .map(str::to_owned),
        line: record.field("line").and_then(|line| line.parse().ok()),
    };
    records(address, section)
        .map(|(id, record)| (id, format(&record)))
        .collect()
}

/// The texts of a record.
struct Record {
    first: String,
    fields: Vec<(String, String)>,
}

impl Record {
    /// The value of a key; of one that stands twice, the last.
    fn field(&self, key: &str) -> Option<&str> {
        let mut fields = self.fields.iter().rev();
        fields
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn text(&self, key: &str) -> Option<String> {
        self.field(key)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }
}

/// The records of a section with their ids.
fn records(address: u64, section: &[u8]) -> impl Iterator<Item = (u64, Record)> + '_ {
    let mut at: usize = 0;
    let next = move || {
        let rest = section.get(at..)?;
        let start = at.checked_add(rest.iter().position(|byte| *byte != 0)?)?;
        at = start;
        let mut texts = Vec::new();
        while let Some(rest) = section.get(at..)
            && rest.first().is_some_and(|byte| *byte != 0)
        {
            let len = memchr::memchr(0, rest).unwrap_or(rest.len());
            if texts.len() < MOST_TEXTS {
                texts.push(String::from_utf8_lossy(rest.get(..len)?).into_owned());
            }
            at = at.saturating_add(len).saturating_add(1);
        }
        let id = address.checked_add(u64::try_from(start).ok()?)?;
        let mut texts = texts.into_iter();
        let first = texts.next()?;
        let fields = texts.filter_map(|text| {
            let (key, value) = text.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Some((
            id,
            Record {
                first,
                fields: fields.collect(),
            },
        ))
    };
    std::iter::from_fn(next).take(MOST_RECORDS)
}

fn metric(id: u64, record: &Record) -> DefinedMetric {
    let sent_type = record.field("type").unwrap_or("").to_owned();
    let kind = match sent_type.as_str() {
        "counter" => MetricKind::Counter,
        "timer" => MetricKind::Timer,
        "state" => MetricKind::State,
        "string" => MetricKind::Text,
        _ => MetricKind::Gauge,
    };
    let values = record.field("values").unwrap_or("");
    let values = values.split(',').take(MOST_VALUES).map(str::to_owned);
    DefinedMetric {
        id,
        sent_type,
        length: record
            .field("length")
            .and_then(|text| text.trim().parse().ok()),
        definition: MetricDefinition {
            name: record.first.clone(),
            kind,
            unit: record.text("unit"),
            min: record.field("min").and_then(number),
            max: record.field("max").and_then(number),
            values: if record.text("values").is_some() {
                values.collect()
            } else {
                Vec::new()
            },
            description: record.text("description"),
        },
    }
}

/// A number as C writes it: `-120`, `0x10`, `100.0f`, `(1e3)`, `4300u`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| matches!(c, '(' | ')') || c.is_whitespace());
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1.0, size),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let hex = size.strip_prefix("0x").or_else(|| size.strip_prefix("0X"));
    if let Some(digits) = hex {
        let digits = digits.trim_end_matches(['u', 'U', 'l', 'L']);
        let value = u64::from_str_radix(digits, 16).ok()?;
        return Some(sign * value as f64);
    }
    let digits = size.trim_end_matches(['u', 'U', 'l', 'L', 'f', 'F']);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let value: f64 = digits.parse().ok().filter(|_| is_number)?;
    value.is_finite().then_some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::{log_formats, metrics, number};
    use crate::model::log::LogLevel;
    use crate::model::metric::MetricKind;

    #[test]
    fn records_are_read_with_ids_that_are_addresses() {
        let section = b"\0\0Valve\0type=state\0values=closed,open\0new=key\0\0\0RSSI\0type=gauge_i32\0unit=dBm\0min=-120\0max=0\0description=a = b\0\0cut";
        let found = metrics(0x1000, section);
        let ids: Vec<_> = found
            .iter()
            .map(|m| (m.id, m.definition.name.as_str()))
            .collect();
        let rssi = 0x1000 + u64::try_from(memchr::memmem::find(section, b"RSSI").unwrap()).unwrap();
        assert_eq!(ids[..2], [(0x1002, "Valve"), (rssi, "RSSI")]);
        assert_eq!(found[0].definition.values, ["closed", "open"]);
        assert_eq!(found[0].definition.kind, MetricKind::State);
        assert_eq!(found[1].definition.description.as_deref(), Some("a = b"));
        assert_eq!(
            (found[1].definition.min, found[1].definition.max),
            (Some(-120.0), Some(0.0))
        );
        assert_eq!((found.len(), found[2].sent_type.as_str()), (3, ""));
    }

    #[test]
    fn numbers_are_those_of_c() {
        for (text, value) in [
            ("-120", Some(-120.0)),
            ("0x10", Some(16.0)),
            ("-0x10UL", Some(-16.0)),
            ("100.0f", Some(100.0)),
            ("(4300u)", Some(4300.0)),
            ("1e3", Some(1000.0)),
            (".5", Some(0.5)),
            ("", None),
            ("INT_MAX", None),
            ("inf", None),
            ("nan", None),
            ("1e999", None),
            ("-", None),
        ] {
            assert_eq!(number(text), value, "{text}");
        }
    }

    #[test]
    fn a_section_of_anything_is_read_in_bounded_time() {
        assert!(metrics(0, &vec![0; 1 << 20]).is_empty());
        assert_eq!(metrics(0, &vec![b'a'; 1 << 20]).len(), 1);
        assert_eq!(
            metrics(0, &b"a\0\0".repeat(1 << 20)).len(),
            super::MOST_RECORDS
        );
        assert_eq!(metrics(0, &b"a\0".repeat(1 << 20)).len(), 1);
        assert!(
            metrics(u64::MAX, b"\0a\0\0").is_empty(),
            "an address beyond the last"
        );
        let formats = log_formats(0, b"%d of %s\0level=warning\0file=a/b.c\0line=7\0\0");
        let format = &formats[&0];
        assert_eq!(
            (format.level, format.file.as_deref(), format.line),
            (Some(LogLevel::Warn), Some("a/b.c"), Some(7))
        );
    }
}
