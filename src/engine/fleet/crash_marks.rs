//! What happened to a device and the crashes of it that were imported: one mark each.

use super::view::EventMark;
use crate::store::crash::CrashRow;

/// An event and a crash that lie so far apart are not the same. A crash often knows only when its file began.
const NEAR_NS: u64 = 3_600_000_000_000;

/// Gives each crash to the nearest crash event that has none; what is left over is a mark of its own, if it has a time.
pub(in crate::engine) fn with_crashes(
    mut marks: Vec<EventMark>,
    crashes: &[CrashRow],
) -> Vec<EventMark> {
    let mut alone = Vec::new();
    for crash in crashes {
        let Some(time_ns) = crash.captured_at.as_deref().and_then(nanos) else {
            continue;
        };
        let free = marks
            .iter_mut()
            .filter(|mark| mark.kind == "crash" && mark.crash.is_none());
        let nearest = free.min_by_key(|mark| mark.time_ns.abs_diff(time_ns));
        match nearest.filter(|mark| mark.time_ns.abs_diff(time_ns) <= NEAR_NS) {
            Some(mark) => mark.crash = Some(crash.id.0),
            None => alone.push(EventMark {
                time_ns,
                kind: "crash".to_owned(),
                issue: crash.summary.clone(),
                version: crash.version.clone(),
                crash: Some(crash.id.0),
            }),
        }
    }
    marks.extend(alone);
    marks.sort_by_key(|mark| mark.time_ns);
    marks
}

/// Nanoseconds since 1970 of an RFC 3339 time.
pub(in crate::engine) fn nanos(text: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339_weak(text).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}
