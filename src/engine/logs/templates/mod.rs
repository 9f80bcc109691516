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
use drain::{Cluster, Drain, fits};
use mask::mask;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

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
#[derive(Clone, Debug, Default)]
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
    /// Counts a row; the place of its group among the groups.
    pub fn add(&mut self, row: u64, record: &LogRecord) -> Option<usize> {
        let is_undecoded = record.kind == RowKind::Undecoded;
        self.n_undecoded = self.n_undecoded.saturating_add(u64::from(is_undecoded));
        let mut text = std::mem::take(&mut self.text);
        let place = key_of(record, &mut text).map(|key| {
            let level = record.level.map_or(LogLevel::ALL.len(), LogLevel::index);
            let mut n_by_level = [0; 7];
            if let Some(n) = n_by_level.get_mut(level) {
                *n = 1;
            }
            self.count(key, &text, row..=row, 1, n_by_level)
        });
        self.text = text;
        place
    }

    /// Adds the groups of rows that come behind `n_before` others; the place of each of them among the groups.
    pub fn append(&mut self, after: Self, n_before: u64) -> Vec<usize> {
        self.n_undecoded = self.n_undecoded.saturating_add(after.n_undecoded);
        let mut keys: Vec<(usize, u64)> =
            after.index.into_iter().map(|(key, at)| (at, key)).collect();
        keys.sort_unstable();
        let groups = keys.into_iter().zip(after.found);
        let places = groups.map(|((_, key), group)| {
            let first = group.first_row.saturating_add(n_before);
            let last = group.last_row.saturating_add(n_before);
            let rows = first..=last;
            self.count(key, &group.text, rows, group.n_rows, group.n_by_level)
        });
        places.collect()
    }

    fn count(
        &mut self,
        key: u64,
        text: &str,
        rows: std::ops::RangeInclusive<u64>,
        n_rows: u64,
        n_by_level: [u64; 7],
    ) -> usize {
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
        at
    }

    /// Rows that may be messages, and could not be decoded.
    pub fn n_undecoded(&self) -> u64 {
        self.n_undecoded
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// True without a group.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of their first rows.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.found.iter()
    }
}

/// The templates of a log, and which of them each of its groups is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// The templates, in the order of their first rows.
    pub templates: Vec<LogTemplate>,
    /// By group: which template it is; `None` of one that another log (a good run) has too. Two groups with the same number
    /// are one template.
    pub of_group: Vec<Option<usize>>,
}

impl Assigned {
    /// The groups that a saved filter means: those of the template with this id; in a log that has no such template, those
    /// whose constant part fits its text.
    pub fn groups_of(&self, groups: &Groups, id: u64, text: &str) -> BTreeSet<usize> {
        let of = |at: &Option<usize>| at.and_then(|at| self.templates.get(at));
        let members = (0..).zip(&self.of_group);
        let found: BTreeSet<usize> = members
            .filter(|(_, at)| of(at).is_some_and(|template| template.id == id))
            .map(|(group, _)| group)
            .collect();
        if !found.is_empty() {
            return found;
        }
        let fitting = (0..).zip(groups.iter());
        let fitting = fitting.filter(|(_, group)| fits(text, &group.text));
        fitting.map(|(group, _)| group).collect()
    }
}

/// Puts the groups of a log together, behind those of another one (a good run), whose templates are left out.
///
/// Which template a group becomes part of is decided by the groups before it alone, so it stays when a log grows; only two
/// templates whose texts become the same are one from then on.
pub fn assign(groups: &Groups, good: &Groups) -> Assigned {
    let mut drain = Drain::default();
    for group in good.iter() {
        drain.add(group);
    }
    let n_known = drain.clusters().len();
    let members: Vec<usize> = groups.iter().map(|group| drain.add(group)).collect();
    let clusters: Vec<&Cluster> = drain.clusters().collect();
    // Templates with the same text are one.
    let mut first_with: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, cluster) in clusters.iter().enumerate() {
        first_with.entry(cluster.text()).or_insert(at);
    }
    let first_of = |at: usize| {
        let text = clusters.get(at)?.text();
        first_with.get(text).copied()
    };
    let mut merged: BTreeMap<usize, Cluster> = BTreeMap::new();
    for (at, cluster) in clusters.iter().enumerate().skip(n_known) {
        let Some(first) = first_of(at).filter(|first| *first >= n_known) else {
            continue;
        };
        match merged.entry(first) {
            Entry::Vacant(place) => _ = place.insert(Cluster::clone(cluster)),
            Entry::Occupied(mut place) => place.get_mut().count(cluster),
        }
    }
    let merged = merged.iter().map(|(at, cluster)| (*at, cluster.template()));
    let mut list: Vec<(usize, LogTemplate)> = merged.collect();
    list.sort_by_key(|(at, template)| (template.first_row, *at));
    let place_of: BTreeMap<usize, usize> = (0..)
        .zip(&list)
        .map(|(place, (at, _))| (*at, place))
        .collect();
    let of_group = members
        .into_iter()
        .map(|at| place_of.get(&first_of(at)?).copied());
    Assigned {
        of_group: of_group.collect(),
        templates: list.into_iter().map(|(_, template)| template).collect(),
    }
}

/// The templates of the groups of a log, in the order of their first rows.
pub fn templates(groups: &Groups) -> Vec<LogTemplate> {
    templates_only_in(groups, &Groups::default())
}

/// The templates of the groups of a log, without those that another log (a good run) has too.
pub fn templates_only_in(groups: &Groups, good: &Groups) -> Vec<LogTemplate> {
    assign(groups, good).templates
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
