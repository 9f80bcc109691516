//! When things happened on devices, of which not all have a clock.
//!
//! A message with the device's clock has its time, whatever else the capture says: the same message in another capture is at the
//! same time. All others are placed by the time since boot, and by when that boot was: by its clock, once it was set; by the times of
//! the lines that carry it; by the boots before and behind it; by the manifest; at last by when the file was changed or imported.

use super::boots::{BootRun, Said};
use crate::formats::log::ansi;
use crate::formats::log::shapes::facts;
use crate::model::progress::{Cancelled, Progress};
use std::collections::BTreeMap;
use std::ops::Range;

const NS_PER_MS: i64 = 1_000_000;
const NS_PER_S: i64 = 1_000_000_000;
/// 2000-01-01T00:00:00Z: a clock that says less was never set.
const LEAST_TIME_S: i64 = 946_684_800;
/// The reset reason of a device that was without power, nobody knows for how long.
const POWER_ON: u64 = 1;

/// What a time was worked out from, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimeSource {
    /// The device's own clock, which counts seconds.
    Clock,
    /// That clock in the same boot, and the time since boot.
    BootClock,
    /// The times of the lines that carry the messages.
    Lines,
    /// The times of lines near them.
    NearLines,
    /// The end of the boot before.
    BootBefore,
    /// The beginning of the boot behind.
    BootBehind,
    /// The manifest says when the file was begun.
    Begun,
    /// The manifest says when it was captured.
    Captured,
    /// The file was changed then for the last time.
    Changed,
    /// It was imported then.
    Imported,
}

/// What is known of the time of a file as a whole.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_field_names,
    reason = "all of them are times, and say their unit"
)]
pub(super) struct FileTimes {
    /// When its first record was made.
    pub(super) begun_ns: Option<i64>,
    /// When it was captured.
    pub(super) captured_ns: Option<i64>,
    /// When it was last changed.
    pub(super) changed_ns: Option<i64>,
    /// When it was imported.
    pub(super) imported_ns: i64,
}

/// When one boot was.
#[derive(Clone, Debug)]
pub(super) struct BootTime {
    /// Uptime in milliseconds and time of the device's clock, in the order of the uptime.
    clock: Vec<(u64, i64)>,
    /// When the device started, nanoseconds since 1970, where no clock says so.
    start_ns: i64,
    /// Where that is from.
    pub(super) source: TimeSource,
    /// How far off it may be, where that is known.
    pub(super) error_ns: Option<u64>,
}

/// Lines of a text with a time of day and a date, in their order.
pub(super) struct TimedLines {
    lines: Vec<(Range<u64>, i64)>,
}

impl TimedLines {
    /// Those of a text.
    pub(super) fn of(bytes: &[u8], progress: &dyn Progress) -> Result<Self, Cancelled> {
        let mut lines = Vec::new();
        let mut start: usize = 0;
        let ends = memchr::memchr_iter(b'\n', bytes).map(|at| at.saturating_add(1));
        for (n, end) in ends.chain([bytes.len()]).enumerate() {
            if n % 4096 == 0 {
                progress.tick(start as u64, bytes.len() as u64)?;
            }
            let plain = ansi::plain(bytes.get(start..end).unwrap_or_default());
            let facts = facts(&plain);
            let time = facts.time_ns.filter(|_| !facts.is_date_incomplete);
            if let Some(time) = time.filter(|time| *time >= LEAST_TIME_S.saturating_mul(NS_PER_S)) {
                lines.push((start as u64..end as u64, time));
            }
            start = end;
        }
        Ok(Self { lines })
    }

    /// The time of the line at a place.
    fn at(&self, place: u64) -> Option<i64> {
        let next = self.lines.partition_point(|(line, _)| line.start <= place);
        let (line, time) = self.lines.get(next.checked_sub(1)?)?;
        line.contains(&place).then_some(*time)
    }

    /// The time of the last line before a place, or of the first behind it.
    fn near(&self, place: u64) -> Option<i64> {
        let next = self.lines.partition_point(|(line, _)| line.start <= place);
        let before = next.checked_sub(1).and_then(|at| self.lines.get(at));
        before.or(self.lines.get(next)).map(|(_, time)| *time)
    }
}

/// The time that the device's clock says with a message.
pub(super) fn clock_ns(said: &Said<'_>) -> Option<i64> {
    let seconds = i64::try_from(said.message.sender.time_s?).ok()?;
    let is_set = seconds >= LEAST_TIME_S;
    seconds.checked_mul(NS_PER_S).filter(|_| is_set)
}

impl BootTime {
    /// When a message was made, and where that is from.
    pub(super) fn of(&self, said: &Said<'_>) -> (i64, TimeSource) {
        if let Some(time) = clock_ns(said) {
            return (time, TimeSource::Clock);
        }
        (
            self.at(said.message.sender.uptime_ms.unwrap_or(0)),
            self.source,
        )
    }

