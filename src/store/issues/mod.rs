//! Issues: crashes that have one cause, by their fingerprint or because a person said so.
//!
//! An issue that nobody touched is the crashes of one fingerprint and has no row. What is done by hand is kept apart
//! from the crashes, so that it outlives them:
//!
//! 1. A crash that was put somewhere by itself stays there (`issue_members`). It is named by its bytes: the same bytes
//!    imported again are in the same issue.
//! 2. Else the fingerprint decides. A fingerprint that was merged belongs to the issue it was merged into
//!    (`issue_keys`), and so do crashes that come later.
//! 3. Symbols that arrive late change a fingerprint. The crash stays where a person put its former fingerprint
//!    (`former_keys`): what was said of the crash is not undone by learning its names. The new fingerprint goes along
//!    when no crash outside has it; else it stays where it is, so that one early guess never drags a whole other issue
//!    with it. A fingerprint that went along returns when the merge is undone (`follows`).
//!
//! Every step is logged with the rows it changed; undo puts them back, redo does them again.

mod change;
mod late_symbols;
mod log;
mod resolve;
#[cfg(test)]
mod tests;

pub(super) use late_symbols::{after_report, before_report};

use crate::store::{
    crash::{CrashFilter, CrashRow, FingerprintKey},
    error::StoreError,
    reader::Reader,
};
use resolve::{Hand, Place};
use std::collections::{BTreeMap, BTreeSet};

/// Crashes that have one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueGroup {
    /// Names it, for good: the fingerprint it began with, else `alone:` or `split:` and what it is made of.
    pub key: String,
    /// The title that a person gave it.
    pub title: Option<String>,
    /// A person closed it.
    pub closed: bool,
    /// What a person noted.
    pub note: Option<String>,
    /// A person merged or split it.
    pub by_hand: bool,
    /// Fingerprints of its crashes, sorted.
    pub fingerprints: Vec<FingerprintKey>,
    /// Its crashes, the newest import first. A dump in two captures is there twice.
    pub crashes: Vec<CrashRow>,
}

impl Reader {
    /// All issues with their crashes; those with the newest crash first.
    pub fn issues(&self) -> Result<Vec<IssueGroup>, StoreError> {
        let rows = self.crashes(&CrashFilter::default())?;
        let hand = self.ask(Hand::read)?;
        Ok(grouped(rows, &hand)
            .into_iter()
            .map(|(_place, group)| group)
            .collect())
    }
}

/// Crashes by the issue they belong to, in the order of `rows`.
fn grouped(rows: Vec<CrashRow>, hand: &Hand) -> Vec<(Place, IssueGroup)> {
    let mut groups: Vec<(Place, IssueGroup)> = Vec::new();
    let mut at: BTreeMap<Place, usize> = BTreeMap::new();
    for row in rows {
        let place = hand.place(&row);
        let idx = *at.entry(place.clone()).or_insert(groups.len());
        if let Some((_, group)) = groups.get_mut(idx) {
            group.crashes.push(row);
        } else {
            groups.push((place.clone(), begin(&place, hand, row)));
        }
    }
    for (_, group) in &mut groups {
        let keys: BTreeSet<FingerprintKey> = group
            .crashes
            .iter()
            .filter_map(|row| row.fingerprint.clone())
            .collect();
        group.by_hand |= keys.len() > 1;
        group.fingerprints = keys.into_iter().collect();
    }
    groups
}

fn begin(place: &Place, hand: &Hand, first: CrashRow) -> IssueGroup {
    let record = hand.record(place);
    IssueGroup {
        key: record.map_or_else(|| place.key(), |record| record.key.clone()),
        title: record.and_then(|record| record.title.clone()),
        closed: record.is_some_and(|record| record.closed),
        note: record.and_then(|record| record.note.clone()),
        by_hand: hand.has_members(place),
        fingerprints: Vec::new(),
        crashes: vec![first],
    }
}
