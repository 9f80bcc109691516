//! The sum of one device: exact, of all values and of those whose interval is known.

use super::value_sum::ValueSum;
use crate::model::series::Values;
use std::ops::Range;
use std::sync::Arc;

/// A metric of one device in one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceSum {
    /// Number of the device, the same in all answers.
    pub device: u32,
    /// Name of the version; `None` where its heartbeats do not say theirs.
    pub version: Option<Arc<str>>,
    /// Values.
    pub n_values: u64,
    /// Their exact sum, rounded once.
    pub sum: f64,
    /// Values whose interval is known.
    pub n_timed: u64,
    /// The exact sum of those.
    pub timed_sum: f64,
    /// How long their intervals are together, nanoseconds.
    pub timed_ns: i128,
    /// Of a level: how far it fell from one value to the next.
    pub fallen: f64,
    /// Falls, counting those by nothing.
    pub n_falls: u64,
    /// From the value before to each of them, nanoseconds.
    pub falling_ns: i128,
    /// How often it rose: something was filled, and how much fell meanwhile nobody knows.
    pub n_rises: u64,
}

/// The sum of a device in a version while values are added.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    all: ValueSum,
    timed: Timed,
    timed_ns: i128,
    pub(super) moves: Option<Box<Moves>>,
}

/// The values whose interval is known.
#[derive(Clone, Debug, Default)]
enum Timed {
    /// All of them.
    #[default]
    All,
    None,
    Some(Box<ValueSum>),
}

/// From one value to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moves {
    pub(super) fallen: f64,
    pub(super) n_falls: u64,
    pub(super) falling_ns: i128,
    pub(super) n_rises: u64,
}

impl Sum {
    /// Adds rows that all have a value that is a number. Without lengths no interval is known.
    pub(super) fn add(&mut self, values: &Values, rows: Range<usize>, lengths: &[Option<i64>]) {
        let is_timed = |length: &Option<i64>| length.is_some_and(|length| length > 0);
        let Some(lengths) = lengths.get(rows.clone()) else {
            return self.add_untimed(values, rows);
        };
        let mut start = rows.start;
        for same in lengths.chunk_by(|a, b| is_timed(a) == is_timed(b)) {
            let part = start..start + same.len();
            start = part.end;
            if !same.first().is_some_and(is_timed) {
                self.add_untimed(values, part);
                continue;
            }
            let lengths = same.iter().flatten().copied().map(i128::from);
            self.timed_ns += lengths.sum::<i128>();
            match &mut self.timed {
                Timed::All => {}
                Timed::None => {
                    let mut timed = ValueSum::default();
                    timed.add(values, part.clone());
                    self.timed = Timed::Some(Box::new(timed));
                }
                Timed::Some(timed) => timed.add(values, part.clone()),
            }
            self.all.add(values, part);
        }
    }

    fn add_untimed(&mut self, values: &Values, rows: Range<usize>) {
        if matches!(self.timed, Timed::All) {
            self.timed = match self.all.count {
                0 => Timed::None,
                _ => Timed::Some(Box::new(self.all.clone())),
            };
        }
        self.all.add(values, rows);
    }

    /// Adds later values.
    pub(super) fn merge(&mut self, other: &Self) {
        let timed = match (&mut self.timed, &other.timed) {
            (Timed::All, Timed::All) | (Timed::None | Timed::Some(_), Timed::None) => None,
            (Timed::Some(timed), Timed::Some(more)) => {
                timed.merge(more);
                None
            }
            (Timed::Some(timed), Timed::All) => {
                timed.merge(&other.all);
                None
            }
            (Timed::All, Timed::Some(more)) => {
                let mut timed = more.clone();
                timed.merge(&self.all);
                Some(Timed::Some(timed))
            }
            (Timed::All, Timed::None) => Some(Timed::Some(Box::new(self.all.clone()))),
            (Timed::None, Timed::All) => Some(Timed::Some(Box::new(other.all.clone()))),
            (Timed::None, Timed::Some(more)) => Some(Timed::Some(more.clone())),
        };
        if let Some(timed) = timed {
            self.timed = timed;
        }
        self.all.merge(&other.all);
        self.timed_ns += other.timed_ns;
        if let Some(more) = &other.moves {
            let moves = self.moves.get_or_insert_default();
            moves.fallen += more.fallen;
            moves.n_falls += more.n_falls;
            moves.falling_ns += more.falling_ns;
            moves.n_rises += more.n_rises;
        }
    }

    /// What is answered.
    pub(super) fn of_device(&self, device: u32, version: Option<Arc<str>>) -> DeviceSum {
        let sum = self.all.sum();
        let (n_timed, timed_sum) = match &self.timed {
            Timed::All => (self.all.count, sum),
            Timed::None => (0, 0.0),
            Timed::Some(timed) => (timed.count, timed.sum()),
        };
        let moves = self.moves.as_deref().copied().unwrap_or_default();
        DeviceSum {
            device,
            version,
            n_values: self.all.count,
            sum,
            n_timed,
            timed_sum,
            timed_ns: self.timed_ns,
            fallen: moves.fallen,
            n_falls: moves.n_falls,
            falling_ns: moves.falling_ns,
            n_rises: moves.n_rises,
        }
    }
}
