//! The band of a metric over devices: quantiles of all values of each hour or day, exact.

use super::bytes::Malformed;
use super::codec::{Decoder, ValueType};
use super::filter::{IdFilter, RowFilter};
use super::key::{CellKey, DAY_NS, TIME, block_id};
use super::loaded::damaged;
use super::packed_cell::{PackedCell, with_values};
use super::scan::{Needs, scan_days};
use super::summary::Extremes;
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::ops::Range;

const HOUR_NS: i64 = 3_600_000_000_000;
/// Integers are counted, not gathered, when a bucket needs no more counters than this, and than it has values.
const COUNTERS_MAX: u64 = 1 << 16;
/// So many counters are always worth it.
const COUNTERS_ALWAYS: u64 = 1 << 10;

/// Width of the buckets of a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    Hour,
    /// UTC.
    Day,
}

/// One bucket of a band. There is none for a bucket without values.
#[derive(Clone, Debug, PartialEq)]
pub struct BandBucket {
    /// Where it begins, nanoseconds since 1970.
    pub start_ns: i64,
    /// One for each quantile that was asked for, interpolated between the two nearest values.
    pub quantiles: Vec<f64>,
    /// Values; NaN are not among them.
    pub count: u64,
}

/// A band.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Band {
    /// In order.
    pub buckets: Vec<BandBucket>,
    /// Values that are NaN, which have no place in an order.
    pub n_nan: u64,
}

impl Bucket {
    fn width_ns(self) -> i64 {
        match self {
            Self::Hour => HOUR_NS,
            Self::Day => DAY_NS,
        }
    }
}

impl Reader {
    /// Quantiles (each from 0 to 1) of a metric over all devices. A bucket lies in one day, so no more than the values of the days
    /// that are worked on are in memory.
    pub fn fleet_band(
        &self,
        metric: &str,
        bucket: Bucket,
        quantiles: &[f64],
        filter: &RowFilter,
    ) -> Result<Band, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(Band::default());
        };
        let filter = IdFilter::new(self, filter)?;
        let needs = Needs {
            times: true,
            values: true,
            stats: true,
            ..Needs::default()
        };
        let mut band = Band::default();
        let days = scan_days(self, (metric.id, &filter, needs), |cells, decoder| {
            band_of_day(cells, decoder, &filter, bucket, quantiles)
        })?;
        for day in days {
            band.n_nan += day.n_nan;
            band.buckets.extend(day.buckets);
        }
        Ok(band)
    }
}

fn band_of_day(
    cells: &[PackedCell],
    decoder: &mut Decoder,
    filter: &IdFilter,
    bucket: Bucket,
    quantiles: &[f64],
) -> Result<Band, StoreError> {
    let day = cells.first().map_or(0, |cell| cell.key.day);
    let mut values = DayValues::new(day, bucket, cells)?;
    for cell in cells {
        let selected = cell.selected(filter, decoder)?;
        if selected.is_empty() {
            continue;
        }
        let times = cell.times(decoder)?;
        for column in cell.values(decoder)? {
            let rows = with_values(&column, &selected);
            values.add(&column, &rows, &times);
        }
    }
    if values.is_elsewhere {
        let malformed = Malformed("it has times of another day");
        let first = block_id(CellKey { day, group: 0 }, TIME, ValueType::I64);
        return Err(damaged(first, malformed));
    }
    Ok(values.band(quantiles))
}

/// The values of the buckets of a day: counted from the least one, or gathered.
struct DayValues {
    day_ns: i64,
    bucket_ns: u64,
    /// Where integers have a small range: counters of each bucket, one behind the other.
    counters: Vec<u32>,
    /// Counters of a bucket; 0 where values are gathered.
    n_counters: usize,
    /// The value of the first counter.
    least: i64,
    gathered: Vec<Vec<f64>>,
    n_nan: u64,
    /// There was a time of another day.
    is_elsewhere: bool,
}

