//! What the rows of a block say of their time, packed to about a byte a row: enough to merge a log with others and to mark
//! the rows that are out of order without decoding them again.

use super::LogSession;
use super::blocks::IndexedBlock;
use crate::model::log::LogRecord;

/// Times beyond this (73 years before or after 1970, or since a start) are no times of a log.
const FURTHEST: u64 = 1 << 61;
/// A time of day that falls by more than this began a new day.
const HALF_A_DAY: i64 = 12 * 3600 * 1_000_000_000;
/// Stretches of one block for which wall clock and uptime are compared; no device restarts more often.
const MOST_LEADS: usize = 1000;

/// What a row says of its time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowTimes {
    /// Since 1970.
    pub wall: Option<i64>,
    /// Of some day, or of some year.
    pub day: Option<i64>,
    /// Since the device started.
    pub uptime: Option<i64>,
}

impl RowTimes {
    /// Of a decoded row.
    pub fn of(record: &LogRecord) -> Self {
        let sensible = |ns: &i64| ns.unsigned_abs() < FURTHEST;
        let time = record.time_ns.filter(sensible);
        let uptime = record.uptime_ns.and_then(|ns| i64::try_from(ns).ok());
        Self {
            wall: time.filter(|_| !record.is_date_incomplete),
            day: time.filter(|_| record.is_date_incomplete),
            uptime: uptime.filter(sensible),
        }
    }

    /// The best of them, with what kind it is.
    fn best(self) -> Option<Stamp> {
        let wall = self.wall.map(|ns| Stamp { kind: 0, ns });
        let day = || self.day.map(|ns| Stamp { kind: 1, ns });
        let uptime = || self.uptime.map(|ns| Stamp { kind: 2, ns });
        wall.or_else(day).or_else(uptime)
    }
}

/// A time and its kind: only those of one kind can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    kind: u8,
    ns: i64,
}

impl Stamp {
    fn is_before(self, above: Self) -> bool {
        let is_next_day = self.kind == 1 && above.ns.saturating_sub(self.ns) > HALF_A_DAY;
        self.kind == above.kind && self.ns < above.ns && !is_next_day
    }
}

/// Wall clock minus uptime, of a stretch of rows in which the uptime does not fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lead {
    first_row: u64,
    least: i64,
    most: i64,
    uptime: i64,
}

/// The times of a block's rows.
#[derive(Debug, Default)]
pub(super) struct PackedTimes {
    wall: Option<Packed>,
    day: Option<Packed>,
    uptime: Option<Packed>,
    /// Rows whose time is before that of the row above, behind that row. Of rows without a time nothing is said.
    falls: Vec<(u64, u64)>,
    first: Option<(u64, Stamp)>,
    last: Option<(u64, Stamp)>,
    leads: Vec<Lead>,
}

/// Collects the times of a block, row by row.
#[derive(Default)]
pub(super) struct RowTimesBuilder {
    n_rows: usize,
    wall: Vec<Option<i64>>,
    day: Vec<Option<i64>>,
    uptime: Vec<Option<i64>>,
    times: PackedTimes,
}

impl RowTimesBuilder {
    pub(super) fn push(&mut self, record: &LogRecord) {
        let times = RowTimes::of(record);
        let n_rows = self.n_rows;
        for (column, time) in [
            (&mut self.wall, times.wall),
            (&mut self.day, times.day),
            (&mut self.uptime, times.uptime),
        ] {
            if time.is_some() {
                column.resize(n_rows, None);
                column.push(time);
            }
        }
        self.n_rows = n_rows.saturating_add(1);
        let row = n_rows as u64;
        if let Some(stamp) = times.best() {
            if let Some((above, before)) = self.times.last
                && stamp.is_before(before)
            {
                self.times.falls.push((above, row));
            }
            self.times.first.get_or_insert((row, stamp));
            self.times.last = Some((row, stamp));
        }
        if let (Some(wall), Some(uptime)) = (times.wall, times.uptime) {
            self.times.lead(row, wall.saturating_sub(uptime), uptime);
        }
    }

    pub(super) fn finish(self) -> PackedTimes {
        PackedTimes {
            wall: Packed::of(&self.wall),
            day: Packed::of(&self.day),
            uptime: Packed::of(&self.uptime),
            ..self.times
        }
    }
}

