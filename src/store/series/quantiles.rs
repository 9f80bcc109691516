//! The band of a metric over devices: quantiles of all values of each hour or day, exact.

use super::key::DAY_NS;
use super::scan::{IdFilter, Needs, RowFilter, scan, with_values};
use super::summary::Extremes;
use crate::model::series::Values;
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::BTreeMap;

const HOUR_NS: i64 = 3_600_000_000_000;
/// Integers are counted, not gathered, when this many counters are enough for all buckets.
const COUNTERS_MAX: u64 = 1 << 23;

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
    fn of(self, time_ns: i64) -> i64 {
        match self {
            Self::Hour => time_ns.div_euclid(HOUR_NS),
            Self::Day => time_ns.div_euclid(DAY_NS),
        }
    }

    fn start(self, bucket: i64) -> i64 {
        bucket.saturating_mul(match self {
            Self::Hour => HOUR_NS,
            Self::Day => DAY_NS,
        })
    }
}

/// Values by bucket: counted from the least one, or gathered.
#[derive(Default)]
struct Gathered {
    counters: Vec<u32>,
    values: BTreeMap<i64, Vec<f64>>,
    n_nan: u64,
}

/// Where the counters of values are.
#[derive(Clone, Copy)]
struct Grid {
    first_bucket: i64,
    least: i64,
    /// Counters of one bucket.
    width: i64,
    n_buckets: i64,
}

impl Reader {
    /// Quantiles (each from 0 to 1) of a metric over all devices.
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
        let ids = IdFilter::new(self, filter)?;
        let grid = self.grid(metric.id, bucket, &ids)?;
        let needs = Needs {
            times: true,
            values: true,
            ..Needs::default()
        };
        let n_counters = grid.map_or(0, |grid| {
            usize::try_from(grid.width * grid.n_buckets).unwrap_or_default()
        });
        let new = || Gathered {
            counters: vec![0; n_counters],
            ..Gathered::default()
        };
        let gathered = scan(
            self,
            (metric.id, &ids, needs),
            new,
            |sum, cell, decoder| {
                let selected = cell.selected(&ids, decoder)?;
                if selected.is_empty() {
                    return Ok(());
                }
                let times = cell.times(decoder)?;
                for column in cell.values(decoder)? {
                    for rows in with_values(&column, &selected) {
                        let times = times.get(rows.clone()).unwrap_or_default();
                        match (&column.values, grid) {
                            (Values::I32(values), Some(grid)) => {
                                count(
                                    sum,
                                    grid,
                                    bucket,
                                    times,
                                    values.get(rows).unwrap_or_default(),
                                );
                            }
                            (Values::I64(values), Some(grid)) => {
                                count(
                                    sum,
                                    grid,
                                    bucket,
                                    times,
                                    values.get(rows).unwrap_or_default(),
                                );
                            }
                            (values, _) => gather(sum, bucket, times, values, rows.start),
                        }
                    }
                }
                Ok(())
            },
            |sum, part| {
                sum.n_nan += part.n_nan;
                for (sum, n) in sum.counters.iter_mut().zip(part.counters) {
                    *sum += n;
                }
                for (bucket, values) in part.values {
                    sum.values.entry(bucket).or_default().extend(values);
                }
            },
        )?;
        Ok(band_of(gathered, grid, bucket, quantiles))
    }

    /// Counters for all buckets, when the metric has only integers of a small range.
    fn grid(
        &self,
        metric: u32,
        bucket: Bucket,
        ids: &IdFilter,
    ) -> Result<Option<Grid>, StoreError> {
        type Seen = (Extremes, Option<(i64, i64)>);
        let seen: Seen = scan(
            self,
            (metric, ids, Needs::default()),
            || (Extremes::None, None),
            |seen: &mut Seen, cell, _| {
                for stats in cell.stored_stats()? {
                    seen.0 = seen.0.merged(stats.extremes);
                    if stats.real.is_some() {
                        seen.0 = Extremes::Real(f64::NEG_INFINITY, f64::INFINITY);
                    }
                }
                let (first, last) = (bucket.of(cell.rows.first_ns), bucket.of(cell.rows.last_ns));
                seen.1 = Some(
                    seen.1
                        .map_or((first, last), |(a, b)| (a.min(first), b.max(last))),
                );
                Ok(())
            },
            |seen, part| {
                seen.0 = seen.0.merged(part.0);
                seen.1 = match (seen.1, part.1) {
                    (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                    (one, other) => one.or(other),
                };
            },
        )?;
        let (Extremes::Whole(least, greatest), Some((first, last))) = seen else {
            return Ok(None);
        };
        let (width, n_buckets) = (greatest.abs_diff(least), last.abs_diff(first) + 1);
        if width >= COUNTERS_MAX || (width + 1).saturating_mul(n_buckets) > COUNTERS_MAX {
            return Ok(None);
        }
        Ok(Some(Grid {
            first_bucket: first,
            least,
            width: width.cast_signed() + 1,
            n_buckets: n_buckets.cast_signed(),
        }))
    }
}

