//! The logs of a device, as they lie along its time.

use super::log_list::{ListedLog, LogListQuery};
use super::log_summary::overview;
use crate::engine::context::QueryContext;
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::view::{LogBoot, LogKey, LogSummary};
use crate::engine::logs::wall_clock::WallClock;
use crate::engine::opened_logs::OPENED_LOGS;
use crate::engine::query::{Query, QueryError};
use crate::store::series::DeviceEvent;

/// Logs that are looked into, the newest first: each has to be open for it, and no more than these stay open.
const MOST_LOGS: usize = OPENED_LOGS;
/// Parts that a log is divided into.
const PARTS: u32 = 512;

/// The format of logs among whose lines the device tells when each boot began.
const SDK_LOG: &str = "sdk-log";
/// How far off a boot's beginning may be: its message is sent within its first second.
const TOLD_ERROR_NS: u64 = 1_000_000_000;
const ALL_TIME: (i64, i64) = (i64::MIN, i64::MAX);
/// The event that a boot is.
const BOOT: &str = "boot";

/// Asks for the logs of a device that say what time it was.
#[derive(Clone, Debug)]
pub struct DeviceLogsQuery {
    /// Its serial number.
    pub serial: String,
}

/// The logs of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceLogs {
    /// Those whose times are known, the newest first.
    pub logs: Vec<DeviceLog>,
    /// Others of this device: they say no time of day, or are more than are looked into.
    pub n_others: usize,
}

/// A log along the time of its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLog {
    /// Which.
    pub key: LogKey,
    /// Path inside its capture.
    pub name: String,
    /// Where its axis is in time.
    pub clock: WallClock,
    /// Its lines.
    pub parts: Vec<LogPart>,
}

/// Lines of a log in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// Where it begins, nanoseconds since 1970.
    pub from_ns: i64,
    /// Where it ends.
    pub to_ns: i64,
    /// Lines.
    pub n_lines: u64,
    /// Errors and worse among them.
    pub n_errors: u64,
}

impl DeviceLogs {
    /// The log that covers a time, and where it does on its axis.
    pub fn at(&self, ns: i64) -> Option<(&DeviceLog, i64)> {
        let mut logs = self.logs.iter();
        logs.find_map(|log| Some((log, log.clock.axis_ns(ns)?)))
    }
}

impl Query for DeviceLogsQuery {
    type Output = DeviceLogs;

    fn run(&self, context: &QueryContext) -> Result<DeviceLogs, QueryError> {
        let listed = LogListQuery.run(context)?;
        let own: Vec<&ListedLog> = listed
            .iter()
            .filter(|log| log.device.as_deref() == Some(self.serial.as_str()))
            .collect();
        let mut found = DeviceLogs::default();
        for log in own.iter().take(MOST_LOGS) {
            context.progress().tick(0, 0)?;
            let opened = context.log_so_far_for(&log.key, &FilterStack::default())?;
            let overview = overview(&*opened, PARTS)?;
            let mut clock = WallClock::of(&overview.summary, &overview.density);
            if clock.span().is_none()
                && let Some(summary) = with_told_boots(context, &self.serial, &overview.summary)?
            {
                clock = WallClock::of(&summary, &overview.density);
            }
            if clock.span().is_none() {
                continue;
            }
            let (from, to) = overview.density.span;
            let n = overview.density.buckets.len().max(1);
            let at = |index: usize| {
                let part = i128::from(to) - i128::from(from);
                let part = part * index as i128 / n as i128;
                i64::try_from(i128::from(from) + part).unwrap_or(to)
            };
            let buckets = overview.density.buckets.iter().enumerate();
            let parts = buckets.filter_map(|(index, levels)| {
                let n_lines: u64 = levels.iter().map(|n| u64::from(*n)).sum();
                let from_ns = clock.wall_ns(at(index)).filter(|_| n_lines > 0)?;
                let len = at(index.saturating_add(1)).saturating_sub(at(index));
                let serious = levels.iter().skip(4).take(2);
                Some(LogPart {
                    from_ns,
                    to_ns: from_ns.saturating_add(len),
                    n_lines,
                    n_errors: serious.map(|n| u64::from(*n)).sum(),
                })
            });
            found.logs.push(DeviceLog {
                key: log.key.clone(),
                name: log.name.clone(),
                parts: parts.collect(),
                clock,
            });
        }
        found.n_others = own.len().saturating_sub(found.logs.len());
        Ok(found)
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        // Large logs are looked into before they are read to their end.
        context.opened_logs().opening().total_revision()
    }
}

/// A log whose lines say no time of day, with the beginnings of its boots as the messages among them tell: where those tell of just
/// these boots, by number and by why each began.
fn with_told_boots(
    context: &QueryContext,
    serial: &str,
    summary: &LogSummary,
) -> Result<Option<LogSummary>, QueryError> {
    if summary.format != SDK_LOG {
        return Ok(None);
    }
    let mut told = context.reader()?.device_events(serial, ALL_TIME)?;
    told.retain(|event| event.kind == BOOT);
    let is_same = |(boot, event): (&LogBoot, &DeviceEvent)| {
        let in_log = boot.reset_reason.as_deref();
        let in_message = event
            .issue
            .as_deref()
            .map(|reason| reason.replace('_', " "));
        in_log.is_none() || in_message.is_none() || in_log == in_message.as_deref()
    };
    if told.len() != summary.boots.len() || !summary.boots.iter().zip(&told).all(is_same) {
        return Ok(None);
    }
    let mut summary = summary.clone();
    for (boot, event) in summary.boots.iter_mut().zip(told) {
        boot.started_ns = Some((event.time_ns, TOLD_ERROR_NS));
    }
    Ok(Some(summary))
}
