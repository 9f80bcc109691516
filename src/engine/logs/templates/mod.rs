//! Message templates: which messages a log is made of, and how often each occurs.
//!
//! Rows are first grouped by what is constant in them (`mask.rs`), exactly and by all processors; the groups are then put
//! together by Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017): a tree by number of
//! words and first word, whose leaves hold templates; a group joins the one that shares most words with it, where the others
//! become `*`. Formats that give their messages an id (defmt, tokens) are grouped by it.

mod drain;
mod mask;

use crate::engine::logs::view::LogTemplate;
use crate::model::log::{LogLevel, LogRecord, RowKind};
use drain::{Cluster, Drain};
use mask::mask;
use std::collections::BTreeMap;

/// Groups that are told apart in a log; rows of further ones are counted together.
const MOST_GROUPS: usize = 100_000;
/// What further groups are counted as.
const OTHERS: &str = "*";

/// Rows whose constant part is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The constant part.
    pub text: String,
    /// Rows.
    pub n_rows: u64,
    /// First row.
    pub first_row: u64,
    /// Last row.
    pub last_row: u64,
    /// Rows by level, index in [`LogLevel::ALL`]; the last one: without.
    pub n_by_level: [u64; 7],
}

/// Collects groups, a row at a time.
#[derive(Default)]
pub struct Groups {
    index: BTreeMap<u64, usize>,
    found: Vec<Group>,
    n_undecoded: u64,
    text: String,
}

/// Names what is constant in a record, the same in every log; `None` for rows that are no message: lines of data, and what
/// could not be decoded. `text` is filled with the constant part.
pub fn key_of(record: &LogRecord, text: &mut String) -> Option<u64> {
    if !matches!(record.kind, RowKind::Record | RowKind::Continuation) || record.message.is_empty()
    {
        return None;
    }
    text.clear();
    if !record.module.is_empty() {
        text.push_str(&record.module);
        text.push_str(": ");
    }
    mask(&record.message, text);
    Some(record.template.unwrap_or_else(|| id_of(text)))
}

/// A number for a text, the same in every run and release: FNV-1a of 64 bits.
pub fn id_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Groups {
    /// Counts a row; its key.
    pub fn add(&mut self, row: u64, record: &LogRecord) -> Option<u64> {
        let is_undecoded = record.kind == RowKind::Undecoded;
        self.n_undecoded = self.n_undecoded.saturating_add(u64::from(is_undecoded));
        let mut text = std::mem::take(&mut self.text);
        let key = key_of(record, &mut text);
        if let Some(key) = key {
            let level = record.level.map_or(LogLevel::ALL.len(), LogLevel::index);
            let mut n_by_level = [0; 7];
            if let Some(n) = n_by_level.get_mut(level) {
                *n = 1;
            }
            self.count(key, &text, row..=row, 1, n_by_level);
        }
        self.text = text;
        key
    }

    /// Adds the groups of rows that come behind `n_before` others.
    pub fn append(&mut self, after: Self, n_before: u64) {
        self.n_undecoded = self.n_undecoded.saturating_add(after.n_undecoded);
        let mut keys: Vec<(usize, u64)> =
            after.index.into_iter().map(|(key, at)| (at, key)).collect();
        keys.sort_unstable();
        for ((_, key), group) in keys.into_iter().zip(after.found) {
            let first = group.first_row.saturating_add(n_before);
            let last = group.last_row.saturating_add(n_before);
            self.count(
                key,
                &group.text,
                first..=last,
                group.n_rows,
                group.n_by_level,
            );
        }
    }

    fn count(
        &mut self,
        key: u64,
        text: &str,
        rows: std::ops::RangeInclusive<u64>,
        n_rows: u64,
        n_by_level: [u64; 7],
    ) {
        let is_full = self.found.len() >= MOST_GROUPS;
        let (key, text) = if is_full && !self.index.contains_key(&key) {
            (id_of(OTHERS), OTHERS)
        } else {
            (key, text)
        };
        let next = self.found.len();
        let at = *self.index.entry(key).or_insert(next);
        if at == next {
            self.found.push(Group {
                text: text.to_owned(),
                n_rows: 0,
                first_row: *rows.start(),
                last_row: *rows.end(),
                n_by_level: [0; 7],
            });
        }
        if let Some(group) = self.found.get_mut(at) {
            group.n_rows = group.n_rows.saturating_add(n_rows);
            group.last_row = group.last_row.max(*rows.end());
            for (all, n) in group.n_by_level.iter_mut().zip(n_by_level) {
                *all = all.saturating_add(n);
            }
        }
    }

    /// Rows that may be messages, and could not be decoded.
    pub fn n_undecoded(&self) -> u64 {
        self.n_undecoded
    }

    /// In the order of their first rows.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.found.iter()
    }
}

