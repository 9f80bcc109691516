//! The days of a question, of which the disk is asked for the blocks some days before they are read.

use super::filter::IdFilter;
use super::key::{HARDWARE, TIME, VERSION, day_of_id, ids_of_metric};
use super::scan::Question;
use crate::store::error::StoreError;
use crate::store::read_ahead::ReadAhead;
use crate::store::reader::Reader;
use rusqlite::Connection;

/// The disk is asked for so many days at first.
const DAYS_AHEAD: usize = 8;

/// Days in order.
pub(super) struct ExpectedDays {
    ahead: Option<ReadAhead>,
    days: Vec<i64>,
    n_given: usize,
    n_asked: usize,
}

impl ExpectedDays {
    /// The days with blocks of which rows may be wanted, as far as they are wanted.
    pub(super) fn new(
        reader: &Reader,
        connection: &Connection,
        filter: &IdFilter,
        is_wanted: impl Fn(i64) -> bool,
    ) -> Result<Self, StoreError> {
        let ahead = reader.ahead(connection)?;
        if let Some(ahead) = &ahead {
            ahead.first_blocks(day_of_id);
        }
        let mut days = filter.days(connection)?;
        days.retain(|day| is_wanted(*day));
        Ok(Self {
            ahead,
            days,
            n_given: 0,
            n_asked: 0,
        })
    }

    /// The next day of which all blocks of some metrics will be read.
    pub(super) fn next_with(&mut self, metrics: &[u32]) -> Option<i64> {
        self.next_after(|ahead, day| {
            for metric in metrics {
                ahead.blocks(&ids_of_metric(day, *metric));
            }
        })
    }

    /// The next day of which the cells of a question will be read.
    pub(super) fn next_for(&mut self, (metric, filter, needs): Question<'_>) -> Option<i64> {
        self.next_after(|ahead, day| {
            let versions = needs.versions || filter.needs_rows_of_day(day);
            let read = [
                Some(TIME),
                Some(metric).filter(|metric| *metric != TIME),
                versions.then_some(VERSION),
                filter.hardware.as_ref().map(|_| HARDWARE),
            ];
            for metric in read.into_iter().flatten() {
                ahead.blocks(&ids_of_metric(day, metric));
            }
        })
    }

    fn next_after(&mut self, ask: impl Fn(&ReadAhead, i64)) -> Option<i64> {
        let end = self.days.len().min(self.n_given + DAYS_AHEAD);
        let to_ask = self.days.get(self.n_asked..end).unwrap_or_default();
        if let Some(ahead) = &self.ahead {
            for day in to_ask {
                ask(ahead, *day);
            }
        }
        self.n_asked = end;
        let day = self.days.get(self.n_given).copied();
        self.n_given += 1;
        day
    }
}
