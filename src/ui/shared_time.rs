//! The time that all screens share: one cursor, what is in sight, and the part of it that is chosen. Nanoseconds since 1970, UTC.

/// The closest that charts zoom in.
const LEAST_SIGHT_NS: i64 = 10_000_000_000;
/// How much one step of a key zooms.
const KEY_ZOOM: f64 = 2.0;
/// Samples of a far step of the cursor.
const FAR: usize = 10;

/// A span of time, both ends with it.
pub type Span = (i64, i64);

/// What every chart and log shows of the same instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedTime {
    /// The one cursor.
    pub cursor_ns: Option<i64>,
    /// What charts show; `None` shows all there is.
    pub sight_ns: Option<Span>,
    /// What numbers are of; `None`: all there is.
    pub chosen_ns: Option<Span>,
}

/// A change of the shared time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeMove {
    /// The cursor goes to a time.
    PointAt(i64),
    /// Charts show this much.
    Look(Span),
    /// Charts show all there is.
    Fit,
    /// Numbers are of this much; `None`: of all there is.
    Choose(Option<Span>),
    /// The cursor goes on by a sample.
    Forward,
    /// The cursor goes back by a sample.
    Back,
    /// The cursor goes on by ten samples.
    FarForward,
    /// The cursor goes back by ten samples.
    FarBack,
    /// Charts show less, around the cursor.
    Closer,
    /// Charts show more.
    Wider,
}

impl SharedTime {
    /// Carries out a change that needs no data; the others are first [`resolved`](Self::resolved) by a screen that has some.
    pub fn take(&mut self, change: TimeMove) {
        match change {
            TimeMove::PointAt(ns) => self.cursor_ns = Some(ns),
            TimeMove::Look(span) => self.sight_ns = Some(span),
            TimeMove::Fit => self.sight_ns = None,
            TimeMove::Choose(span) => self.chosen_ns = span,
            TimeMove::Forward
            | TimeMove::Back
            | TimeMove::FarForward
            | TimeMove::FarBack
            | TimeMove::Closer
            | TimeMove::Wider => {}
        }
    }

    /// What is in sight of charts that have this span.
    pub fn sight(&self, whole: Span) -> Span {
        self.sight_ns.unwrap_or(whole)
    }

    /// The change with its time. `next` is the nearest sample behind a time, or before it.
    pub fn resolved(
        &self,
        change: TimeMove,
        whole: Span,
        next: impl Fn(i64, bool) -> Option<i64>,
    ) -> Option<TimeMove> {
        let (is_forward, n) = match change {
            TimeMove::Forward => (true, 1),
            TimeMove::Back => (false, 1),
            TimeMove::FarForward => (true, FAR),
            TimeMove::FarBack => (false, FAR),
            TimeMove::Closer => {
                return Some(self.zoomed(whole, 1.0 / KEY_ZOOM, self.middle(whole)));
            }
            TimeMove::Wider => return Some(self.zoomed(whole, KEY_ZOOM, self.middle(whole))),
            other => return Some(other),
        };
        let sight = self.sight(whole);
        // Without a cursor in sight it begins at the edge where it comes from.
        let edge = if is_forward { sight.0 } else { sight.1 };
        let mut at = self
            .cursor_ns
            .filter(|ns| holds(sight, *ns))
            .unwrap_or(edge);
        for _ in 0..n {
            let Some(next) = next(at, is_forward) else {
                break;
            };
            at = next;
        }
        Some(TimeMove::PointAt(at))
    }

    /// What is in sight becomes so much longer, around a time that stays where it is on screen.
    pub fn zoomed(&self, whole: Span, factor: f64, around: i64) -> TimeMove {
        let (from, to) = self.sight(whole);
        let longest = len(whole).max(LEAST_SIGHT_NS);
        let wanted = scaled(len((from, to)), factor).clamp(LEAST_SIGHT_NS, longest);
        if wanted >= longest && factor > 1.0 {
            return TimeMove::Fit;
        }
        let around = around.clamp(from, to);
        let share = around.saturating_sub(from) as f64 / len((from, to)).max(1) as f64;
        let begin = around.saturating_sub(scaled(wanted, share));
        TimeMove::Look(within(whole, begin, wanted))
    }

    /// What is in sight moves on by a share of its length.
    pub fn panned(&self, whole: Span, share: f64) -> TimeMove {
        let (from, to) = self.sight(whole);
        let by = scaled(len((from, to)), share);
        TimeMove::Look(within(whole, from.saturating_add(by), len((from, to))))
    }