/// The templates of the groups of a log, in the order of their first rows.
pub fn templates(groups: &Groups) -> Vec<LogTemplate> {
    templates_only_in(groups, &Groups::default())
}

/// The templates of the groups of a log, without those that another log (a good run) has too.
pub fn templates_only_in(groups: &Groups, good: &Groups) -> Vec<LogTemplate> {
    let mut drain = Drain::default();
    for group in good.iter() {
        drain.add(group);
    }
    let n_known = drain.clusters().len();
    for group in groups.iter() {
        drain.add(group);
    }
    let new = drain.clusters().skip(n_known);
    let mut list: Vec<LogTemplate> = new.map(Cluster::template).collect();
    list.sort_by_key(|template| template.first_row);
    list
}

#[cfg(test)]
mod tests {
    use super::{Groups, templates, templates_only_in};
    use crate::model::log::{LogLevel, LogRecord, RowKind};

    fn record(message: &str, level: LogLevel) -> LogRecord {
        LogRecord {
            message: message.to_owned(),
            level: Some(level),
            ..LogRecord::default()
        }
    }

    #[test]
    fn groups_of_blocks_put_together_are_those_of_the_whole() {
        let lines: Vec<LogRecord> = (0..500)
            .map(|n| {
                record(
                    &format!("{} took {n} ms", ["read", "write", "erase"][n % 3]),
                    LogLevel::ALL[n % 6],
                )
            })
            .collect();
        let mut whole = Groups::default();
        for (row, line) in (0..).zip(&lines) {
            whole.add(row, line);
        }
        let mut parts = Groups::default();
        for (part, chunk) in (0_u64..).zip(lines.chunks(77)) {
            let mut block = Groups::default();
            for (row, line) in (0..).zip(chunk) {
                block.add(row, line);
            }
            parts.append(block, part * 77);
        }
        assert!(whole.iter().eq(parts.iter()));
        assert_eq!(whole.iter().count(), 3);
        assert_eq!(whole.iter().map(|group| group.n_rows).sum::<u64>(), 500);
    }

    #[test]
    fn data_and_undecoded_rows_are_no_messages() {
        let mut groups = Groups::default();
        for kind in [RowKind::Data, RowKind::Undecoded, RowKind::Dropped] {
            let line = LogRecord {
                kind,
                ..record("00 11", LogLevel::Info)
            };
            assert_eq!(groups.add(0, &line), None);
        }
        assert_eq!(groups.n_undecoded(), 1);
        assert_eq!(groups.iter().count(), 0);
    }

    #[test]
    fn messages_that_differ_in_a_word_become_one_template() {
        let mut groups = Groups::default();
        for (row, name) in (0..).zip(["idle", "busy", "idle", "failed"]) {
            let line = record(
                &format!("link state changed to {name} after 7 s"),
                LogLevel::Warn,
            );
            groups.add(row, &line);
        }
        groups.add(4, &record("battery low", LogLevel::Error));
        let list = templates(&groups);
        let texts: Vec<(&str, u64)> = list.iter().map(|t| (t.text.as_str(), t.n_rows)).collect();
        assert_eq!(
            texts,
            [("link state changed to * after * s", 4), ("battery low", 1)]
        );
    }

    #[test]
    fn a_good_run_takes_away_what_it_has_too() {
        let groups_of = |lines: &[&str]| {
            let mut groups = Groups::default();
            for (row, line) in (0..).zip(lines) {
                groups.add(row, &record(line, LogLevel::Info));
            }
            groups
        };
        let good = groups_of(&["boot 1", "link up after 7 ms", "temperature 31 C"]);
        let bad = groups_of(&[
            "boot 2",
            "link up after 9 ms",
            "flash: crc error at 0x1000",
            "temperature 55 C",
        ]);
        let list = templates_only_in(&bad, &good);
        let texts: Vec<_> = list
            .iter()
            .map(|t| (t.text.as_str(), t.first_row))
            .collect();
        assert_eq!(texts, [("flash: crc error at *", 2)]);
    }
}
