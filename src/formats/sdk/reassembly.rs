//! Chunks to messages, as the page says: a chunk at offset 0 begins a message, a chunk that repeats the one before it is
//! ignored, what was not finished is cut, and what is missing in the middle of a coredump is a hole.

use super::chunk::{Carried, Chunk};
use super::noted::Noted;
use std::ops::Range;

/// The version of the wire format.
const VERSION: u8 = 1;
/// The largest message that a reader takes.
const LARGEST: usize = 16 << 20;
/// A hole is filled with bytes that nobody sent; it may not be larger than this and what was sent before it.
const LARGEST_HOLE: usize = 64 << 10;

pub(super) const HEARTBEAT: u8 = 1;
pub(super) const EVENT: u8 = 2;
pub(super) const LOGS: u8 = 3;
pub(super) const COREDUMP: u8 = 4;
pub(super) const DEVICE: u8 = 5;

/// The word for a kind of message.
pub(super) fn kind_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        HEARTBEAT => "heartbeat",
        EVENT => "event",
        LOGS => "logs",
        COREDUMP => "coredump",
        DEVICE => "device",
        _ => return None,
    })
}

/// The bytes of a message, as far as they arrived.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) sequence: u16,
    /// Bytes of the input from its first chunk to the end of its last.
    pub(super) place: Range<usize>,
    pub(super) data: Vec<u8>,
    /// What lies here did not arrive; `data` is 0 there. In order.
    pub(super) holes: Vec<Range<usize>>,
    /// Where pieces of `data` stand in the input: offset in `data`, offset of the chunk.
    origin: Vec<(usize, usize)>,
    /// The last chunk arrived.
    pub(super) is_whole: bool,
}

impl Message {
    /// One that arrived whole, as a sender made it.
    pub(super) fn whole(kind: u8, bytes: &[u8]) -> Self {
        Self {
            kind,
            sequence: 0,
            place: 0..bytes.len(),
            data: bytes.to_vec(),
            holes: Vec::new(),
            origin: Vec::new(),
            is_whole: true,
        }
    }

    fn begin(carried: &Carried, chunk: &Chunk) -> Self {
        Self {
            kind: chunk.kind,
            sequence: chunk.sequence,
            place: carried.start..carried.end,
            data: Vec::new(),
            holes: Vec::new(),
            origin: Vec::new(),
            is_whole: false,
        }
    }

    /// Where in the input the chunk stands that brought the byte at `offset`.
    pub(super) fn place_of(&self, offset: usize) -> usize {
        let next = self.origin.partition_point(|(at, _)| *at <= offset);
        let chunk = next.checked_sub(1).and_then(|index| self.origin.get(index));
        chunk.map_or(self.place.start, |(_, place)| *place)
    }

    fn name(&self) -> String {
        format!(
            "{} {}",
            kind_name(self.kind).unwrap_or("message"),
            self.sequence
        )
    }

    fn add(&mut self, carried: &Carried, chunk: &Chunk) {
        self.origin.push((self.data.len(), carried.start));
        self.data.extend(&chunk.payload);
        self.place.end = carried.end;
        self.is_whole = chunk.is_last;
    }

    /// Bytes that are missing before `chunk`, if it can follow all the same.
    fn hole_before(&self, chunk: &Chunk) -> Option<Range<usize>> {
        let offset = usize::try_from(chunk.offset).ok()?;
        let len = offset.checked_sub(self.data.len())?;
        let is_allowed = len == 0
            || self.kind == COREDUMP && len <= LARGEST_HOLE.saturating_add(self.data.len());
        is_allowed.then_some(self.data.len()..offset)
    }
}

/// Puts messages together.
#[derive(Default)]
pub(super) struct Reassembly {
    current: Option<Message>,
    previous: Option<Chunk>,
    /// Kind and sequence number of the message whose parts are without a beginning.
    orphan: Option<(u8, u16)>,
}

