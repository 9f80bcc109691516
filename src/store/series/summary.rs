//! What stands beside a block: count, sum, least and greatest value for each version; and beside the rows of a cell, how many
//! each device has and how far apart they are.

use super::bytes::{ByteReader, Malformed, put_signed, put_signed_128, put_varint};
use super::codec::MOST_ROWS;
use super::exact_sum::ExactSum;
use super::key::GROUP_DEVICES;
use std::collections::BTreeMap;

/// Changes of version in a cell that are written beside it; where there are more, the version of each row is read from its block.
/// Few in tests, which so meet cells of both kinds.
const VERSION_RUNS_MAX: usize = if cfg!(test) { 12 } else { 1024 };
/// Spacings below this are counted to the second, others to the minute.
const MINUTE_NS: u64 = 60_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// The least and the greatest of some values. NaN is neither.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extremes {
    None,
    Whole(i64, i64),
    Real(f64, f64),
}

impl Extremes {
    pub(super) fn as_real(self) -> Option<(f64, f64)> {
        match self {
            Self::None => None,
            Self::Whole(least, greatest) => Some((least as f64, greatest as f64)),
            Self::Real(least, greatest) => Some((least, greatest)),
        }
    }

    pub(super) fn merged(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, other) => other,
            (this, Self::None) => this,
            (Self::Whole(a, b), Self::Whole(c, d)) => Self::Whole(a.min(c), b.max(d)),
            (this, other) => match (this.as_real(), other.as_real()) {
                (Some((a, b)), Some((c, d))) => Self::Real(least_of(a, c), greatest_of(b, d)),
                (Some((a, b)), None) | (None, Some((a, b))) => Self::Real(a, b),
                (None, None) => Self::None,
            },
        }
    }
}

fn least_of(a: f64, b: f64) -> f64 {
    if b.total_cmp(&a).is_lt() { b } else { a }
}

fn greatest_of(a: f64, b: f64) -> f64 {
    if b.total_cmp(&a).is_gt() { b } else { a }
}

/// Count, sum and extremes of some values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stats {
    pub(super) count: u64,
    pub(super) extremes: Extremes,
    /// Sum of the integers.
    pub(super) whole: i128,
    /// Sum of the floats.
    pub(super) real: Option<Box<ExactSum>>,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            count: 0,
            extremes: Extremes::None,
            whole: 0,
            real: None,
        }
    }
}

impl Stats {
    pub(super) fn add_whole<T: Copy + Ord + Into<i64>>(&mut self, values: &[T]) {
        let Some((least, greatest)) = least_and_greatest(values) else {
            return;
        };
        self.count += values.len() as u64;
        let seen = Extremes::Whole(least.into(), greatest.into());
        self.extremes = self.extremes.merged(seen);
        self.whole += sum_of(values);
    }

    pub(super) fn add_real<T: Copy + Into<f64>>(&mut self, values: &[T]) {
        if values.is_empty() {
            return;
        }
        self.count += values.len() as u64;
        let sum = self.real.get_or_insert_default();
        let mut seen: Option<(f64, f64)> = None;
        for value in values {
            let value: f64 = (*value).into();
            sum.add(value);
            if !value.is_nan() {
                let (least, greatest) = seen.unwrap_or((value, value));
                seen = Some((least_of(least, value), greatest_of(greatest, value)));
            }
        }
        if let Some((least, greatest)) = seen {
            self.extremes = self.extremes.merged(Extremes::Real(least, greatest));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.extremes = self.extremes.merged(other.extremes);
        self.whole += other.whole;
        if let Some(real) = &other.real {
            self.real.get_or_insert_default().merge(real);
        }
    }

    /// The sum, rounded once.
    pub(super) fn sum(&self) -> f64 {
        match &self.real {
            None => self.whole as f64,
            Some(real) => {
                let mut sum = real.clone();
                sum.add_integer(self.whole);
                sum.value()
            }
        }
    }

    /// The rounded sum divided by the count; `None` where there is nothing.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum() / self.count as f64)
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.count);
        match self.extremes {
            Extremes::None => out.push(0),
            Extremes::Whole(least, greatest) => {
                out.push(1);
                put_signed(out, least);
                put_varint(out, greatest.wrapping_sub(least).cast_unsigned());
            }
            Extremes::Real(least, greatest) => {
                out.push(2);
                out.extend(least.to_le_bytes());
                out.extend(greatest.to_le_bytes());
            }
        }
        match &self.real {
            None => {
                out.push(0);
                put_signed_128(out, self.whole);
            }
            Some(real) => {
                out.push(1);
                real.write(out);
            }
        }
    }

    fn read(bytes: &mut ByteReader<'_>) -> Result<Self, Malformed> {
        let mut stats = Self {
            count: bytes.varint()?,
            ..Self::default()
        };
        stats.extremes = match bytes.byte()? {
            0 => Extremes::None,
            1 => {
                let least = bytes.signed()?;
                Extremes::Whole(least, least.wrapping_add(bytes.varint()?.cast_signed()))
            }
            2 => Extremes::Real(
                f64::from_le_bytes(bytes.array()?),
                f64::from_le_bytes(bytes.array()?),
            ),
            _ => return Err(Malformed("its extremes are not known")),
        };
        match bytes.byte()? {
            0 => stats.whole = bytes.signed_128()?,
            1 => stats.real = Some(Box::new(ExactSum::read(bytes)?)),
            _ => return Err(Malformed("its sum is not known")),
        }
        Ok(stats)
    }
}

