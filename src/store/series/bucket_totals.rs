//! A metric over all devices by hour or day: how many values, their exact sum and their extremes. What is in sight of a chart can
//! be added up from it.

use super::cell::add_to_stats;
use super::filter::{IdFilter, RowFilter};
use super::key::DAY_NS;
use super::packed_cell::with_values;
use super::quantiles::Bucket;
use super::scan::{Needs, scan};
use super::summary::Stats;
use crate::model::series::Values;
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::BTreeMap;

const HOUR_NS: i64 = 3_600_000_000_000;
/// Hours that a cell can have: its rows are of one day.
const DAY_HOURS: usize = 24;

/// The values of an hour or a day. There is none for one without values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BucketTotal {
    /// Where it begins, nanoseconds since 1970.
    pub start_ns: i64,
    /// Where it ends; not with it.
    pub end_ns: i64,
    /// Values.
    pub count: u64,
    /// Exact sum, rounded once.
    pub sum: f64,
    /// Least and greatest; `None` where all are NaN.
    pub range: Option<(f64, f64)>,
}

impl Reader {
    /// A metric by hour or day, in order. A metric that is not there has none.
    pub fn bucket_totals(
        &self,
        metric: &str,
        bucket: Bucket,
        filter: &RowFilter,
    ) -> Result<Vec<BucketTotal>, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(Vec::new());
        };
        let width = match bucket {
            Bucket::Hour => HOUR_NS,
            Bucket::Day => DAY_NS,
        };
        let ids = IdFilter::new(self, filter)?;
        let needs = Needs {
            times: true,
            values: true,
            ..Needs::default()
        };
        let totals: BTreeMap<i64, Stats> = scan(
            self,
            (metric.id, &ids, needs),
            BTreeMap::new,
            |totals: &mut BTreeMap<i64, Stats>, cell, decoder| {
                let selected = cell.selected(&ids, decoder)?;
                if selected.is_empty() {
                    return Ok(());
                }
                let times = cell.times(decoder)?;
                // A cell is one day: its hours stand side by side, so that a row costs no search.
                let first = cell.rows.first_ns.div_euclid(width);
                let mut own = vec![Stats::default(); DAY_HOURS];
                for column in cell.values(decoder)? {
                    if matches!(column.values, Values::Text { .. }) {
                        continue;
                    }
                    for rows in with_values(&column, &selected) {
                        let mut start = rows.start;
                        let times = times.get(rows).unwrap_or_default();
                        let same = |a: &i64, b: &i64| a.div_euclid(width) == b.div_euclid(width);
                        for part in times.chunk_by(same) {
                            let end = start.saturating_add(part.len());
                            let number = part.first().map_or(first, |time| time.div_euclid(width));
                            let at = usize::try_from(number.abs_diff(first)).unwrap_or(usize::MAX);
                            let stats = match own.get_mut(at) {
                                Some(stats) => stats,
                                None => totals.entry(number).or_default(),
                            };
                            add_to_stats(stats, &column, start..end);
                            start = end;
                        }
                    }
                }
                for (number, stats) in (first..).zip(own) {
                    if stats.count > 0 {
                        totals.entry(number).or_default().merge(&stats);
                    }
                }
                Ok(())
            },
            |sum, part| {
                for (number, stats) in part {
                    sum.entry(number).or_default().merge(&stats);
                }
            },
        )?;
        let totals = totals.into_iter().map(|(number, stats)| {
            let start_ns = number.saturating_mul(width);
            BucketTotal {
                start_ns,
                end_ns: start_ns.saturating_add(width),
                count: stats.count,
                sum: stats.sum(),
                range: stats.extremes.as_real(),
            }
        });
        Ok(totals.collect())
    }
}
