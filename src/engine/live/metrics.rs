//! What a board measures while it is listened to: the last values of each metric, whoever reads them (heartbeats, a watch of
//! variables). Bounded, however long a session lasts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Values of a metric that are kept: ten minutes at one a second.
pub const KEPT: usize = 600;
/// More than any firmware has; bounds memory on garbage.
const METRICS_MAX: usize = 2000;

/// The metrics by name. A copy is cheap: it shares the values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveMetrics {
    by_name: BTreeMap<String, Arc<LiveMetric>>,
}

/// One metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveMetric {
    /// Its name.
    pub name: String,
    /// What stands behind a value: `dBm`, `ms`.
    pub unit: Option<String>,
    /// Least and greatest value that is plausible.
    pub range: Option<(f64, f64)>,
    /// When each was read, in nanoseconds since the session began, and what; `None`: it could not be read, or was not set. Oldest
    /// first, at most [`KEPT`].
    pub samples: VecDeque<(i64, Option<f64>)>,
    /// What is said instead of the number: the name of a state, a text.
    pub words: Option<String>,
    /// Reads without a value since the session began.
    pub n_gaps: u64,
}

impl LiveMetrics {
    /// Takes the value of a metric at a time, nanoseconds since the session began. `None` is a gap, never 0.
    pub fn push(
        &mut self,
        name: &str,
        unit: Option<&str>,
        range: Option<(f64, f64)>,
        time_ns: i64,
        value: Option<f64>,
    ) {
        let Some(metric) = self.metric(name) else {
            return;
        };
        metric.unit = unit.map(str::to_owned);
        metric.range = range.filter(|(least, greatest)| least < greatest);
        // What is no number cannot be drawn.
        let value = value.filter(|value| value.is_finite());
        metric.n_gaps = metric.n_gaps.saturating_add(u64::from(value.is_none()));
        metric.push(time_ns, value);
    }

    /// Takes the value of a metric that is a text: it has no number, and is no gap.
    pub fn push_text(&mut self, name: &str, time_ns: i64, text: &str) {
        if let Some(metric) = self.metric(name) {
            metric.push(time_ns, None);
            metric.words = Some(text.to_owned());
        }
    }

    /// Says what the last value of a metric is called: the name of a state.
    pub fn say(&mut self, name: &str, words: &str) {
        if let Some(metric) = self.metric(name) {
            metric.words = Some(words.to_owned());
        }
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &LiveMetric> {
        self.by_name.values().map(|metric| &**metric)
    }

    /// The metric with this name.
    pub fn get(&self, name: &str) -> Option<&LiveMetric> {
        self.by_name.get(name).map(|metric| &**metric)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    fn metric(&mut self, name: &str) -> Option<&mut LiveMetric> {
        if !self.by_name.contains_key(name) {
            if self.by_name.len() >= METRICS_MAX {
                return None;
            }
            let metric = LiveMetric {
                name: name.to_owned(),
                ..LiveMetric::default()
            };
            self.by_name.insert(name.to_owned(), Arc::new(metric));
        }
        self.by_name.get_mut(name).map(Arc::make_mut)
    }
}

impl LiveMetric {
    fn push(&mut self, time_ns: i64, value: Option<f64>) {
        self.words = None;
        let n_extra = self.samples.len().saturating_sub(KEPT - 1);
        self.samples.drain(..n_extra);
        self.samples.push_back((time_ns, value));
    }

    /// The last value, and when it was read. What came after it without a value is passed over: see [`Self::is_gap`].
    pub fn last(&self) -> Option<(i64, f64)> {
        let mut samples = self.samples.iter().rev();
        samples.find_map(|(at, value)| value.map(|value| (*at, value)))
    }

    /// True when the last read had no value.
    pub fn is_gap(&self) -> bool {
        self.words.is_none()
            && self
                .samples
                .back()
                .is_some_and(|(_, value)| value.is_none())
    }

    /// When it was read last, with or without a value.
    pub fn read_at(&self) -> Option<i64> {
        self.samples.back().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, LiveMetrics};

    #[test]
    fn the_last_values_are_kept_and_a_failed_read_is_a_gap() {
        let mut metrics = LiveMetrics::default();
        for at in 0..1000_i32 {
            let value = (at != 999).then(|| f64::from(at));
            metrics.push("rssi", Some("dBm"), None, i64::from(at), value);
        }
        let before = metrics.clone();
        let rssi = before.get("rssi").unwrap();
        assert_eq!(rssi.samples.len(), KEPT);
        assert_eq!(rssi.samples.front(), Some(&(400, Some(400.0))));
        assert_eq!(rssi.last(), Some((998, 998.0)));
        assert_eq!((rssi.is_gap(), rssi.n_gaps), (true, 1));
        // What was shown does not change under whoever draws it.
        metrics.push("rssi", Some("dBm"), Some((-90.0, 0.0)), 1000, Some(-57.0));
        assert!(rssi.is_gap());
        let rssi = metrics.get("rssi").unwrap();
        assert_eq!((rssi.last(), rssi.is_gap()), (Some((1000, -57.0)), false));
        assert_eq!(rssi.range, Some((-90.0, 0.0)));
        metrics.push("rssi", None, None, 1001, Some(f64::NAN));
        assert!(metrics.get("rssi").unwrap().is_gap());
    }

    #[test]
    fn words_last_until_the_next_value() {
        let mut metrics = LiveMetrics::default();
        metrics.push("link", None, None, 0, Some(2.0));
        metrics.say("link", "joined");
        assert_eq!(
            metrics.get("link").unwrap().words.as_deref(),
            Some("joined")
        );
        metrics.push("link", None, None, 1, None);
        let link = metrics.get("link").unwrap();
        assert_eq!((link.words.as_deref(), link.is_gap()), (None, true));
        metrics.push_text("version", 2, "1.4.3");
        let version = metrics.get("version").unwrap();
        assert_eq!(
            (version.is_gap(), version.n_gaps, version.last()),
            (false, 0, None)
        );
    }
}