impl Reassembly {
    /// Takes what a carrier brought. `each` gets every message that is complete, and coredumps that are cut.
    pub(super) fn push(
        &mut self,
        carried: Carried,
        noted: &mut Noted,
        each: &mut dyn FnMut(Message, &mut Noted),
    ) {
        let Some(chunk) = &carried.chunk else {
            noted.add(
                "FS-SDK-001",
                carried.start,
                "a chunk of the device-side SDK is damaged here: its checksum is wrong; what it held is lost",
            );
            return;
        };
        if self.previous.as_ref() == Some(chunk) {
            return;
        }
        let is_known = chunk.version == VERSION && kind_name(chunk.kind).is_some();
        if !is_known {
            noted.add(
                "FS-SDK-004",
                carried.start,
                format!(
                    "a message of version {} and kind {} is not known to this version of Fieldscope and was skipped; a newer one may read it",
                    chunk.version, chunk.kind
                ),
            );
        } else if chunk.offset == 0 {
            self.cut(noted, each);
            self.current = Some(Message::begin(&carried, chunk));
            self.add(&carried, chunk, noted, each);
        } else {
            self.go_on(&carried, chunk, noted, each);
        }
        self.previous = carried.chunk;
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, noted: &mut Noted, each: &mut dyn FnMut(Message, &mut Noted)) {
        self.cut(noted, each);
    }

    fn go_on(
        &mut self,
        carried: &Carried,
        chunk: &Chunk,
        noted: &mut Noted,
        each: &mut dyn FnMut(Message, &mut Noted),
    ) {
        let same = self
            .current
            .as_mut()
            .filter(|m| (m.kind, m.sequence) == (chunk.kind, chunk.sequence));
        let hole = same.and_then(|message| Some((message.hole_before(chunk)?, message)));
        if let Some((hole, message)) = hole {
            if !hole.is_empty() {
                noted.add(
                    "FS-SDK-007",
                    carried.start,
                    format!(
                        "{} bytes of {} are missing before this place; what lay in them counts as not captured",
                        hole.len(),
                        message.name()
                    ),
                );
                message.data.resize(hole.end, 0);
                message.holes.push(hole);
            }
            self.add(carried, chunk, noted, each);
            return;
        }
        self.cut(noted, each);
        // Said once for all parts of a message.
        if self.orphan.replace((chunk.kind, chunk.sequence)) != Some((chunk.kind, chunk.sequence)) {
            let kind = kind_name(chunk.kind).unwrap_or("message");
            noted.add(
                "FS-SDK-003",
                carried.start,
                format!("a part of {kind} {} stands here without what comes before it; it cannot be read", chunk.sequence),
            );
        }
    }

    fn add(
        &mut self,
        carried: &Carried,
        chunk: &Chunk,
        noted: &mut Noted,
        each: &mut dyn FnMut(Message, &mut Noted),
    ) {
        self.orphan = None;
        let Some(message) = &mut self.current else {
            return;
        };
        if message.data.len().saturating_add(chunk.payload.len()) > LARGEST {
            noted.add(
                "FS-SDK-008",
                carried.start,
                format!(
                    "{} is larger than 16 MiB; the rest of it was left out",
                    message.name()
                ),
            );
            self.cut(noted, each);
            return;
        }
        message.add(carried, chunk);
        if message.is_whole
            && let Some(message) = self.current.take()
        {
            each(message, noted);
        }
    }