    /// The time at so many milliseconds since boot.
    fn at(&self, uptime_ms: u64) -> i64 {
        let next = self
            .clock
            .partition_point(|(uptime, _)| *uptime < uptime_ms);
        // The clock behind is nearer to the truth than one before: it may have been set in between.
        let clock = self.clock.get(next).or(self.clock.last());
        match clock {
            Some((uptime, time)) => time
                .saturating_sub(nanos(*uptime))
                .saturating_add(nanos(uptime_ms)),
            None => self.start_ns.saturating_add(nanos(uptime_ms)),
        }
    }
}

/// When the boots of one device in one file were. Lines are looked through only where a clock is missing.
pub(super) fn boot_times<'t>(
    runs: &[BootRun],
    all: &[Said<'_>],
    lines: &mut dyn FnMut() -> Result<&'t TimedLines, Cancelled>,
    file: &FileTimes,
) -> Result<Vec<BootTime>, Cancelled> {
    let mut times: Vec<Option<BootTime>> = runs.iter().map(|run| by_clock(run, all)).collect();
    if times.iter().any(Option::is_none) {
        let lines = lines()?;
        for (time, run) in times.iter_mut().zip(runs) {
            if time.is_none() {
                *time = by_lines(run, all, lines);
            }
        }
    }
    if times.iter().all(Option::is_none) {
        by_file(runs, &mut times, file);
    }
    by_neighbours(runs, &mut times);
    let imported = || placed(file.imported_ns, TimeSource::Imported, None);
    Ok(times
        .into_iter()
        .map(|time| time.unwrap_or_else(imported))
        .collect())
}

fn placed(start_ns: i64, source: TimeSource, error_ns: Option<u64>) -> BootTime {
    BootTime {
        clock: Vec::new(),
        start_ns,
        source,
        error_ns,
    }
}