fn count<T: Copy + Into<i64>>(
    sum: &mut Gathered,
    grid: Grid,
    bucket: Bucket,
    times: &[i64],
    values: &[T],
) {
    for (time, value) in times.iter().zip(values) {
        let at =
            (bucket.of(*time) - grid.first_bucket) * grid.width + ((*value).into() - grid.least);
        let counter = usize::try_from(at)
            .ok()
            .and_then(|at| sum.counters.get_mut(at));
        if let Some(counter) = counter {
            *counter += 1;
        }
    }
}

fn gather(sum: &mut Gathered, bucket: Bucket, times: &[i64], values: &Values, first: usize) {
    let mut start = 0;
    for same in times.chunk_by(|a, b| bucket.of(*a) == bucket.of(*b)) {
        let rows = first + start..first + start + same.len();
        start += same.len();
        let Some(time) = same.first() else {
            continue;
        };
        let to = sum.values.entry(bucket.of(*time)).or_default();
        let n_before = to.len();
        match values {
            Values::I32(values) => to.extend(
                values
                    .get(rows.clone())
                    .unwrap_or_default()
                    .iter()
                    .map(|v| f64::from(*v)),
            ),
            Values::I64(values) => to.extend(
                values
                    .get(rows.clone())
                    .unwrap_or_default()
                    .iter()
                    .map(|v| *v as f64),
            ),
            Values::F32(values) => to.extend(
                values
                    .get(rows.clone())
                    .unwrap_or_default()
                    .iter()
                    .map(|v| f64::from(*v)),
            ),
            Values::F64(values) => {
                to.extend_from_slice(values.get(rows.clone()).unwrap_or_default());
            }
            Values::Text { .. } => {}
        }
        let n_added = to.len() - n_before;
        let mut at = 0;
        to.retain(|value| {
            at += 1;
            at <= n_before || !value.is_nan()
        });
        sum.n_nan += (n_before + n_added - to.len()) as u64;
    }
}

fn band_of(gathered: Gathered, grid: Option<Grid>, bucket: Bucket, quantiles: &[f64]) -> Band {
    let mut band = Band {
        n_nan: gathered.n_nan,
        ..Band::default()
    };
    if let Some(grid) = grid {
        let width = usize::try_from(grid.width).unwrap_or(1);
        for (number, counters) in (grid.first_bucket..).zip(gathered.counters.chunks(width)) {
            let count: u64 = counters.iter().map(|n| u64::from(*n)).sum();
            if count > 0 {
                band.buckets.push(BandBucket {
                    start_ns: bucket.start(number),
                    quantiles: quantiles
                        .iter()
                        .map(|q| {
                            interpolated(*q, count, |rank| counted(counters, grid.least, rank))
                        })
                        .collect(),
                    count,
                });
            }
        }
    }
    for (number, mut values) in gathered.values {
        if values.is_empty() {
            continue;
        }
        let count = values.len() as u64;
        let quantiles = quantiles
            .iter()
            .map(|q| {
                interpolated(*q, count, |rank| {
                    let rank = usize::try_from(rank)
                        .unwrap_or_default()
                        .min(values.len() - 1);
                    *values.select_nth_unstable_by(rank, f64::total_cmp).1
                })
            })
            .collect();
        band.buckets.push(BandBucket {
            start_ns: bucket.start(number),
            quantiles,
            count,
        });
    }
    band
}

/// The value of a rank among counted integers.
fn counted(counters: &[u32], least: i64, rank: u64) -> f64 {
    let mut below = 0;
    // Not `least..`: the last one may be the largest number that there is.
    for (at, n) in (0_i64..).zip(counters) {
        below += u64::from(*n);
        if below > rank {
            return least.wrapping_add(at) as f64;
        }
    }
    f64::NAN
}

/// A quantile between the two ranks around it, as SQL's `percentile_cont` defines it.
fn interpolated(quantile: f64, count: u64, mut value: impl FnMut(u64) -> f64) -> f64 {
    let rank = (count - 1) as f64 * quantile.clamp(0.0, 1.0);
    let (low, high) = (rank.floor(), rank.ceil());
    let at = |rank: f64| ranks(rank, count);
    let below = value(at(low));
    if low == high {
        return below;
    }
    let above = value(at(high));
    below + (above - below) * (rank - low)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is a whole number from 0 to count - 1"
)]
fn ranks(rank: f64, count: u64) -> u64 {
    (rank as u64).min(count - 1)
}
