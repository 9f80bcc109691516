//! What the device-side SDK keeps in memory and has not sent yet, read without disturbing it (assets/sdk/fieldscope.c, `fs`).

use crate::formats::recording::Unsent;
use crate::live::{LinkError, Read, Target};
use crate::symbols::debug_info::DebugInfo;
use crate::symbols::scalar::{array, scalar};
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// It is looked at so often.
const EVERY: Duration = Duration::from_secs(1);
/// Kinds of records of the queue, each of them length (2 bytes), kind (1), then the message.
const HEARTBEAT: u8 = 1;
const EVENT: u8 = 2;
/// No firmware keeps more.
const BUFFER_BYTES_MAX: u64 = 64 << 10;

/// Where the SDK of one build keeps what it has not sent.
struct Places {
    /// Addresses of words: bytes of the queue, of logs and of the coredump that is kept; boots.
    words: [u64; 4],
    queue: (u64, u64),
    logs: Option<(u64, u64)>,
}

/// Looks at what was not sent.
pub(super) struct UnsentWatch {
    places: Option<Places>,
    due: Instant,
    told: Option<Unsent>,
}

impl UnsentWatch {
    /// For the builds that a board runs; nothing is looked at where none of them has the SDK.
    pub(super) fn new(elfs: &[Arc<SymbolFile>]) -> Self {
        Self {
            places: elfs.iter().find_map(|file| places(file)),
            due: Instant::now(),
            told: None,
        }
    }

    /// When it is to be looked at next; `None`: never.
    pub(super) fn due(&self) -> Option<Instant> {
        self.places.as_ref().map(|_| self.due)
    }

    /// What was not sent, if it is not what was told last.
    pub(super) fn look(&mut self, target: &mut dyn Target) -> Result<Option<Unsent>, LinkError> {
        let now = Instant::now();
        let Some(places) = self.places.as_ref().filter(|_| self.due <= now) else {
            return Ok(None);
        };
        self.due = now + EVERY;
        let buffer =
            |(addr, n_bytes): (u64, u64)| Read::new(addr, usize::try_from(n_bytes).unwrap_or(0));
        let mut reads: Vec<Read> = places
            .words
            .iter()
            .map(|addr| Read::new(*addr, 4))
            .collect();
        reads.push(buffer(places.queue));
        reads.extend(places.logs.map(buffer));
        let reads = target.snapshot(reads, false)?.reads;
        let unsent = unsent(&reads);
        if unsent.is_none() || unsent == self.told {
            return Ok(None);
        }
        self.told.clone_from(&unsent);
        Ok(unsent)
    }
}

/// `2 heartbeats, 1 event, 12 log entries`, or `nothing`.
pub fn unsent_in_words(unsent: &Unsent) -> String {
    let counts = [
        (unsent.heartbeats, "heartbeat", "heartbeats"),
        (unsent.events, "event", "events"),
        (unsent.others, "other message", "other messages"),
        (unsent.log_entries, "log entry", "log entries"),
    ];
    let counts = counts.into_iter().filter(|(n, ..)| *n > 0);
    let counts = counts.map(|(n, one, many)| format!("{n} {}", if n == 1 { one } else { many }));
    let mut parts: Vec<String> = counts.collect();
    if unsent.coredump_bytes > 0 {
        parts.push(format!("a coredump of {} bytes", unsent.coredump_bytes));
    }
    if parts.is_empty() {
        return "nothing".to_owned();
    }
    parts.join(", ")
}

fn places(file: &SymbolFile) -> Option<Places> {
    // The SDK says its version in a section that is not loaded.
    file.section(".fieldscope.version")?;
    let info = DebugInfo::new(file);
    let word = |name: &str| scalar(&info, name).ok().map(|found| found.address);
    let buffer = |name: &str| {
        array(&info, name)
            .ok()
            .filter(|(_, n)| *n <= BUFFER_BYTES_MAX)
    };
    Some(Places {
        words: [
            word("fs.queued")?,
            word("fs.logged")?,
            word("fs.dump")?,
            word("fs.boots")?,
        ],
        queue: buffer("fs.queue")?,
        logs: buffer("fs.logs"),
    })
}

/// What words and buffers say; `None` where they do not fit together: the board has not come to it, or is in the middle of a change.
fn unsent(reads: &[Read]) -> Option<Unsent> {
    let word = |at: usize| {
        let bytes = reads.get(at)?.bytes.as_deref()?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    let of_buffer = |at: usize, n_bytes: u32| {
        let bytes = reads.get(at)?.bytes.as_deref()?;
        bytes.get(..usize::try_from(n_bytes).ok()?)
    };
    let mut unsent = Unsent {
        coredump_bytes: word(2)?,
        boots: word(3)?,
        ..Unsent::default()
    };
    let mut queue = of_buffer(4, word(0)?)?;
    unsent.queued_bytes = word(0)?;
    while let [low, high, kind, rest @ ..] = queue {
        let n_bytes = usize::from(u16::from_le_bytes([*low, *high]));
        match *kind {
            HEARTBEAT => unsent.heartbeats += 1,
            EVENT => unsent.events += 1,
            _ => unsent.others += 1,
        }
        queue = rest.get(n_bytes..)?;
    }
    if !queue.is_empty() {
        return None;
    }
    let mut logs = match reads.get(5) {
        Some(_) => of_buffer(5, word(1)?)?,
        None => &[],
    };
    while let [n_bytes, rest @ ..] = logs {
        unsent.log_entries += 1;
        logs = rest.get(usize::from(*n_bytes)..)?;
    }
    Some(unsent)
}

#[cfg(test)]
mod tests {
    use super::unsent;
    use crate::live::Read;

    fn reads(queued: u32, queue: &[u8], logged: u32, logs: &[u8]) -> Vec<Read> {
        let word = |value: u32| value.to_le_bytes().to_vec();
        let parts = [
            word(queued),
            word(logged),
            word(0),
            word(3),
            queue.to_vec(),
            logs.to_vec(),
        ];
        let reads = parts.into_iter().map(|bytes| Read {
            addr: 0,
            n_bytes: bytes.len(),
            bytes: Some(bytes),
        });
        reads.collect()
    }

    #[test]
    fn records_and_entries_are_counted() {
        let queue = [2, 0, 1, 9, 9, 1, 0, 2, 9, 0, 0, 1, 0xff, 0xff];
        let found = unsent(&reads(12, &queue, 5, &[1, 7, 2, 7, 7, 0xff])).unwrap();
        assert_eq!((found.heartbeats, found.events, found.others), (2, 1, 0));
        assert_eq!(
            (found.log_entries, found.boots, found.queued_bytes),
            (2, 3, 12)
        );
    }

    #[test]
    fn what_does_not_fit_together_is_not_told() {
        assert!(unsent(&reads(99, &[0; 8], 0, &[])).is_none());
        assert!(unsent(&reads(5, &[9, 0, 1, 0, 0], 0, &[])).is_none());
        assert!(unsent(&reads(0, &[], 3, &[9, 0, 0])).is_none());
        let mut missing = reads(0, &[], 0, &[]);
        missing[0].bytes = None;
        assert!(unsent(&missing).is_none());
    }
}
