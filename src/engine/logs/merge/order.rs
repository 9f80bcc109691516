//! The order of merged logs.

use super::Opened;
use super::clock::LogClock;
use crate::model::progress::{Cancelled, Progress};
use std::sync::Arc;

/// Rows between two looks at whether it is cancelled.
const TICK: u64 = 1 << 16;

/// Which log each position is of, and the first and last time.
pub(super) struct Order {
    pub(super) winners: Vec<u8>,
    pub(super) span_ns: Option<(i64, i64)>,
}

/// Merges the rows: always the log whose next row is the earliest; of equal times the first log's.
pub(super) fn order(
    logs: &[(Opened, Arc<LogClock>)],
    progress: &dyn Progress,
) -> Result<Order, Cancelled> {
    let n_rows = logs.iter().map(|(opened, _)| opened.log.summary().n_rows);
    let n_rows = n_rows.fold(0, u64::saturating_add);
    let mut times: Vec<_> = logs
        .iter()
        .map(|(opened, clock)| {
            let offset = opened.offset_ns;
            let times = clock.merge_times(&opened.log);
            times.map(move |ns| ns.saturating_add(offset)).peekable()
        })
        .collect();
    let mut winners = Vec::with_capacity(usize::try_from(n_rows).unwrap_or(0));
    let mut span_ns: Option<(i64, i64)> = None;
    loop {
        if (winners.len() as u64).is_multiple_of(TICK) {
            progress.tick(winners.len() as u64, n_rows)?;
        }
        let mut first: Option<(u8, i64)> = None;
        for (log, times) in (0_u8..).zip(&mut times) {
            if let Some(ns) = times.peek()
                && first.is_none_or(|(_, least)| *ns < least)
            {
                first = Some((log, *ns));
            }
        }
        let Some((log, ns)) = first else {
            return Ok(Order { winners, span_ns });
        };
        _ = times.get_mut(usize::from(log)).and_then(Iterator::next);
        winners.push(log);
        let has_times = logs
            .get(usize::from(log))
            .is_some_and(|(_, clock)| clock.first_ns().is_some());
        if has_times {
            let known = span_ns.get_or_insert((ns, ns));
            known.1 = ns;
        }
    }
}
