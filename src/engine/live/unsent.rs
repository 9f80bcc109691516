//! What the device-side SDK keeps in memory and has not sent yet, read without disturbing it (assets/sdk/fieldscope.c, `fs`).

use super::pulled::Pulled;
use crate::formats::recording::Unsent;
use crate::live::{LinkError, Read, Target};
use crate::model::build_id::BuildId;
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

/// What was found at one moment.
#[derive(Default)]
pub(super) struct Contents {
    /// How much of what.
    pub(super) unsent: Unsent,
    /// Messages of the queue, the oldest first: kind, and bytes.
    pub(super) records: Vec<(u8, Vec<u8>)>,
    /// Entries of the log ring, the oldest first.
    pub(super) entries: Vec<Vec<u8>>,
}

/// What is new of it.
#[derive(Default)]
pub(super) struct News {
    /// How much there is, if it is not what was told last.
    pub(super) unsent: Option<Unsent>,
    /// What was not there at the last look, as the lines in which a board would send it.
    pub(super) lines: Vec<u8>,
}

/// Looks at what was not sent.
pub(super) struct UnsentWatch {
    places: Option<Places>,
    due: Instant,
    told: Option<Unsent>,
    pulled: Pulled,
}

impl UnsentWatch {
    /// For the builds that a board runs; nothing is looked at where none of them has the SDK.
    pub(super) fn new(elfs: &[Arc<SymbolFile>]) -> Self {
        Self {
            places: elfs.iter().find_map(|file| places(file)),
            due: Instant::now(),
            told: None,
            pulled: Pulled::default(),
        }
    }

    /// The link was opened again: what was told of its contents before it was lost is not told again.
    #[must_use]
    pub(super) fn after(mut self, before: Self) -> Self {
        self.pulled = before.pulled;
        self
    }

    /// When it is to be looked at next; `None`: never.
    pub(super) fn due(&self) -> Option<Instant> {
        self.places.as_ref().map(|_| self.due)
    }

    /// What is new of what was not sent by the build that runs.
    pub(super) fn look(
        &mut self,
        target: &mut dyn Target,
        build: Option<&BuildId>,
    ) -> Result<News, LinkError> {
        let now = Instant::now();
        let Some(places) = self.places.as_ref().filter(|_| self.due <= now) else {
            return Ok(News::default());
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
        let Some(contents) = contents(&reads) else {
            return Ok(News::default());
        };
        let unsent = Some(contents.unsent.clone());
        let Some(lines) = self.pulled.news(contents, build) else {
            return Ok(News::default());
        };
        let is_known = unsent == self.told;
        self.told.clone_from(&unsent);
        Ok(News {
            unsent: unsent.filter(|_| !is_known),
            lines,
        })
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
fn contents(reads: &[Read]) -> Option<Contents> {
    let word = |at: usize| {
        let bytes = reads.get(at)?.bytes.as_deref()?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    let of_buffer = |at: usize, n_bytes: u32| {
        let bytes = reads.get(at)?.bytes.as_deref()?;
        bytes.get(..usize::try_from(n_bytes).ok()?)
    };
    let mut found = Contents {
        unsent: Unsent {
            coredump_bytes: word(2)?,
            boots: word(3)?,
            queued_bytes: word(0)?,
            ..Unsent::default()
        },
        ..Contents::default()
    };
    let unsent = &mut found.unsent;
    let mut queue = of_buffer(4, word(0)?)?;
    while let [low, high, kind, rest @ ..] = queue {
        let n_bytes = usize::from(u16::from_le_bytes([*low, *high]));
        match *kind {
            HEARTBEAT => unsent.heartbeats += 1,
            EVENT => unsent.events += 1,
            _ => unsent.others += 1,
        }
        let (message, next) = rest.split_at_checked(n_bytes)?;
        found.records.push((*kind, message.to_vec()));
        queue = next;
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
        let (entry, next) = rest.split_at_checked(usize::from(*n_bytes))?;
        found.entries.push(entry.to_vec());
        logs = next;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::contents;
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
        let found = contents(&reads(12, &queue, 5, &[1, 7, 2, 7, 7, 0xff])).unwrap();
        assert_eq!(found.records[1], (2, vec![9]));
        assert_eq!(found.entries, [vec![7], vec![7, 7]]);
        let found = found.unsent;
        assert_eq!((found.heartbeats, found.events, found.others), (2, 1, 0));
        assert_eq!(
            (found.log_entries, found.boots, found.queued_bytes),
            (2, 3, 12)
        );
    }

    #[test]
    fn what_does_not_fit_together_is_not_told() {
        assert!(contents(&reads(99, &[0; 8], 0, &[])).is_none());
        assert!(contents(&reads(5, &[9, 0, 1, 0, 0], 0, &[])).is_none());
        assert!(contents(&reads(0, &[], 3, &[9, 0, 0])).is_none());
        let mut missing = reads(0, &[], 0, &[]);
        missing[0].bytes = None;
        assert!(contents(&missing).is_none());
    }
}
