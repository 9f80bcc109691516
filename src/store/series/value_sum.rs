//! Count and exact sum of some values.

use super::exact_sum::ExactSum;
use super::summary::sum_of;
use crate::model::series::Values;
use std::ops::Range;

/// Count and exact sum of some values.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueSum {
    pub(super) count: u64,
    /// Sum of the integers.
    whole: i128,
    /// Sum of the floats.
    real: Option<ExactSum>,
}

impl ValueSum {
    /// Adds rows that all have a value.
    pub(super) fn add(&mut self, values: &Values, rows: Range<usize>) {
        self.count += rows.len() as u64;
        match values {
            Values::I32(values) => self.whole += sum_of(values.get(rows).unwrap_or_default()),
            Values::I64(values) => self.whole += sum_of(values.get(rows).unwrap_or_default()),
            Values::F32(values) => self.add_real(values.get(rows).unwrap_or_default()),
            Values::F64(values) => self.add_real(values.get(rows).unwrap_or_default()),
            Values::Text { .. } => {}
        }
    }

    fn add_real<T: Copy + Into<f64>>(&mut self, values: &[T]) {
        let sum = self.real.get_or_insert_default();
        for value in values {
            sum.add((*value).into());
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.whole += other.whole;
        if let Some(real) = &other.real {
            self.real.get_or_insert_default().merge(real);
        }
    }

    /// The sum, rounded once.
    pub(super) fn sum(&self) -> f64 {
        match &self.real {
            None => self.whole as f64,
            Some(real) if self.whole == 0 => real.value(),
            Some(real) => {
                let mut sum = real.clone();
                sum.add_integer(self.whole);
                sum.value()
            }
        }
    }
}