impl PackedTimes {
    fn lead(&mut self, row: u64, by: i64, uptime: i64) {
        let is_full = self.leads.len() >= MOST_LEADS;
        match self.leads.last_mut() {
            Some(lead) if uptime >= lead.uptime || is_full => {
                lead.least = lead.least.min(by);
                lead.most = lead.most.max(by);
                lead.uptime = uptime;
            }
            _ => self.leads.push(Lead {
                first_row: row,
                least: by,
                most: by,
                uptime,
            }),
        }
    }
}

/// A column of times: the differences from row to row, in the largest unit that loses nothing.
#[derive(Debug)]
struct Packed {
    unit: i64,
    codes: Vec<u8>,
}

impl Packed {
    fn of(times: &[Option<i64>]) -> Option<Self> {
        if times.is_empty() {
            return None;
        }
        let units = [1_000_000_000, 1_000_000, 1000];
        let fits = |unit: &i64| times.iter().flatten().all(|ns| ns % unit == 0);
        let unit = units.into_iter().find(fits).unwrap_or(1);
        let mut codes = Vec::with_capacity(times.len());
        let mut before: i64 = 0;
        for time in times {
            // 0 stands for no time; else one more than the difference, the sign in the lowest bit.
            let code = time.map_or(0, |ns| {
                let now = ns / unit;
                let by = now.wrapping_sub(before);
                before = now;
                ((by << 1) ^ (by >> 63)).cast_unsigned().wrapping_add(1)
            });
            append(code, &mut codes);
        }
        codes.shrink_to_fit();
        Some(Self { unit, codes })
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn append(mut code: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = code.to_le_bytes();
        code >>= 7;
        if code == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Reads a column from its beginning. Behind its end there is no time.
#[derive(Clone, Copy, Debug, Default)]
struct Unpack<'a> {
    unit: i64,
    codes: &'a [u8],
    now: i64,
}

impl<'a> Unpack<'a> {
    fn of(packed: Option<&'a Packed>) -> Self {
        packed.map_or_else(Self::default, |packed| Self {
            unit: packed.unit,
            codes: &packed.codes,
            now: 0,
        })
    }

    fn next_time(&mut self) -> Option<i64> {
        let mut code: u64 = 0;
        let mut shift: u32 = 0;
        loop {
            let (byte, rest) = self.codes.split_first()?;
            self.codes = rest;
            code |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift = shift.saturating_add(7);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let signed = code.checked_sub(1)?;
        let by = (signed >> 1).cast_signed() ^ (signed & 1).cast_signed().wrapping_neg();
        self.now = self.now.wrapping_add(by);
        Some(self.now.wrapping_mul(self.unit))
    }
}

/// What each row of a log says of its time, from the first to the last.
#[derive(Clone, Debug)]
pub struct TimesIter<'a> {
    blocks: std::slice::Iter<'a, IndexedBlock>,
    n_left: u64,
    wall: Unpack<'a>,
    day: Unpack<'a>,
    uptime: Unpack<'a>,
}

impl Iterator for TimesIter<'_> {
    type Item = RowTimes;

    fn next(&mut self) -> Option<RowTimes> {
        while self.n_left == 0 {
            let facts = &self.blocks.next()?.facts;
            self.n_left = facts.n_rows;
            self.wall = Unpack::of(facts.row_times.wall.as_ref());
            self.day = Unpack::of(facts.row_times.day.as_ref());
            self.uptime = Unpack::of(facts.row_times.uptime.as_ref());
        }
        self.n_left = self.n_left.saturating_sub(1);
        Some(RowTimes {
            wall: self.wall.next_time(),
            day: self.day.next_time(),
            uptime: self.uptime.next_time(),
        })
    }
}

impl LogSession {
    /// What each row says of its time.
    pub fn times(&self) -> TimesIter<'_> {
        TimesIter {
            blocks: self.blocks.iter(),
            n_left: 0,
            wall: Unpack::default(),
            day: Unpack::default(),
            uptime: Unpack::default(),
        }
    }

    /// Which kinds of time its rows have: wall clock, time of day, uptime.
    pub fn kinds_of_time(&self) -> (bool, bool, bool) {
        let any = |has: fn(&PackedTimes) -> bool| {
            let mut blocks = self.blocks.iter();
            blocks.any(|block| has(&block.facts.row_times))
        };
        (
            any(|times| times.wall.is_some()),
            any(|times| times.day.is_some()),
            any(|times| times.uptime.is_some()),
        )
    }

