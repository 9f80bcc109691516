//! The clock of a log among others: where its rows are on an axis that all of them share.
//!
//! Boot-relative time is the normal case. Where a log tells of a restart (a boot, or an uptime that falls and stays low) its
//! uptime counts from the last time before on: how long the device was off is not known, and is said.

use crate::engine::logs::offset;
use crate::engine::logs::session::{LogSession, RowTimes, TimesIter};
use crate::engine::logs::view::DensityAxis;

const NANOS_A_DAY: i64 = 86_400 * 1_000_000_000;
const NANOS_A_YEAR: i64 = 365 * NANOS_A_DAY;
/// An uptime that falls by less is a line that came late.
const LEAST_FALL: i64 = 1_000_000_000;
/// Restarts that are told apart; no log tells of more.
const MOST_RUNS: usize = 10_000;

/// The axis of merged logs: the best that all of them can say. A log without times has no say in it.
pub(super) fn axis_of_all<'a>(logs: impl IntoIterator<Item = &'a LogSession>) -> DensityAxis {
    let (mut any_wall, mut all_of_day, mut any) = (false, true, false);
    for log in logs {
        let (has_wall, has_day, has_uptime) = log.kinds_of_time();
        if !(has_wall || has_day || has_uptime) {
            continue;
        }
        any = true;
        let is_wall = has_wall || (!has_day && log.started().is_some());
        any_wall |= is_wall;
        all_of_day &= is_wall || has_day;
    }
    match (any, all_of_day, any_wall) {
        (false, ..) => DensityAxis::Rows,
        (true, true, true) => DensityAxis::Wall,
        (true, true, false) => DensityAxis::Clock,
        (true, false, _) => DensityAxis::Uptime,
    }
}

/// What the axis of merged logs counts, in words.
pub(super) fn words_of_axis(axis: DensityAxis) -> &'static str {
    match axis {
        DensityAxis::Wall => "wall clock, UTC where a line names no zone",
        DensityAxis::Clock => "time of day; the date is not known",
        DensityAxis::Uptime => "time since the start of each log",
        DensityAxis::Rows => "no line says a time: one log stands behind the other",
    }
}

/// The kind of time that a clock goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    Wall,
    Day,
    Uptime,
    Nothing,
}

impl Basis {
    fn of(self, times: RowTimes) -> Option<i64> {
        match self {
            Self::Wall => times.wall,
            Self::Day => times.day,
            Self::Uptime => times.uptime,
            Self::Nothing => None,
        }
    }
}

/// From a row on, so much is added to what the rows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first_row: u64,
    shift_ns: i64,
}

/// Where the rows of a log are on an axis, before its offset is added.
#[derive(Clone, Debug)]
pub(super) struct LogClock {
    basis: Basis,
    runs: Vec<Run>,
    first_ns: Option<i64>,
    words: String,
}

impl LogClock {
    /// The clock of a log. `reference_ns` is a time near which the log was written, for one that does not say its date.
    pub(super) fn new(log: &LogSession, axis: DensityAxis, reference_ns: Option<i64>) -> Self {
        let (has_wall, has_day, has_uptime) = log.kinds_of_time();
        let basis = match (has_wall, has_day, has_uptime) {
            (true, _, _) => Basis::Wall,
            (_, true, _) => Basis::Day,
            (_, _, true) => Basis::Uptime,
            _ => Basis::Nothing,
        };
        let first = log.times().find(|times| basis.of(*times).is_some());
        let first_ns = first.and_then(|times| basis.of(times)).unwrap_or(0);
        let year = basis == Basis::Day && log.times().any(|times| times.day >= Some(NANOS_A_DAY));
        let shift = match (axis, basis) {
            (DensityAxis::Wall, Basis::Uptime) => log
                .started()
                .map_or(0, |(start, _)| start.saturating_sub(first_ns)),
            (DensityAxis::Wall, Basis::Day) => {
                let reference = reference_ns.unwrap_or(first_ns);
                if year {
                    shift_to_year(first_ns, reference)
                } else {
                    nearest_day(first_ns, reference)
                }
            }
            (DensityAxis::Uptime, Basis::Wall | Basis::Day) => {
                // The device may already have been up when its first line was written.
                let up = first.and_then(|times| times.uptime).unwrap_or(0);
                up.saturating_sub(first_ns)
            }
            _ => 0,
        };
        let runs = match basis {
            Basis::Day | Basis::Uptime => runs(log, basis, shift, year),
            Basis::Wall | Basis::Nothing => vec![Run {
                first_row: 0,
                shift_ns: shift,
            }],
        };
        let mut clock = Self {
            basis,
            first_ns: None,
            words: words(log, axis, basis, runs.len()),
            runs,
        };
        clock.first_ns = clock.times(log).find_map(|(_, time)| time);
        clock
    }

