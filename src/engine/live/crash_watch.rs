//! Crashes in what comes over a link, noticed while it comes.
//!
//! Formats are the judges: what came lately is scanned as an import would. A dump that is still being sent grows from one look to
//! the next, so that one that is the same twice is whole.

use crate::formats::scan::scan;
use crate::model::coredump::Coredump;
use crate::model::progress::Unattended;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How often it is looked.
const INTERVAL: Duration = Duration::from_secs(1);
/// No look is at more than this: the largest memory that boards send as text is smaller.
const WINDOW: usize = 8 << 20;
/// Several dumps that are whole so soon one after the other tell of one crash.
pub(super) const SAME_CRASH: Duration = Duration::from_secs(5);

/// Looks for crashes.
pub(super) struct CrashWatch {
    looked: Instant,
    n_looked: usize,
    /// What stands before it is known.
    from: usize,
    /// Dumps at the last look that may not be whole: where they are, and what they are.
    unsettled: Vec<(Range<usize>, &'static str)>,
    found: Option<Instant>,
}

impl Default for CrashWatch {
    fn default() -> Self {
        Self {
            looked: Instant::now(),
            n_looked: 0,
            from: 0,
            unsettled: Vec::new(),
            found: None,
        }
    }
}

impl CrashWatch {
    /// Looks at all that came, if it is time to; what a crash came as, if there is a new one.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Option<&'static str> {
        let has_news = bytes.len() > self.n_looked || !self.unsettled.is_empty();
        if !has_news || self.looked.elapsed() < INTERVAL {
            return None;
        }
        self.look_now(bytes)
    }

    fn look_now(&mut self, bytes: &[u8]) -> Option<&'static str> {
        self.looked = Instant::now();
        let before = std::mem::take(&mut self.unsettled);
        if bytes.len() == self.n_looked {
            return self.settle(&before);
        }
        self.n_looked = bytes.len();
        let from = self.from.max(bytes.len().saturating_sub(WINDOW));
        let new = bytes.get(from..).unwrap_or(&[]);
        // Nobody cancels it.
        let found = scan("live.log", new, &Unattended).ok()?;
        let places = found.coredumps.iter().map(|dump| {
            let place = |at: u64| {
                usize::try_from(at)
                    .unwrap_or(usize::MAX)
                    .saturating_add(from)
            };
            (place(dump.source.start)..place(dump.source.end), what(dump))
        });
        let (whole, growing): (Vec<_>, Vec<_>) = places.partition(|dump| before.contains(dump));
        self.unsettled = growing;
        self.settle(&whole)
    }

    fn settle(&mut self, whole: &[(Range<usize>, &'static str)]) -> Option<&'static str> {
        let (last, what) = whole.last()?;
        self.from = self.from.max(last.end);
        let end = self.from;
        self.unsettled.retain(|(place, _)| place.end > end);
        let is_same = self.found.is_some_and(|at| at.elapsed() < SAME_CRASH);
        self.found = Some(Instant::now());
        (!is_same).then_some(what)
    }
}

/// What a dump is, in words.
pub(super) fn what(dump: &Coredump) -> &'static str {
    if dump.memory.is_empty() && dump.sender.is_some() {
        "crash message"
    } else if dump.memory.is_empty() {
        "fault print"
    } else {
        "coredump"
    }
}

#[cfg(test)]
mod tests {
    use super::CrashWatch;
    use std::path::Path;

    #[test]
    fn a_dump_that_is_still_being_sent_is_no_crash_yet() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/qemu-bare/an386-1.uart");
        let bytes = std::fs::read(path).unwrap();
        let mut watch = CrashWatch::default();
        let mut came = b"booting\n".repeat(20);
        assert_eq!(watch.look_now(&came), None);
        came.extend_from_slice(&bytes);
        // It may still go on.
        assert_eq!(watch.look_now(&came), None);
        // Nothing more came.
        assert_eq!(watch.look_now(&came), Some("fault print"));
        assert_eq!(watch.look_now(&came), None);
        came.extend_from_slice(b"an ordinary line\n");
        assert_eq!(watch.look_now(&came), None);
        assert_eq!(watch.look_now(&came), None);
        // Right after a crash the same is told in another way; later it is another crash.
        came.extend_from_slice(&bytes);
        assert_eq!(watch.look_now(&came), None);
        assert_eq!(watch.look_now(&came), None);
        watch.found = None;
        came.extend_from_slice(&bytes);
        assert_eq!(watch.look_now(&came), None);
        assert_eq!(watch.look_now(&came), Some("fault print"));
    }
}