    fn middle(&self, whole: Span) -> i64 {
        let (from, to) = self.sight(whole);
        let middle = from.saturating_add(len((from, to)) / 2);
        self.cursor_ns
            .filter(|ns| holds((from, to), *ns))
            .unwrap_or(middle)
    }
}

/// True when a span has a time.
pub fn holds(span: Span, ns: i64) -> bool {
    span.0 <= ns && ns <= span.1
}

/// A span that was dragged, shortest first; `None` of one that is a click.
pub fn dragged(a: i64, b: i64) -> Option<Span> {
    let (from, to) = (a.min(b), a.max(b));
    (to.saturating_sub(from) > 0).then(|| {
        let to = to.max(from.saturating_add(LEAST_SIGHT_NS));
        (from, to)
    })
}

fn len((from, to): Span) -> i64 {
    to.saturating_sub(from).max(0)
}

/// A span of this length, moved into what there is.
fn within(whole: Span, from: i64, wanted: i64) -> Span {
    let last = whole.1.saturating_sub(wanted).max(whole.0);
    let from = from.clamp(whole.0, last);
    (from, from.saturating_add(wanted))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of a length of time"
)]
fn scaled(ns: i64, factor: f64) -> i64 {
    (ns as f64 * factor) as i64
}

#[cfg(test)]
mod tests {
    use super::{SharedTime, TimeMove, dragged};

    const HOUR: i64 = 3_600_000_000_000;
    const DAY: (i64, i64) = (0, 24 * HOUR);

    fn hourly(at: i64, is_forward: bool) -> Option<i64> {
        let next = if is_forward {
            at.div_euclid(HOUR) + 1
        } else {
            (at - 1).div_euclid(HOUR)
        };
        (0..=24).contains(&next).then_some(next * HOUR)
    }

    #[test]
    fn the_cursor_goes_from_sample_to_sample_and_stays_at_the_last() {
        let mut time = SharedTime::default();
        let step = |time: &mut SharedTime, change| {
            let change = time.resolved(change, DAY, hourly).unwrap();
            time.take(change);
            time.cursor_ns.unwrap()
        };
        assert_eq!(step(&mut time, TimeMove::Forward), HOUR);
        assert_eq!(step(&mut time, TimeMove::FarForward), 11 * HOUR);
        assert_eq!(step(&mut time, TimeMove::Back), 10 * HOUR);
        assert_eq!(step(&mut time, TimeMove::FarForward), 20 * HOUR);
        assert_eq!(step(&mut time, TimeMove::FarForward), 24 * HOUR);
        assert_eq!(step(&mut time, TimeMove::Forward), 24 * HOUR);
    }

    #[test]
    fn zooming_keeps_the_cursor_in_its_place_and_stays_inside_what_there_is() {
        let mut time = SharedTime {
            cursor_ns: Some(6 * HOUR),
            ..SharedTime::default()
        };
        let closer = time.resolved(TimeMove::Closer, DAY, hourly).unwrap();
        assert_eq!(closer, TimeMove::Look((3 * HOUR, 15 * HOUR)));
        time.take(closer);
        let closer = time.resolved(TimeMove::Closer, DAY, hourly).unwrap();
        assert_eq!(closer, TimeMove::Look((9 * HOUR / 2, 21 * HOUR / 2)));
        assert_eq!(
            time.resolved(TimeMove::Wider, DAY, hourly),
            Some(TimeMove::Fit)
        );
        assert_eq!(
            time.panned(DAY, 5.0),
            TimeMove::Look((12 * HOUR, 24 * HOUR))
        );
        time.take(TimeMove::Fit);
        assert_eq!(time.sight(DAY), DAY);
        for _ in 0..40 {
            let closer = time.resolved(TimeMove::Closer, DAY, hourly).unwrap();
            time.take(closer);
        }
        let (from, to) = time.sight(DAY);
        assert_eq!(to - from, super::LEAST_SIGHT_NS);
    }

    #[test]
    fn a_drag_has_its_ends_in_order_and_a_click_is_none() {
        assert_eq!(dragged(5 * HOUR, 2 * HOUR), Some((2 * HOUR, 5 * HOUR)));
        assert_eq!(dragged(HOUR, HOUR), None);
    }
}