    /// True when the time of a row is before that of the row above it, and the device was not restarted in between.
    pub fn is_out_of_order(&self, row: u64) -> bool {
        let found = self.blocks.partition_point(|block| block.first_row <= row);
        let Some((block, earlier)) = self.blocks.get(..found).and_then(<[_]>::split_last) else {
            return false;
        };
        let inside = row.saturating_sub(block.first_row);
        let times = &block.facts.row_times;
        let above = match times.first {
            Some((first, stamp)) if first == inside => {
                let last = |block: &IndexedBlock| {
                    let (row, stamp) = block.facts.row_times.last?;
                    Some((block.first_row.saturating_add(row), stamp))
                };
                let before = earlier.iter().rev().find_map(last);
                before.and_then(|(above, before)| stamp.is_before(before).then_some(above))
            }
            _ => {
                let at = times.falls.binary_search_by_key(&inside, |fall| fall.1);
                let fall = at.ok().and_then(|at| times.falls.get(at));
                fall.map(|fall| block.first_row.saturating_add(fall.0))
            }
        };
        above.is_some_and(|above| !self.starts_again(above, row))
    }

    /// True when a boot or another file begins behind row `above`, up to `row`.
    pub fn starts_again(&self, above: u64, row: u64) -> bool {
        let n_before = self.boot_rows.partition_point(|start| *start <= above);
        let boot = self
            .boot_rows
            .get(n_before)
            .is_some_and(|start| *start <= row);
        let is_between = |start: u64| start > above && start <= row;
        let mut restarts = self.summary.restarts.iter();
        boot || restarts.any(|restart| is_between(restart.row))
    }

    /// Wall-clock time of uptime 0 of the rows from `first` up to `end`, and how far off it may be: what the rows say that have
    /// both. What recorded them did so a little later than the device wrote: the least is the nearest.
    pub(super) fn started_ns(&self, first: u64, end: u64) -> Option<(i64, u64)> {
        let mut span: Option<(i64, i64)> = None;
        for block in &self.blocks {
            for lead in &block.facts.row_times.leads {
                let row = block.first_row.saturating_add(lead.first_row);
                if (first..end).contains(&row) {
                    let known = span.get_or_insert((lead.least, lead.most));
                    *known = (known.0.min(lead.least), known.1.max(lead.most));
                }
            }
        }
        span.map(|(least, most)| (least, most.saturating_sub(least).unsigned_abs()))
    }
}

impl LogSession {
    /// Of what came with the log and says when its first record was made: the first row with an uptime, and the wall-clock time
    /// of uptime 0 with its error.
    pub(super) fn start_of_first_run(&self) -> Option<(u64, (i64, u64))> {
        let (start, error) = self.started?;
        let mut rows = (0_u64..).zip(self.times());
        let (row, uptime) = rows.find_map(|(row, times)| Some((row, times.uptime?)))?;
        Some((row, (start.saturating_sub(uptime), error)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Packed, Unpack};

    #[test]
    fn a_packed_column_gives_back_what_was_packed() {
        let columns: [&[Option<i64>]; 5] = [
            &[
                Some(0),
                Some(1_000_000),
                None,
                Some(1_000_000),
                Some(500_000_000),
            ],
            &[None, None, Some(1_700_000_000_123_456_789), Some(-5), None],
            &[
                Some((1 << 61) - 1),
                Some(-(1 << 61) + 1),
                Some(i64::MAX / 4),
            ],
            &[Some(3_000_000_000), Some(1_000_000_000)],
            &[None],
        ];
        for column in columns {
            let packed = Packed::of(column).unwrap();
            let mut reader = Unpack::of(Some(&packed));
            let read: Vec<_> = column.iter().map(|_| reader.next_time()).collect();
            assert_eq!(read, column);
            assert_eq!(reader.next_time(), None);
        }
        let milliseconds: Vec<_> = (0..1000).map(|n| Some(n * 37_000_000)).collect();
        let packed = Packed::of(&milliseconds).unwrap();
        assert!(packed.codes.len() <= 1010, "{}", packed.codes.len());
    }
}
