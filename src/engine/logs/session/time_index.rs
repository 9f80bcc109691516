//! When the rows of a block are: kept for every [`INDEXED_EVERY`] rows, so that a span of time is found without decoding
//! what lies wholly inside or outside of it.

use super::blocks::INDEXED_EVERY;
use crate::engine::logs::view::DensityAxis;
use crate::formats::boots::BootRecord;
use crate::model::log::{LogRecord, RowKind};

/// The axes that have times, in the order in which they are preferred when as many rows say either.
pub(super) const TIME_AXES: [DensityAxis; 3] =
    [DensityAxis::Wall, DensityAxis::Uptime, DensityAxis::Clock];

/// Times of some rows in a row, in nanoseconds as the records say them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupTimes {
    pub(super) low: i64,
    pub(super) high: i64,
    /// Rows that have a time.
    pub(super) n: u64,
}

impl GroupTimes {
    pub(super) const NONE: Self = Self {
        low: i64::MAX,
        high: i64::MIN,
        n: 0,
    };

    fn add(&mut self, ns: i64) {
        self.low = self.low.min(ns);
        self.high = self.high.max(ns);
        self.n = self.n.saturating_add(1);
    }
}

/// Times of a block's rows.
#[derive(Debug, Default)]
pub(super) struct BlockTimes {
    /// By axis, in the order of [`TIME_AXES`]; empty where the block has none, shorter where its last rows have none.
    groups: [Vec<GroupTimes>; 3],
    /// Least and greatest uptime by boot, in their order; 0 is what comes before the first boot.
    pub(super) parts: Vec<(usize, GroupTimes)>,
}

/// What a record says of its time on an axis.
pub(super) fn own_time(record: &LogRecord, axis: DensityAxis) -> Option<i64> {
    match axis {
        DensityAxis::Wall => record.time_ns.filter(|_| !record.is_date_incomplete),
        DensityAxis::Clock => record.time_ns.filter(|_| record.is_date_incomplete),
        DensityAxis::Uptime => i64::try_from(record.uptime_ns?).ok(),
        DensityAxis::Rows => None,
    }
}

impl BlockTimes {
    /// Takes the next row, the `row`th of the block. `part` is its boot, from 1, 0 before the first one; `None` when an
    /// uptime that it has from its record is that of another boot.
    pub(super) fn add(&mut self, row: u64, part: Option<usize>, record: &LogRecord) {
        let group = usize::try_from(row / INDEXED_EVERY).unwrap_or(usize::MAX);
        for (axis, groups) in TIME_AXES.into_iter().zip(&mut self.groups) {
            let is_own = part.is_some() || axis != DensityAxis::Uptime;
            let Some(ns) = own_time(record, axis).filter(|_| is_own) else {
                continue;
            };
            if groups.len() <= group {
                groups.resize(group.saturating_add(1), GroupTimes::NONE);
            }
            if let Some(times) = groups.get_mut(group) {
                times.add(ns);
            }
        }
        if let (Some(ns), Some(part)) = (own_time(record, DensityAxis::Uptime), part) {
            if self.parts.last().is_none_or(|(known, _)| *known != part) {
                self.parts.push((part, GroupTimes::NONE));
            }
            if let Some((_, times)) = self.parts.last_mut() {
                times.add(ns);
            }
        }
    }

    /// The times of some rows on an axis.
    pub(super) fn group(&self, axis: DensityAxis, group: usize) -> GroupTimes {
        let groups = TIME_AXES.into_iter().zip(&self.groups);
        let mut groups = groups.filter(|(other, _)| *other == axis);
        let found = groups.next().and_then(|(_, groups)| groups.get(group));
        found.copied().unwrap_or(GroupTimes::NONE)
    }

    /// The times of all rows on an axis.
    pub(super) fn all(&self, axis: DensityAxis) -> GroupTimes {
        let groups = TIME_AXES.into_iter().zip(&self.groups);
        let mut all = GroupTimes::NONE;
        for (_, groups) in groups.filter(|(other, _)| *other == axis) {
            for group in groups {
                all.low = all.low.min(group.low);
                all.high = all.high.max(group.high);
                all.n = all.n.saturating_add(group.n);
            }
        }
        all
    }
}

/// Tells lines that belong to a record of their own boot from those behind the banner of the next one: the uptime of their
/// record is none of theirs.
pub(super) struct Heads {
    /// Boot of the last record, from 1, 0 before the first one; `None` when it is not known.
    of_record: Option<usize>,
}

/// So far before a block its record may begin.
pub(super) const FURTHEST_RECORD: u64 = 64 << 10;

impl Heads {
    /// At a byte where rows begin to be looked at.
    pub(super) fn at(boots: &[BootRecord], start: u64) -> Self {
        let n = boots.partition_point(|boot| boot.offset < start);
        let n_far =
            boots.partition_point(|boot| boot.offset < start.saturating_sub(FURTHEST_RECORD));
        Self {
            of_record: (n == n_far).then_some(n),
        }
    }

    /// The boot of the next row, unless it has its uptime from a record of another one.
    pub(super) fn boot_of(&mut self, part: usize, record: &LogRecord) -> Option<usize> {
        if record.kind != RowKind::Continuation {
            self.of_record = Some(part);
        }
        self.of_record.filter(|of_record| *of_record == part)
    }
}