fn by_clock(run: &BootRun, all: &[Said<'_>]) -> Option<BootTime> {
    let said = run.messages.iter().filter_map(|index| all.get(*index));
    let mut clock: Vec<(u64, i64)> = said
        .filter_map(|said| Some((said.message.sender.uptime_ms?, clock_ns(said)?)))
        .collect();
    clock.sort_unstable();
    (!clock.is_empty()).then(|| BootTime {
        clock,
        // It counts whole seconds.
        ..placed(0, TimeSource::BootClock, Some(NS_PER_S.unsigned_abs()))
    })
}

/// A line comes when its message was made, or later: the one that came soonest tells of the start.
fn by_lines(run: &BootRun, all: &[Said<'_>], lines: &TimedLines) -> Option<BootTime> {
    let live = || {
        let said = run.messages.iter().filter_map(|index| all.get(*index));
        said.filter(|said| !said.tells_of_the_boot_before())
    };
    let start = |said: &Said<'_>, time: i64| {
        time.saturating_sub(nanos(said.message.sender.uptime_ms.unwrap_or(0)))
    };
    let spread = |starts: Vec<i64>, source| {
        let (least, most) = (starts.iter().min()?, starts.iter().max()?);
        Some(placed(*least, source, Some(most.abs_diff(*least))))
    };
    let own = live().filter_map(|said| Some(start(said, lines.at(said.message.place.start)?)));
    spread(own.collect(), TimeSource::Lines).or_else(|| {
        let near =
            live().filter_map(|said| Some(start(said, lines.near(said.message.place.start)?)));
        spread(near.collect(), TimeSource::NearLines)
    })
}

/// Where nothing else is known, the file begins or ends at a time that is.
fn by_file(runs: &[BootRun], times: &mut [Option<BootTime>], file: &FileTimes) {
    if let (Some(begun), Some(first), Some(run)) = (file.begun_ns, times.first_mut(), runs.first())
    {
        let start = begun.saturating_sub(nanos(run.first_uptime_ms.unwrap_or(0)));
        *first = Some(placed(start, TimeSource::Begun, None));
        return;
    }
    let (end, source) = match (file.captured_ns, file.changed_ns) {
        (Some(captured), _) => (captured, TimeSource::Captured),
        (None, Some(changed)) => (changed, TimeSource::Changed),
        (None, None) => (file.imported_ns, TimeSource::Imported),
    };
    if let (Some(last), Some(run)) = (times.last_mut(), runs.last()) {
        let start = end.saturating_sub(nanos(run.last_uptime_ms));
        *last = Some(placed(start, source, None));
    }
}

/// A boot begins where the one before ended, unless the device was off; then it ends where the one behind begins.
fn by_neighbours(runs: &[BootRun], times: &mut [Option<BootTime>]) {
    let lasted = |at: usize| {
        let told = runs.get(at.saturating_add(1));
        let told = told.and_then(|next| next.previous_uptime_ms);
        let heard = runs.get(at).map_or(0, |run| run.last_uptime_ms);
        told.unwrap_or(0).max(heard)
    };
    let was_off = |at: usize| {
        let reason = runs.get(at).and_then(|run| run.reason);
        reason.is_none_or(|reason| reason.0 == POWER_ON)
    };
    let forward = |times: &mut [Option<BootTime>], only_if_on: bool| {
        for at in 1..times.len() {
            let before = at.saturating_sub(1);
            let end = times
                .get(before)
                .and_then(Option::as_ref)
                .map(|time| time.at(lasted(before)));
            if let (Some(time @ None), Some(end)) = (times.get_mut(at), end)
                && !(only_if_on && was_off(at))
            {
                *time = Some(placed(end, TimeSource::BootBefore, None));
            }
        }
    };
    forward(times, true);
    for at in (0..times.len().saturating_sub(1)).rev() {
        let next = times.get(at.saturating_add(1)).and_then(Option::as_ref);
        let begin = next.map(|time| time.at(0));
        if let (Some(time @ None), Some(begin)) = (times.get_mut(at), begin) {
            let start = begin.saturating_sub(nanos(lasted(at)));
            *time = Some(placed(start, TimeSource::BootBehind, None));
        }
    }
    forward(times, false);
}

fn nanos(ms: u64) -> i64 {
    i64::try_from(ms)
        .unwrap_or(i64::MAX)
        .saturating_mul(NS_PER_MS)
}

/// How often each source was used, and how far off it may be: what an import report says of times.
#[derive(Default)]
pub(super) struct Sources {
    /// Boots and the greatest error; `None` where one is not known.
    boots: BTreeMap<TimeSource, (u64, Option<u64>)>,
}

impl Sources {
    /// Notes a boot that has messages without a clock.
    pub(super) fn note(&mut self, time: &BootTime) {
        let (n, error) = self.boots.entry(time.source).or_insert((0, Some(0)));
        *n = n.saturating_add(1);
        *error = (*error)
            .zip(time.error_ns)
            .map(|(one, other)| one.max(other));
    }

    /// A sentence a source.
    pub(super) fn sentences(&self, file: &FileTimes) -> Vec<(TimeSource, String)> {
        let sentence = |source: TimeSource, n: u64, error: Option<u64>| {
            let who = if n == 1 {
                "1 boot".to_owned()
            } else {
                format!("{n} boots")
            };
            let (end, begin, have) = if n == 1 {
                ("ends", "begins", "has")
            } else {
                ("end", "begin", "have")
            };
            let at = |ns: i64| crate::engine::logs::print::rfc3339(ns).unwrap_or_default();
            let off =
                error.map_or_else(String::new, |ns| format!(", up to {} s late", seconds(ns)));
            let unsure = "which may be far off";
            match source {
                TimeSource::Clock | TimeSource::BootClock => format!(
                    "Before the clock of the device was set in {who}, times are worked out from it and the time since boot: right to about 1 s."
                ),
                TimeSource::Lines => format!(
                    "Without a clock of the device, {who} {have} the times of the lines that carry the messages{off}."
                ),
                TimeSource::NearLines => format!(
                    "Without a clock of the device, {who} {have} the times of lines near the messages{off}, {unsure}."
                ),
                TimeSource::BootBefore => format!(
                    "Without a clock of the device, {who} {begin} where the boot before ended. How long the device was off in between is not known."
                ),
                TimeSource::BootBehind => format!(
                    "Without a clock of the device, {who} {end} where the next boot begins. How long the device was off in between is not known."
                ),
                TimeSource::Begun => format!(
                    "Without a clock of the device, the first boot begins when the manifest says that the file was begun ({}).",
                    file.begun_ns.map(at).unwrap_or_default()
                ),
                TimeSource::Captured => format!(
                    "Without a clock of the device, the last message is when the manifest says that it was captured ({}), {unsure}.",
                    file.captured_ns.map(at).unwrap_or_default()
                ),
                TimeSource::Changed => format!(
                    "Without a clock of the device, the last message is when the file was last changed ({}), {unsure}.",
                    file.changed_ns.map(at).unwrap_or_default()
                ),
                TimeSource::Imported => format!(
                    "Without a clock of the device, the last message is when the file was imported ({}), {unsure}.",
                    at(file.imported_ns)
                ),
            }
        };
        let all = self.boots.iter();
        all.map(|(source, (n, error))| (*source, sentence(*source, *n, *error)))
            .collect()
    }
}

fn seconds(ns: u64) -> u64 {
    ns.div_ceil(NS_PER_S.unsigned_abs())
}