impl DayValues {
    fn new(day: i64, bucket: Bucket, cells: &[PackedCell]) -> Result<Self, StoreError> {
        let n_buckets = usize::try_from(DAY_NS / bucket.width_ns()).unwrap_or(1);
        let mut extremes = Extremes::None;
        let (mut n_values, mut is_whole) = (0, true);
        for cell in cells {
            for stats in cell.stored_stats()? {
                extremes = extremes.merged(stats.extremes);
                n_values += stats.count;
                is_whole &= stats.real.is_none();
            }
        }
        let (mut n_counters, mut least) = (0, 0);
        if let (true, Extremes::Whole(from, to)) = (is_whole, extremes) {
            // More counters than values would take longer to look at than the values.
            let most = (n_values / n_buckets as u64).clamp(COUNTERS_ALWAYS, COUNTERS_MAX);
            if to.abs_diff(from) < most {
                n_counters = usize::try_from(to.abs_diff(from)).unwrap_or_default() + 1;
                least = from;
            }
        }
        Ok(Self {
            day_ns: day.saturating_mul(DAY_NS),
            bucket_ns: bucket.width_ns().unsigned_abs(),
            counters: vec![0; n_counters * n_buckets],
            n_counters,
            least,
            gathered: vec![Vec::new(); n_buckets],
            n_nan: 0,
            is_elsewhere: false,
        })
    }

    fn add(&mut self, column: &Column, rows: &[Range<usize>], times: &[i64]) {
        for rows in rows {
            let times = times.get(rows.clone()).unwrap_or_default();
            let rows = rows.clone();
            match &column.values {
                Values::I32(values) if self.n_counters > 0 => self.count(times, of(values, rows)),
                Values::I64(values) if self.n_counters > 0 => self.count(times, of(values, rows)),
                Values::I32(values) => self.gather(times, of(values, rows), f64::from),
                Values::I64(values) => self.gather(times, of(values, rows), |value| value as f64),
                Values::F32(values) => self.gather(times, of(values, rows), f64::from),
                Values::F64(values) => self.gather(times, of(values, rows), |value| value),
                Values::Text { .. } => {}
            }
        }
    }

    /// The bucket of a time; more than there are of a time of another day.
    fn bucket(&self, time_ns: i64) -> usize {
        let since = time_ns.wrapping_sub(self.day_ns).cast_unsigned();
        let bucket = if self.bucket_ns == HOUR_NS.unsigned_abs() {
            since / HOUR_NS.unsigned_abs()
        } else {
            since / DAY_NS.unsigned_abs()
        };
        usize::try_from(bucket).unwrap_or(usize::MAX)
    }

    fn count<T: Copy + Into<i64>>(&mut self, times: &[i64], values: &[T]) {
        for (time, value) in times.iter().zip(values) {
            let first = self.bucket(*time).saturating_mul(self.n_counters);
            let at = usize::try_from((*value).into().wrapping_sub(self.least)).ok();
            let at = at.filter(|at| *at < self.n_counters);
            match at.and_then(|at| self.counters.get_mut(first.saturating_add(at))) {
                Some(counter) => *counter += 1,
                None => self.is_elsewhere = true,
            }
        }
    }

    fn gather<T: Copy>(&mut self, times: &[i64], values: &[T], number: impl Fn(T) -> f64) {
        for (time, value) in times.iter().zip(values) {
            let value = number(*value);
            let bucket = self.bucket(*time);
            match self.gathered.get_mut(bucket) {
                Some(_) if value.is_nan() => self.n_nan += 1,
                Some(bucket) => bucket.push(value),
                None => self.is_elsewhere = true,
            }
        }
    }

