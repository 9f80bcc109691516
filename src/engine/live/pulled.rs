//! What the device-side SDK keeps in a board's memory, as the lines in which the board would send it: each message and each log entry
//! once, however often it is read.

use super::unsent::Contents;
use crate::formats::sdk::line_writer::{is_log_entry, is_message, lines, logs_message};
use crate::model::build_id::BuildId;

/// So many bytes of entries are one message; a reader takes no larger ones of 16 KiB.
const ENTRIES_BYTES: usize = 4 << 10;

/// What was told already.
#[derive(Default)]
pub(super) struct Pulled {
    records: Vec<(u8, Vec<u8>)>,
    entries: Vec<Vec<u8>>,
    /// Of the next message.
    sequence: u16,
}

impl Pulled {
    /// The lines of what was not there at the last look; `None` where memory was read in the middle of a change.
    pub(super) fn news(&mut self, now: Contents, build: Option<&BuildId>) -> Option<Vec<u8>> {
        let is_whole = now
            .records
            .iter()
            .all(|(kind, message)| is_message(*kind, message))
            && now.entries.iter().all(|entry| is_log_entry(entry));
        if !is_whole {
            return None;
        }
        let mut out = Vec::new();
        for (kind, message) in new_of(&self.records, &now.records) {
            out.extend(lines(*kind, self.sequence, message));
            self.sequence = self.sequence.wrapping_add(1);
        }
        let mut entries = Vec::new();
        let mut new = new_of(&self.entries, &now.entries).iter().peekable();
        while let Some(entry) = new.next() {
            // Its length was a byte.
            entries.push(u8::try_from(entry.len()).unwrap_or(u8::MAX));
            entries.extend_from_slice(entry);
            if new.peek().is_none() || entries.len() >= ENTRIES_BYTES {
                let id = build.map(BuildId::as_bytes);
                let (kind, message) = logs_message(id, now.unsent.boots.into(), &entries);
                out.extend(lines(kind, self.sequence, &message));
                self.sequence = self.sequence.wrapping_add(1);
                entries.clear();
            }
        }
        self.records = now.records;
        self.entries = now.entries;
        Some(out)
    }
}

/// What of a queue was not there before: the board takes from the front of it and adds at its end.
fn new_of<'n, T: PartialEq>(before: &[T], now: &'n [T]) -> &'n [T] {
    let taken = (0..=before.len()).find(|n| {
        let left = before.get(*n..).unwrap_or(&[]);
        now.starts_with(left)
    });
    let n_known = before.len() - taken.unwrap_or(before.len());
    now.get(n_known..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::{Contents, Pulled, new_of};
    use crate::formats::sdk::{SdkCarrier, read};
    use crate::model::device_message::MessageBody;
    use crate::model::progress::Unattended;

    #[test]
    fn what_was_added_at_the_end_is_new() {
        for (before, now, new) in [
            ("", "", ""),
            ("", "ab", "ab"),
            ("ab", "ab", ""),
            ("ab", "abc", "c"),
            ("abc", "bcd", "d"),
            ("abc", "", ""),
            ("abc", "xy", "xy"),
            ("aaa", "aaab", "b"),
        ] {
            let found = new_of(before.as_bytes(), now.as_bytes());
            assert_eq!(found, new.as_bytes(), "{before} {now}");
        }
    }

    /// {9: 60000} as a heartbeat.
    const HEARTBEAT: [u8; 7] = [0xBF, 0x09, 0x19, 0xEA, 0x60, 0xFF, 0];

    fn contents(n_records: usize, n_entries: usize) -> Contents {
        Contents {
            records: vec![(1, HEARTBEAT[..6].to_vec()); n_records],
            entries: (0..n_entries)
                .map(|n| vec![0x83, n as u8 % 24, 0x03, 0x61, b'x'])
                .collect(),
            ..Contents::default()
        }
    }

    #[test]
    fn everything_is_told_once() {
        let mut pulled = Pulled::default();
        let mut text = Vec::new();
        for (n_records, n_entries) in [(1, 0), (1, 2), (2, 2), (2, 5), (2, 5)] {
            text.extend(pulled.news(contents(n_records, n_entries), None).unwrap());
        }
        let read = read(&text, SdkCarrier::Lines, &Unattended).unwrap();
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
        let heartbeats = read.messages.iter().filter(|message| {
            matches!(&message.body, MessageBody::Heartbeat(heartbeat) if heartbeat.interval_ms == Some(60_000))
        });
        assert_eq!(heartbeats.count(), 2);
        let entries = read
            .messages
            .iter()
            .filter_map(|message| match &message.body {
                MessageBody::Logs(logs) => Some(logs.entries.len()),
                _ => None,
            });
        assert_eq!(entries.collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn what_was_read_in_the_middle_of_a_change_is_told_when_it_is_whole() {
        let mut pulled = Pulled::default();
        let mut torn = contents(1, 0);
        torn.records[0].1.truncate(4);
        assert_eq!(pulled.news(torn, None), None);
        let mut torn = contents(0, 1);
        torn.entries[0][0] = 0x84;
        assert_eq!(pulled.news(torn, None), None);
        assert!(!pulled.news(contents(1, 1), None).unwrap().is_empty());
    }
}
