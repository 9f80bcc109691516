//! How the values of a metric are spread.

use super::filter::{IdFilter, RowFilter};
use super::packed_cell::with_values;
use super::scan::{Needs, scan};
use super::summary::least_and_greatest;
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::BTreeMap;
use std::ops::Range;

/// Integers are counted one by one while their range is below this.
const COUNTERS_MAX: u64 = 1 << 21;

/// Values in one part of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistogramBin {
    /// Its number: it begins at this times the width. May be negative.
    pub bin: i64,
    /// Values.
    pub count: u64,
}

/// How values are spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Parts with values, in order.
    pub bins: Vec<HistogramBin>,
    /// Values that have no place in it: NaN and infinities.
    pub n_outside: u64,
}

impl Reader {
    /// How the values of a metric are spread over parts of this width, which begin at its multiples.
    pub fn histogram(
        &self,
        metric: &str,
        width: f64,
        filter: &RowFilter,
    ) -> Result<Histogram, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(Histogram::default());
        };
        let filter = IdFilter::new(self, filter)?;
        let needs = Needs {
            values: true,
            ..Needs::default()
        };
        let counted: Counted = scan(
            self,
            (metric.id, &filter, needs),
            Counted::default,
            |counted: &mut Counted, cell, decoder| {
                let selected = cell.selected(&filter, decoder)?;
                if selected.is_empty() {
                    return Ok(());
                }
                for column in cell.values(decoder)? {
                    counted.add(&column, &with_values(&column, &selected), width);
                }
                Ok(())
            },
            Counted::merge,
        )?;
        Ok(counted.histogram(width))
    }
}

/// Integers with how often each was there: near one another in a row of counters, others by themselves.
#[derive(Default)]
struct Counters {
    /// The number of the first counter.
    least: i64,
    near: Vec<u64>,
    far: BTreeMap<i64, u64>,
}

impl Counters {
    /// The counter of a number, where there is one.
    fn counter(&mut self, number: i64) -> Option<&mut u64> {
        let at = number.checked_sub(self.least)?;
        self.near.get_mut(usize::try_from(at).ok()?)
    }

    /// Counts a number that has a counter.
    fn count_covered(&mut self, number: i64) {
        let at = usize::try_from(number.wrapping_sub(self.least));
        if let Some(counter) = at.ok().and_then(|at| self.near.get_mut(at)) {
            *counter += 1;
        }
    }

    fn add(&mut self, number: i64, n: u64) {
        let has_counter = self.cover(number, number);
        match self.counter(number).filter(|_| has_counter) {
            Some(counter) => *counter += n,
            None => *self.far.entry(number).or_default() += n,
        }
    }

    /// Makes counters for these numbers too; false where there would be too many.
    fn cover(&mut self, least: i64, greatest: i64) -> bool {
        if self.near.is_empty() {
            self.least = least;
        }
        let end = self
            .least
            .saturating_add(i64::try_from(self.near.len()).unwrap_or(i64::MAX));
        let (first, last) = (
            least.min(self.least),
            greatest.max(end - i64::from(!self.near.is_empty())),
        );
        let n = last.abs_diff(first);
        if n >= COUNTERS_MAX {
            return false;
        }
        let n_before = usize::try_from(self.least.abs_diff(first)).unwrap_or_default();
        if n_before > 0 {
            self.near.splice(..0, std::iter::repeat_n(0, n_before));
            self.least = first;
        }
        let n = usize::try_from(n).unwrap_or_default() + 1;
        if self.near.len() < n {
            self.near.resize(n, 0);
        }
        true
    }

    /// The numbers, each once or twice. The last one may be the largest that there is.
    fn into_counts(self) -> impl Iterator<Item = (i64, u64)> {
        let least = self.least;
        let near = (0_i64..).zip(self.near).filter(|(_, n)| *n > 0);
        near.map(move |(at, n)| (least.wrapping_add(at), n))
            .chain(self.far)
    }
}

/// Values that were counted: integers each by itself, others by bin.
#[derive(Default)]
struct Counted {
    values: Counters,
    bins: Counters,
    n_outside: u64,
}

impl Counted {
    fn add(&mut self, column: &Column, ranges: &[Range<usize>], width: f64) {
        match &column.values {
            Values::I32(values) => self.add_whole(values, ranges, width),
            Values::I64(values) => self.add_whole(values, ranges, width),
            Values::F32(values) => self.add_real(values, ranges, width),
            Values::F64(values) => self.add_real(values, ranges, width),
            Values::Text { .. } => {}
        }
    }

    fn add_whole<T: Copy + Ord + Into<i64>>(
        &mut self,
        values: &[T],
        ranges: &[Range<usize>],
        width: f64,
    ) {
        let Some((least, greatest)) = least_and_greatest(values) else {
            return;
        };
        let has_counters = self.values.cover(least.into(), greatest.into());
        for rows in ranges {
            for value in values.get(rows.clone()).unwrap_or_default() {
                if has_counters {
                    self.values.count_covered((*value).into());
                } else {
                    self.put((*value).into(), 1, width);
                }
            }
        }
    }

    fn add_real<T: Copy + Into<f64>>(&mut self, values: &[T], ranges: &[Range<usize>], width: f64) {
        for rows in ranges {
            for value in values.get(rows.clone()).unwrap_or_default() {
                self.put_in_bin(floor((*value).into() / width), 1);
            }
        }
    }

    fn put(&mut self, value: i64, n: u64, width: f64) {
        // Whole widths divide without rounding.
        let bin = match floor(width).filter(|whole| *whole as f64 == width) {
            Some(width) => Some(value.div_euclid(width)),
            None => floor(value as f64 / width),
        };
        self.put_in_bin(bin, n);
    }

    fn put_in_bin(&mut self, bin: Option<i64>, n: u64) {
        match bin {
            Some(bin) => self.bins.add(bin, n),
            None => self.n_outside += n,
        }
    }

    fn merge(&mut self, part: Self) {
        for (value, n) in part.values.into_counts() {
            self.values.add(value, n);
        }
        for (bin, n) in part.bins.into_counts() {
            self.bins.add(bin, n);
        }
        self.n_outside += part.n_outside;
    }

    fn histogram(mut self, width: f64) -> Histogram {
        for (value, n) in std::mem::take(&mut self.values).into_counts() {
            self.put(value, n, width);
        }
        // A number may have got its counter after it was counted as far from all others.
        let mut bins: BTreeMap<i64, u64> = BTreeMap::new();
        for (bin, n) in self.bins.into_counts() {
            *bins.entry(bin).or_default() += n;
        }
        Histogram {
            bins: bins
                .into_iter()
                .map(|(bin, count)| HistogramBin { bin, count })
                .collect(),
            n_outside: self.n_outside,
        }
    }
}

/// The greatest whole number up to `number`; `None` of NaN and of what no i64 holds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "held against the range before"
)]
fn floor(number: f64) -> Option<i64> {
    if number.is_nan() || number.abs() >= 9.2e18 {
        return None;
    }
    let towards_zero = number as i64;
    Some(towards_zero - i64::from(towards_zero as f64 > number))
}
