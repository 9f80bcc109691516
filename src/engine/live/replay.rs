//! A recording, told again as the session told it.

use super::recorder::FIRST_WATCH;
use super::teller::Heard;
use crate::formats::recording::{Kind, LinkState, Recording, Stream};
use crate::model::warning::Warning;
use std::time::{Duration, Instant};

/// While nothing is due, it is asked at least so often whether it is over.
const TICK: Duration = Duration::from_millis(20);
/// A pause of the session so long is told as one.
const SILENCE_NS: i64 = 50_000_000;

/// The streams of a recording, by their numbers from 0; a number that was never announced has an empty name.
pub fn streams_of(recording: &[u8]) -> Vec<Stream> {
    let mut streams: Vec<Stream> = Vec::new();
    for record in Recording::new(recording) {
        let place = usize::from(record.stream);
        if matches!(record.kind, Kind::Stream | Kind::Received) && streams.len() <= place {
            streams.resize(place + 1, Stream::default());
        }
        if let (Kind::Stream, Some(stream)) = (record.kind, streams.get_mut(place)) {
            *stream = serde_json::from_slice(record.payload).unwrap_or_default();
        }
    }
    streams
}

/// Tells what a session heard, `speed` times as fast as it did; as fast as can be with `None`. Answers what was wrong with the
/// recording.
pub fn replay(
    recording: &[u8],
    speed: Option<f64>,
    is_over: impl Fn() -> bool,
    mut heard: impl FnMut(Heard<'_>),
) -> Vec<Warning> {
    let begun = Instant::now();
    let mut records = Recording::new(recording);
    let mut last_ns = 0;
    for record in records.by_ref() {
        if record.time_ns.saturating_sub(last_ns) >= SILENCE_NS {
            heard(Heard::Silence);
        }
        last_ns = record.time_ns.max(last_ns);
        if let Some(speed) = speed {
            wait_until(begun, last_ns, speed, &is_over);
        }
        if is_over() {
            break;
        }
        match record.kind {
            Kind::Received if record.stream < FIRST_WATCH => {
                heard(Heard::Received(record.stream, record.payload));
            }
            Kind::Received => {
                if let (Ok(look), Some(link)) = (
                    serde_json::from_slice(record.payload),
                    record.stream.checked_sub(FIRST_WATCH),
                ) {
                    heard(Heard::Looked(link, &look));
                }
            }
            Kind::State => {
                if let Ok(state) = serde_json::from_slice::<LinkState>(record.payload) {
                    heard(Heard::State(record.stream, &state));
                }
            }
            Kind::Session | Kind::Stream | Kind::Sent | Kind::Other(_) => {}
        }
    }
    records.warnings()
}

/// Waits until the session's time has come.
fn wait_until(begun: Instant, time_ns: i64, speed: f64, is_over: &impl Fn() -> bool) {
    let due = Duration::try_from_secs_f64(time_ns as f64 / 1e9 / speed).unwrap_or(Duration::MAX);
    while !is_over() {
        let left = due.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(TICK));
    }
}