    fn band(self, quantiles: &[f64]) -> Band {
        let mut band = Band {
            n_nan: self.n_nan,
            ..Band::default()
        };
        let (day_ns, bucket_ns) = (self.day_ns, self.bucket_ns.cast_signed());
        let mut push = |number: i64, count: u64, quantiles: Vec<f64>| {
            band.buckets.push(BandBucket {
                start_ns: day_ns.saturating_add(number.saturating_mul(bucket_ns)),
                quantiles,
                count,
            });
        };
        if self.n_counters > 0 {
            for (number, counters) in (0..).zip(self.counters.chunks(self.n_counters)) {
                let count: u64 = counters.iter().map(|n| u64::from(*n)).sum();
                if count > 0 {
                    let at = |ranks: &[u64]| counted(counters, self.least, ranks);
                    push(number, count, quantiles_of(count, quantiles, at));
                }
            }
            return band;
        }
        for (number, mut values) in (0..).zip(self.gathered) {
            let count = values.len() as u64;
            if count > 0 {
                let at = |ranks: &[u64]| {
                    let mut found = vec![f64::NAN; ranks.len()];
                    select(&mut values, 0, ranks, &mut found);
                    found
                };
                push(number, count, quantiles_of(count, quantiles, at));
            }
        }
        band
    }
}

fn of<T>(values: &[T], rows: Range<usize>) -> &[T] {
    values.get(rows).unwrap_or_default()
}

/// Quantiles, each between the two ranks around it, as SQL's `percentile_cont` defines it. `at` answers the values of ranks, which
/// are in order.
fn quantiles_of(count: u64, quantiles: &[f64], at: impl FnOnce(&[u64]) -> Vec<f64>) -> Vec<f64> {
    let around = |quantile: f64| {
        let rank = (count - 1) as f64 * quantile.clamp(0.0, 1.0);
        let (low, high) = (rank.floor(), rank.ceil());
        (whole_rank(low, count), whole_rank(high, count), rank - low)
    };
    let around: Vec<(u64, u64, f64)> = quantiles.iter().map(|q| around(*q)).collect();
    let mut ranks: Vec<u64> = around.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let values = at(&ranks);
    let value = |rank: u64| {
        let at = ranks.partition_point(|known| *known < rank);
        values.get(at).copied().unwrap_or(f64::NAN)
    };
    let quantiles = around.into_iter().map(|(low, high, share)| {
        let (below, above) = (value(low), value(high));
        if low == high {
            below
        } else {
            below + (above - below) * share
        }
    });
    quantiles.collect()
}

/// The values of ranks of counted integers; ranks are in order.
fn counted(counters: &[u32], least: i64, ranks: &[u64]) -> Vec<f64> {
    let mut found = Vec::with_capacity(ranks.len());
    let mut ranks = ranks.iter().peekable();
    let mut below = 0;
    // Not `least..`: the last one may be the largest number that there is.
    for (at, n) in (0_i64..).zip(counters) {
        below += u64::from(*n);
        while ranks.next_if(|rank| **rank < below).is_some() {
            found.push(least.wrapping_add(at) as f64);
        }
        if ranks.peek().is_none() {
            break;
        }
    }
    found
}

/// Finds the values of ranks, which are in order; `values` begin with rank `first`.
fn select(values: &mut [f64], first: u64, ranks: &[u64], found: &mut [f64]) {
    let middle = ranks.len() / 2;
    let (Some(rank), Some((found_below, rest))) =
        (ranks.get(middle), found.split_at_mut_checked(middle))
    else {
        return;
    };
    let at = usize::try_from(rank - first).unwrap_or(usize::MAX);
    let (Some((here, found_above)), true) = (rest.split_first_mut(), at < values.len()) else {
        return;
    };
    let (below, value, above) = values.select_nth_unstable_by(at, f64::total_cmp);
    *here = *value;
    let (ranks_below, ranks_above) = ranks.split_at(middle);
    select(below, first, ranks_below, found_below);
    select(
        above,
        rank + 1,
        ranks_above.get(1..).unwrap_or_default(),
        found_above,
    );
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is a whole number from 0 to count - 1"
)]
fn whole_rank(rank: f64, count: u64) -> u64 {
    (rank as u64).min(count - 1)
}
