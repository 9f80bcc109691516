//! How the values of a metric are spread.

use super::scan::{IdFilter, Needs, RowFilter, scan, with_values};
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

/// Values that were counted: integers near one another each by itself, others by bin.
#[derive(Default)]
struct Counted {
    /// The value of the first counter.
    least: i64,
    counters: Vec<u64>,
    /// Values that were too far from the counters when two sums were put together.
    far: Vec<(i64, u64)>,
    bins: BTreeMap<i64, u64>,
    n_outside: u64,
}

impl Counted {
    fn add(&mut self, column: &Column, ranges: &[Range<usize>], width: f64) {
        for rows in ranges.iter().cloned() {
            match &column.values {
                Values::I32(values) => self.add_whole(values.get(rows).unwrap_or_default(), width),
                Values::I64(values) => self.add_whole(values.get(rows).unwrap_or_default(), width),
                Values::F32(values) => {
                    let values = values.get(rows).unwrap_or_default();
                    for value in values {
                        self.add_real(f64::from(*value), width);
                    }
                }
                Values::F64(values) => {
                    let values = values.get(rows).unwrap_or_default();
                    for value in values {
                        self.add_real(*value, width);
                    }
                }
                Values::Text { .. } => {}
            }
        }
    }

    fn add_whole<T: Copy + Ord + Into<i64>>(&mut self, values: &[T], width: f64) {
        let (Some(least), Some(greatest)) = (values.iter().min(), values.iter().max()) else {
            return;
        };
        if self.cover((*least).into(), (*greatest).into()) {
            for value in values {
                let at = (*value).into().wrapping_sub(self.least);
                if let Some(counter) = usize::try_from(at)
                    .ok()
                    .and_then(|at| self.counters.get_mut(at))
                {
                    *counter += 1;
                }
            }
        } else {
            for value in values {
                self.put((*value).into(), 1, width);
            }
        }
    }

    /// Makes counters for these values too; false where there would be too many.
    fn cover(&mut self, least: i64, greatest: i64) -> bool {
        if self.counters.is_empty() {
            self.least = least;
        }
        let end = self
            .least
            .saturating_add(i64::try_from(self.counters.len()).unwrap_or(i64::MAX));
        let (first, last) = (
            least.min(self.least),
            greatest.max(end - i64::from(!self.counters.is_empty())),
        );
        let n = last.abs_diff(first);
        if n >= COUNTERS_MAX {
            return false;
        }
        let n_before = usize::try_from(self.least.abs_diff(first)).unwrap_or_default();
        if n_before > 0 {
            self.counters.splice(..0, std::iter::repeat_n(0, n_before));
            self.least = first;
        }
        let n = usize::try_from(n).unwrap_or_default() + 1;
        if self.counters.len() < n {
            self.counters.resize(n, 0);
        }
        true
    }

    fn add_real(&mut self, value: f64, width: f64) {
        match whole((value / width).floor()) {
            Some(bin) => *self.bins.entry(bin).or_default() += 1,
            None => self.n_outside += 1,
        }
    }

    fn put(&mut self, value: i64, n: u64, width: f64) {
        // Whole widths divide without rounding.
        let bin = match whole(width).filter(|whole| *whole as f64 == width) {
            Some(width) => Some(value.div_euclid(width)),
            None => whole((value as f64 / width).floor()),
        };
        match bin {
            Some(bin) => *self.bins.entry(bin).or_default() += n,
            None => self.n_outside += n,
        }
    }

    fn merge(&mut self, part: Self) {
        for (value, n) in counted(part.least, part.counters) {
            if self.cover(value, value) {
                let at = usize::try_from(value.wrapping_sub(self.least)).ok();
                if let Some(counter) = at.and_then(|at| self.counters.get_mut(at)) {
                    *counter += n;
                }
            } else {
                self.far.push((value, n));
            }
        }
        self.far.extend(part.far);
        for (bin, n) in part.bins {
            *self.bins.entry(bin).or_default() += n;
        }
        self.n_outside += part.n_outside;
    }

    fn histogram(mut self, width: f64) -> Histogram {
        let counters = std::mem::take(&mut self.counters);
        for (value, n) in counted(self.least, counters) {
            self.put(value, n, width);
        }
        for (value, n) in std::mem::take(&mut self.far) {
            self.put(value, n, width);
        }
        Histogram {
            bins: self
                .bins
                .into_iter()
                .map(|(bin, count)| HistogramBin { bin, count })
                .collect(),
            n_outside: self.n_outside,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "held against the range before"
)]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9.2e18 && number.fract() == 0.0).then_some(number as i64)
}

/// The values that were counted. The last one may be the largest that there is.
fn counted(least: i64, counters: Vec<u64>) -> impl Iterator<Item = (i64, u64)> {
    let counters = (0_i64..).zip(counters).filter(|(_, n)| *n > 0);
    counters.map(move |(at, n)| (least.wrapping_add(at), n))
}