    fn cut(&mut self, noted: &mut Noted, each: &mut dyn FnMut(Message, &mut Noted)) {
        let Some(message) = self.current.take() else {
            return;
        };
        let rest = if message.kind == COREDUMP {
            "what arrived is shown"
        } else {
            "it cannot be read"
        };
        noted.add(
            "FS-SDK-002",
            message.place.start,
            format!(
                "{} is cut after {} bytes: the device restarted or lines were lost; {rest}",
                message.name(),
                message.data.len()
            ),
        );
        if message.kind == COREDUMP {
            each(message, noted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{COREDUMP, EVENT, Message, Reassembly};
    use crate::formats::sdk::chunk::{Carried, Chunk, tests::build};
    use crate::formats::sdk::noted::Noted;

    /// Kind, last, sequence number, offset, payload; `None`: damaged.
    type Sent<'a> = Option<(u8, bool, u16, u32, &'a [u8])>;

    fn received(sent: &[Sent<'_>]) -> (Vec<Message>, Vec<String>) {
        let (mut messages, mut noted, mut reassembly) =
            (Vec::new(), Noted::default(), Reassembly::default());
        for (index, chunk) in sent.iter().enumerate() {
            let chunk = chunk.map(|(kind, last, sequence, offset, payload)| {
                Chunk::read(&build(kind, last, sequence, offset, payload)).unwrap()
            });
            let carried = Carried {
                start: index * 100,
                end: index * 100 + 50,
                chunk,
            };
            reassembly.push(carried, &mut noted, &mut |message, _| {
                messages.push(message);
            });
        }
        reassembly.finish(&mut noted, &mut |message, _| messages.push(message));
        let codes = noted
            .into_warnings()
            .into_iter()
            .map(|w| format!("{} {}", w.code, w.offset.unwrap()))
            .collect();
        (messages, codes)
    }

    #[test]
    fn parts_follow_each_other_and_repeats_are_ignored() {
        let first = Some((EVENT, false, 7, 0, &b"abc"[..]));
        let second = Some((EVENT, true, 7, 3, &b"de"[..]));
        let (messages, noted) = received(&[first, first, None, second, second]);
        assert_eq!(noted, ["FS-SDK-001 200"]);
        assert_eq!(messages.len(), 1);
        assert_eq!(
            (&messages[0].data[..], messages[0].place.clone()),
            (&b"abcde"[..], 0..350)
        );
        assert_eq!((messages[0].place_of(2), messages[0].place_of(3)), (0, 300));
    }

    #[test]
    fn what_is_cut_or_without_a_beginning_is_said_once() {
        let (messages, noted) = received(&[
            Some((EVENT, false, 1, 0, b"abc")),
            Some((EVENT, false, 1, 9, b"lost before")),
            Some((EVENT, false, 1, 20, b"and")),
            Some((EVENT, true, 1, 23, b"so on")),
            Some((EVENT, false, 2, 0, b"abc")),
            Some((EVENT, true, 3, 0, b"whole")),
            Some((9, true, 4, 0, b"kind")),
        ]);
        assert_eq!(
            noted,
            [
                "FS-SDK-002 0",
                "FS-SDK-003 100",
                "FS-SDK-002 400",
                "FS-SDK-004 600"
            ]
        );
        assert_eq!(messages.len(), 1);
    }

    #[test]
    fn a_hole_in_a_coredump_stays_a_hole_and_is_never_large() {
        let (messages, noted) = received(&[
            Some((COREDUMP, false, 1, 0, b"abc")),
            Some((COREDUMP, true, 1, 5, b"fg")),
        ]);
        assert_eq!(noted, ["FS-SDK-007 100"]);
        assert_eq!(
            (&messages[0].data[..], messages[0].holes.clone()),
            (&b"abc\0\0fg"[..], std::iter::once(3..5).collect::<Vec<_>>())
        );
        assert!(messages[0].is_whole);
        let (messages, noted) = received(&[
            Some((COREDUMP, false, 1, 0, b"abc")),
            Some((COREDUMP, true, 1, 1 << 24, b"fg")),
        ]);
        assert_eq!(noted, ["FS-SDK-002 0", "FS-SDK-003 100"]);
        assert_eq!(
            (messages.len(), messages[0].data.len(), messages[0].is_whole),
            (1, 3, false)
        );
    }
}