    /// Where its times come from and how exact they are: a sentence.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// The first time of its rows.
    pub(super) fn first_ns(&self) -> Option<i64> {
        self.first_ns
    }

    /// Where a row that says this of its time is on the axis.
    pub(super) fn time_of(&self, row: u64, times: RowTimes) -> Option<i64> {
        let n_begun = self.runs.partition_point(|run| run.first_row <= row);
        let run = self.runs.get(n_begun.checked_sub(1)?)?;
        let ns = self.basis.of(times)?;
        Some(ns.saturating_add(run.shift_ns))
    }

    /// Where each row is on the axis; `None` for one that does not say its time.
    pub(super) fn times<'a>(&'a self, log: &'a LogSession) -> ClockTimes<'a> {
        ClockTimes {
            clock: self,
            rows: log.times(),
            row: 0,
            n_begun: 0,
            shift_ns: 0,
        }
    }

    /// The times by which rows are merged: they never fall. A row without a time, or out of order, has that of the row before
    /// it and so keeps its place in the file; the rows before the first time have that.
    pub(super) fn merge_times<'a>(&'a self, log: &'a LogSession) -> impl Iterator<Item = i64> + 'a {
        let mut now = self.first_ns.unwrap_or(i64::MIN);
        self.times(log).map(move |(_, time)| {
            now = time.map_or(now, |time| now.max(time));
            now
        })
    }
}

/// Rows with their times, from the first to the last.
#[derive(Clone, Debug)]
pub(super) struct ClockTimes<'a> {
    clock: &'a LogClock,
    rows: TimesIter<'a>,
    row: u64,
    n_begun: usize,
    shift_ns: i64,
}

impl Iterator for ClockTimes<'_> {
    type Item = (u64, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        let times = self.rows.next()?;
        let row = self.row;
        self.row = row.saturating_add(1);
        while let Some(run) = self.clock.runs.get(self.n_begun)
            && run.first_row <= row
        {
            self.shift_ns = run.shift_ns;
            self.n_begun = self.n_begun.saturating_add(1);
        }
        let time = self.clock.basis.of(times);
        Some((row, time.map(|ns| ns.saturating_add(self.shift_ns))))
    }
}

/// Where the counter of a log begins anew, and what has to be added from there on.
fn runs(log: &LogSession, basis: Basis, shift: i64, year: bool) -> Vec<Run> {
    let mut runs = vec![Run {
        first_row: 0,
        shift_ns: shift,
    }];
    let mut shift = shift;
    // The highest of the run and the last row that said a time; a fall that the next time has to confirm.
    let mut known: Option<(i64, u64)> = None;
    let mut doubtful: Option<(u64, i64)> = None;
    for (row, times) in (0_u64..).zip(log.times()) {
        let Some(ns) = basis.of(times) else { continue };
        let Some((high, above)) = known else {
            known = Some((ns, row));
            continue;
        };
        let confirmed = doubtful
            .take()
            .filter(|(_, value)| ns < high && ns >= *value);
        let begins = match confirmed {
            Some((first, _)) => Some(first),
            None if ns >= high => None,
            None if basis == Basis::Uptime && log.starts_again(above, row) => Some(row),
            None => {
                doubtful = is_new_count(basis, year, high, ns).then_some((row, ns));
                None
            }
        };
        match begins.filter(|_| runs.len() < MOST_RUNS) {
            Some(first_row) => {
                shift = shift.saturating_add(match basis {
                    Basis::Day if year => NANOS_A_YEAR,
                    Basis::Day => NANOS_A_DAY,
                    _ => high,
                });
                runs.push(Run {
                    first_row,
                    shift_ns: shift,
                });
                known = Some((ns, row));
            }
            None => known = Some((high.max(ns), row)),
        }
    }
    runs
}

/// A fall that is too large for a line that came late.
fn is_new_count(basis: Basis, year: bool, high: i64, ns: i64) -> bool {
    let fall = high.saturating_sub(ns);
    match basis {
        Basis::Day if year => fall > NANOS_A_YEAR / 2,
        Basis::Day => fall > NANOS_A_DAY / 2,
        _ => fall > LEAST_FALL && ns < high / 2,
    }
}