/// The sum of the integers of a block.
pub(super) fn sum_of<T: Copy + Into<i64>>(values: &[T]) -> i128 {
    // A sum of fewer than 2^21 numbers of 32 bits fits 64 bits.
    if size_of::<T>() < 8 {
        i128::from(values.iter().map(|value| (*value).into()).sum::<i64>())
    } else {
        let wide = values.iter().map(|value| i128::from((*value).into()));
        wide.sum()
    }
}

/// The least and the greatest of some values. A plain loop: the compiler makes several comparisons at once of it.
pub(super) fn least_and_greatest<T: Copy + Ord>(values: &[T]) -> Option<(T, T)> {
    let mut least = *values.first()?;
    let mut greatest = least;
    for value in values {
        least = if *value < least { *value } else { least };
        greatest = if *value > greatest { *value } else { greatest };
    }
    Some((least, greatest))
}

/// Statistics of a block by version id; 0 is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Summary {
    pub(super) by_version: Vec<(u32, Stats)>,
}

impl Summary {
    /// Changes the statistics of a version.
    pub(super) fn change(&mut self, version: u32, change: impl FnOnce(&mut Stats)) {
        let place = self
            .by_version
            .partition_point(|(known, _)| *known < version);
        match self.by_version.get_mut(place) {
            Some((known, stats)) if *known == version => change(stats),
            _ => {
                let mut stats = Stats::default();
                change(&mut stats);
                self.by_version.insert(place, (version, stats));
            }
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.by_version.len() as u64);
        for (version, stats) in &self.by_version {
            put_varint(&mut out, u64::from(*version));
            stats.write(&mut out);
        }
        out
    }

    pub(super) fn read(blob: &[u8]) -> Result<Self, Malformed> {
        let mut bytes = ByteReader::new(blob);
        let n = bytes.length(blob.len())?;
        let mut summary = Self::default();
        for _ in 0..n {
            let version = bytes.length(u32::MAX as usize)?;
            let version = u32::try_from(version).unwrap_or_default();
            summary.by_version.push((version, Stats::read(&mut bytes)?));
        }
        Ok(summary)
    }
}

/// What stands beside the rows of a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RowSummary {
    /// First and last time, nanoseconds since 1970.
    pub(super) first_ns: i64,
    pub(super) last_ns: i64,
    /// Place in the group and number of rows, of each device that has any; in the order of the rows.
    pub(super) runs: Vec<(u8, u32)>,
    /// Rows of each version.
    pub(super) versions: BTreeMap<u32, u64>,
    /// How far apart rows of one device are, rounded, and how often.
    pub(super) spacings: BTreeMap<u64, u64>,
    /// The version of so many rows, in their order; empty where all have the same, and where there are too many changes.
    pub(super) version_runs: Vec<(u32, u32)>,
}

impl RowSummary {
    /// Numbers of rows alone.
    pub(super) fn lengths(&self) -> Vec<u32> {
        self.runs.iter().map(|(_, n)| *n).collect()
    }

    pub(super) fn n_rows(&self) -> usize {
        self.runs.iter().map(|(_, n)| *n as usize).sum()
    }

    /// The version of so many rows, in their order; `None` where it is not known here.
    pub(super) fn versions_of_rows(&self) -> Option<Vec<(u32, usize)>> {
        if let (Some((version, _)), 1) = (self.versions.first_key_value(), self.versions.len()) {
            return Some(vec![(*version, self.n_rows())]);
        }
        let runs = self.version_runs.iter();
        (!self.version_runs.is_empty()).then(|| runs.map(|(of, n)| (*of, *n as usize)).collect())
    }

