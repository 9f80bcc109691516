//! Which rows a question is about.

use super::days::days;
use super::key::{DAY_NS, day_of};
use super::summary::RowSummary;
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Which rows a question is about. What is `None` lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// First time, nanoseconds since 1970.
    pub from_ns: Option<i64>,
    /// Time after the last one.
    pub to_ns: Option<i64>,
    /// Names of versions.
    pub versions: Option<BTreeSet<String>>,
    /// Names of hardware.
    pub hardware: Option<BTreeSet<String>>,
}

/// A filter with the ids of this workspace.
#[derive(Clone, Debug)]
pub(super) struct IdFilter {
    from_ns: i64,
    /// Exclusive.
    to_ns: i64,
    pub(super) versions: Option<BTreeSet<u32>>,
    pub(super) hardware: Option<BTreeSet<u32>>,
}

impl IdFilter {
    pub(super) fn new(reader: &Reader, filter: &RowFilter) -> Result<Self, StoreError> {
        let ids = |names: &BTreeSet<String>, known: BTreeMap<u32, String>| {
            let found = known.into_iter().filter(|(_, name)| names.contains(name));
            found.map(|(id, _)| id).collect::<BTreeSet<u32>>()
        };
        let versions = match &filter.versions {
            Some(names) => Some(ids(names, reader.series_versions()?)),
            None => None,
        };
        let hardware = match &filter.hardware {
            Some(names) => Some(ids(names, reader.series_hardware()?)),
            None => None,
        };
        Ok(Self {
            from_ns: filter.from_ns.unwrap_or(i64::MIN),
            to_ns: filter.to_ns.unwrap_or(i64::MAX),
            versions,
            hardware,
        })
    }

    pub(super) fn takes_time(&self, time_ns: i64) -> bool {
        time_ns >= self.from_ns && (time_ns < self.to_ns || self.to_ns == i64::MAX)
    }

    pub(super) fn takes_version(&self, version: u32) -> bool {
        self.versions
            .as_ref()
            .is_none_or(|versions| versions.contains(&version))
    }

    /// The days with blocks of which rows may be wanted.
    pub(super) fn days(&self, connection: &Connection) -> Result<Vec<i64>, StoreError> {
        let mut days = days(connection)?;
        days.retain(|day| {
            // The end is not in it.
            let last_ns = self.to_ns.saturating_sub(1);
            *day >= day_of(self.from_ns) && *day <= day_of(last_ns)
        });
        Ok(days)
    }

    /// True when only some rows of a day can be wanted for their time.
    fn cuts_day(&self, day: i64) -> bool {
        let first_ns = day.saturating_mul(DAY_NS);
        !self.takes_time(first_ns) || !self.takes_time(first_ns.saturating_add(DAY_NS - 1))
    }

    /// True when only some rows of a cell can be wanted for their time.
    pub(super) fn cuts(&self, rows: &RowSummary) -> bool {
        !self.takes_time(rows.first_ns) || !self.takes_time(rows.last_ns)
    }

    /// True when rows of a day may have to be looked at one by one.
    pub(super) fn needs_rows_of_day(&self, day: i64) -> bool {
        self.hardware.is_some() || self.cuts_day(day)
    }

    /// True when the rows of a cell have to be looked at one by one.
    pub(super) fn needs_rows(&self, rows: &RowSummary) -> bool {
        self.hardware.is_some() || self.cuts(rows)
    }
}