/// What to add to a time of day so that it is the one nearest to the reference.
fn nearest_day(of_day: i64, reference: i64) -> i64 {
    let apart = reference
        .saturating_sub(of_day)
        .saturating_add(NANOS_A_DAY / 2);
    apart.div_euclid(NANOS_A_DAY).saturating_mul(NANOS_A_DAY)
}

/// What to add to a time in 1970 so that it is at the same date of the reference's year, or of the one before or after when that
/// is nearer.
fn shift_to_year(of_year: i64, reference: i64) -> i64 {
    let year = reference.div_euclid(NANOS_A_DAY).saturating_mul(10_000) / 3_652_425;
    let shifts = (year.saturating_sub(2)..=year.saturating_add(2)).map(|after| {
        // Leap days from 1970 up to the date in that year; 1970 has none, 1972 is the first.
        let is_behind_february = of_year >= 59 * NANOS_A_DAY;
        let full_years = after
            .saturating_add(1970)
            .saturating_sub(i64::from(!is_behind_february));
        let n_leap = leap_years(full_years).saturating_sub(leap_years(1970));
        let days = after.saturating_mul(365).saturating_add(n_leap);
        days.saturating_mul(NANOS_A_DAY)
    });
    let distance = |shift: &i64| of_year.saturating_add(*shift).abs_diff(reference);
    shifts.min_by_key(distance).unwrap_or(0)
}

/// Leap years up to and with a year.
fn leap_years(year: i64) -> i64 {
    (year / 4)
        .saturating_sub(year / 100)
        .saturating_add(year / 400)
}

fn words(log: &LogSession, axis: DensityAxis, basis: Basis, n_runs: usize) -> String {
    let times = match n_runs.saturating_sub(1) {
        0 => String::new(),
        1 => "; it starts again once, and how long it was off is not known: that counts as no time"
            .to_owned(),
        n => format!(
            "; it starts again {n} times, and how long it was off is not known: that counts as no time"
        ),
    };
    match (axis, basis) {
        (_, Basis::Nothing) | (DensityAxis::Rows, _) => {
            "No line says a time: its lines stand first.".to_owned()
        }
        (DensityAxis::Wall, Basis::Wall) => "Wall clock, as its lines say it.".to_owned(),
        (DensityAxis::Wall, Basis::Uptime) => {
            let error = log.started().map_or(0, |(_, error)| error);
            let error = offset::words(i64::try_from(error).unwrap_or(i64::MAX));
            let error = error.trim_start_matches('+');
            format!("Uptime, begun when the bundle says that the log was, ± {error}{times}.")
        }
        (DensityAxis::Wall, Basis::Day) => {
            "Its lines do not say the whole date: the one nearest to the other logs is taken."
                .to_owned()
        }
        (DensityAxis::Clock, _) => "Time of day, as its lines say it.".to_owned(),
        (DensityAxis::Uptime, Basis::Uptime) => format!("Uptime{times}."),
        (DensityAxis::Uptime, Basis::Wall | Basis::Day) => {
            "Time since its start, by the clock in its lines: another log does not say its date."
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NANOS_A_DAY, nearest_day, shift_to_year};

    /// Days from 1970 to a date, by counting.
    fn days(year: i64, month: usize, day: i64) -> i64 {
        let is_leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let years: i64 = (1970..year).map(|y| 365 + i64::from(is_leap(y))).sum();
        let months: i64 = lengths.iter().take(month - 1).sum();
        years + months + i64::from(month > 2 && is_leap(year)) + day - 1
    }

    #[test]
    fn a_date_without_a_year_gets_the_year_of_the_reference() {
        for year in 1971..2110 {
            for (month, day) in [(1, 1), (2, 28), (3, 1), (6, 15), (12, 31)] {
                let expected = days(year, month, day) * NANOS_A_DAY;
                let of_year = days(1970, month, day) * NANOS_A_DAY + 5;
                let shift = shift_to_year(of_year, expected + 3 * NANOS_A_DAY);
                assert_eq!(of_year + shift, expected + 5, "{year}-{month}-{day}");
            }
        }
    }

    #[test]
    fn a_time_of_day_gets_the_nearest_day() {
        let noon = 100 * NANOS_A_DAY + NANOS_A_DAY / 2;
        assert_eq!(nearest_day(5, noon + 6), 100 * NANOS_A_DAY + NANOS_A_DAY);
        assert_eq!(
            nearest_day(NANOS_A_DAY - 5, 100 * NANOS_A_DAY),
            99 * NANOS_A_DAY
        );
    }
}