    /// True where the versions of the rows are known without their block.
    pub(super) fn knows_versions(&self) -> bool {
        self.versions.len() == 1 || !self.version_runs.is_empty()
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_signed(&mut out, self.first_ns);
        put_varint(
            &mut out,
            self.last_ns.wrapping_sub(self.first_ns).cast_unsigned(),
        );
        put_varint(&mut out, self.runs.len() as u64);
        for (slot, n) in &self.runs {
            out.push(*slot);
            put_varint(&mut out, u64::from(*n));
        }
        put_varint(&mut out, self.versions.len() as u64);
        for (version, n) in &self.versions {
            put_varint(&mut out, u64::from(*version));
            put_varint(&mut out, *n);
        }
        put_varint(&mut out, self.spacings.len() as u64);
        for (spacing, n) in &self.spacings {
            put_varint(&mut out, *spacing);
            put_varint(&mut out, *n);
        }
        if self.version_runs.len() <= VERSION_RUNS_MAX {
            for (version, n) in &self.version_runs {
                put_varint(&mut out, u64::from(*version));
                put_varint(&mut out, u64::from(*n));
            }
        }
        out
    }

    pub(super) fn read(blob: &[u8]) -> Result<Self, Malformed> {
        let mut bytes = ByteReader::new(blob);
        let first_ns = bytes.signed()?;
        let mut rows = Self {
            first_ns,
            last_ns: first_ns.wrapping_add(bytes.varint()?.cast_signed()),
            ..Self::default()
        };
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        for _ in 0..bytes.length(GROUP_DEVICES as usize)? {
            let slot = bytes.byte()?;
            rows.runs.push((slot, small(bytes.length(MOST_ROWS)?)));
        }
        if rows.n_rows() > MOST_ROWS {
            return Err(Malformed("it has too many rows"));
        }
        for _ in 0..bytes.length(blob.len())? {
            let version = small(bytes.length(u32::MAX as usize)?);
            rows.versions.insert(version, bytes.varint()?);
        }
        for _ in 0..bytes.length(blob.len())? {
            let spacing = bytes.varint()?;
            rows.spacings.insert(spacing, bytes.varint()?);
        }
        // Not there in what was written before there were any.
        let mut n_known: usize = 0;
        while !bytes.is_empty() {
            let version = small(bytes.length(u32::MAX as usize)?);
            let n = bytes.length(MOST_ROWS)?;
            n_known = n_known.saturating_add(n);
            rows.version_runs.push((version, small(n)));
        }
        if !rows.version_runs.is_empty() && n_known != rows.n_rows() {
            return Err(Malformed("its versions are not those of its rows"));
        }
        Ok(rows)
    }
}

/// A spacing as it is counted: to the second below a minute, else to the minute. Nanoseconds.
pub(super) fn rounded_spacing(spacing_ns: u64) -> u64 {
    let step = if spacing_ns < MINUTE_NS {
        SECOND_NS
    } else {
        MINUTE_NS
    };
    spacing_ns.saturating_add(step / 2) / step * step
}

#[cfg(test)]
mod tests {
    use super::{RowSummary, VERSION_RUNS_MAX};

    fn with_versions(version_runs: Vec<(u32, u32)>) -> RowSummary {
        let mut rows = RowSummary {
            runs: vec![(3, version_runs.iter().map(|(_, n)| *n).sum())],
            version_runs,
            ..RowSummary::default()
        };
        for (version, n) in &rows.version_runs {
            *rows.versions.entry(*version).or_default() += u64::from(*n);
        }
        rows
    }

    #[test]
    fn versions_of_rows_are_read_as_they_were_written() {
        let rows = with_versions(vec![(7, 3), (1, 1), (7, 20)]);
        assert_eq!(RowSummary::read(&rows.write()).unwrap(), rows);
        assert_eq!(rows.versions_of_rows(), Some(vec![(7, 3), (1, 1), (7, 20)]));
    }

    #[test]
    fn what_was_written_without_versions_of_rows_is_read_without() {
        let mut rows = with_versions(vec![(7, 3), (1, 1)]);
        rows.version_runs.clear();
        let read = RowSummary::read(&rows.write()).unwrap();
        assert!(!read.knows_versions() && read.versions_of_rows().is_none());
        assert_eq!(read, rows);
    }

    #[test]
    fn too_many_changes_of_version_are_left_to_the_block() {
        let n = u32::try_from(VERSION_RUNS_MAX).unwrap() + 1;
        let rows = with_versions((0..n).map(|at| (at % 2 + 1, 1)).collect());
        assert!(!RowSummary::read(&rows.write()).unwrap().knows_versions());
    }

    #[test]
    fn versions_of_other_rows_are_refused() {
        let mut rows = with_versions(vec![(7, 3), (1, 1)]);
        rows.version_runs.push((7, 1));
        let refused = RowSummary::read(&rows.write()).unwrap_err();
        assert_eq!(refused.0, "its versions are not those of its rows");
    }
}
