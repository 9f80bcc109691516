//! The CBOR of a message to what it says. Keys are those of the tables in `docs/wire-format.md`; a key that is not known or
//! whose value is of another type is as if it were not there.

use super::cbor::{Cbor, Item};
use super::reassembly::{COREDUMP, DEVICE, EVENT, HEARTBEAT, LOGS, Message};
use crate::formats::lines::as_u64;
use crate::model::build_id::BuildId;
use crate::model::device_message::{
    DeviceEvent, DeviceMessage, DeviceState, EventKind, Heartbeat, LogEntry, LogText, MessageBody,
    Reason, Sender, SentCoredump, SentLogs, SentValue,
};
use crate::model::log::LogLevel;
use std::borrow::Cow;
use std::ops::Range;

/// More than any device sends; bounds memory on hostile messages.
const MOST_VALUES: usize = 65_536;
const MOST_ENTRIES: usize = 65_536;
const MOST_REGIONS: usize = 65_536;
const MOST_REGISTERS: usize = 64;
const MOST_ARGUMENTS: usize = 64;

/// Reading cannot go on: the message ends, is no CBOR, or did not arrive here.
struct Stop;

type Read<T> = Result<T, Stop>;

/// What was made of a message.
pub(super) struct Decoded {
    /// `None`: it cannot be read.
    pub(super) message: Option<DeviceMessage>,
    /// Where in the message reading stopped before its end.
    pub(super) stopped_at: Option<usize>,
}

/// Reads a message. Of a coredump all that lies before a break is kept; of others nothing, because what is not in them has
/// a meaning.
pub(super) fn decode(message: &Message) -> Decoded {
    let mut reader = Reader {
        cbor: Cbor::new(&message.data),
        holes: &message.holes,
    };
    let mut sender = Sender::default();
    let mut body = match message.kind {
        HEARTBEAT => MessageBody::Heartbeat(Heartbeat::default()),
        EVENT => MessageBody::Event(DeviceEvent::default()),
        LOGS => MessageBody::Logs(SentLogs::default()),
        COREDUMP => MessageBody::Coredump(Box::default()),
        _ => MessageBody::Device(DeviceState::default()),
    };
    debug_assert!(
        (HEARTBEAT..=DEVICE).contains(&message.kind),
        "reassembly lets known kinds through"
    );
    let read = reader.map(&mut |key, reader| match key {
        0..=8 => read_sender(&mut sender, key, reader),
        _ => match &mut body {
            MessageBody::Heartbeat(heartbeat) => read_heartbeat(heartbeat, key, reader),
            MessageBody::Event(event) => read_event(event, key, reader),
            MessageBody::Logs(logs) => read_logs(logs, key, reader),
            MessageBody::Coredump(dump) => read_coredump(dump, key, reader),
            MessageBody::Device(state) => read_device(state, key, reader),
        },
    });
    let stopped_at = read.is_err().then(|| reader.cbor.offset());
    let is_readable = match &mut body {
        MessageBody::Coredump(dump) => {
            dump.is_whole = message.is_whole && stopped_at.is_none();
            true
        }
        _ => stopped_at.is_none(),
    };
    Decoded {
        message: is_readable.then(|| DeviceMessage {
            place: as_u64(message.place.start)..as_u64(message.place.end),
            sequence: message.sequence,
            sender,
            body,
        }),
        stopped_at,
    }
}

/// Reads log entries: each is its length in one byte, then CBOR of that length. An entry that cannot be read is left out.
pub(super) fn entries(bytes: &[u8]) -> Vec<LogEntry> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some((len, after)) = rest.split_first()
        && out.len() < MOST_ENTRIES
    {
        let Some((entry, next)) = after.split_at_checked(usize::from(*len)) else {
            break;
        };
        out.extend(entry_of(entry));
        rest = next;
    }
    out
}

/// One entry, without its length.
pub(super) fn entry_of(bytes: &[u8]) -> Option<LogEntry> {
    let mut reader = Reader {
        cbor: Cbor::new(bytes),
        holes: &[],
    };
    let mut entry = LogEntry {
        uptime_ms: 0,
        level: None,
        text: LogText::Text(String::new()),
    };
    let mut n_read: usize = 0;
    reader
        .array(&mut |reader| {
            match n_read {
                0 => entry.uptime_ms = reader.unsigned()?.ok_or(Stop)?,
                1 => entry.level = level(reader.unsigned()?.ok_or(Stop)?),
                2 => {
                    entry.text = match reader.value()? {
                        SentValue::Text(text) => LogText::Text(text),
                        SentValue::Integer(id) => {
                            LogText::Format(u64::try_from(id).ok().ok_or(Stop)?, Vec::new())
                        }
                        _ => return Err(Stop),
                    }
                }
                _ => {
                    let value = reader.value()?;
                    if let LogText::Format(_, arguments) = &mut entry.text
                        && arguments.len() < MOST_ARGUMENTS
                    {
                        arguments.push(value);
                    }
                }
            }
            n_read = n_read.saturating_add(1);
            Ok(())
        })
        .ok()?;
    (n_read >= 3).then_some(entry)
}

fn level(number: u64) -> Option<LogLevel> {
    match number {
        1 => Some(LogLevel::Error),
        2 => Some(LogLevel::Warn),
        3 => Some(LogLevel::Info),
        4 => Some(LogLevel::Debug),
        _ => None,
    }
}

fn read_sender(sender: &mut Sender, key: u64, reader: &mut Reader<'_>) -> Read<()> {
    match key {
        1 => sender.serial = reader.text()?,
        2 => sender.hardware = reader.text()?,
        3 => sender.software_type = reader.text()?,
        4 => sender.software_version = reader.text()?,
        5 => {
            let bytes = reader.bytes()?;
            sender.build_id = bytes
                .filter(|piece| piece.is_complete)
                .and_then(|piece| BuildId::from_bytes(&piece.bytes));
        }
        6 => sender.boot = reader.unsigned()?,
        7 => sender.uptime_ms = reader.unsigned()?,
        8 => sender.time_s = reader.unsigned()?,
        _ => reader.skip()?,
    }
    Ok(())
}

fn read_heartbeat(heartbeat: &mut Heartbeat, key: u64, reader: &mut Reader<'_>) -> Read<()> {
    match key {
        9 => heartbeat.interval_ms = reader.unsigned()?,
        10 => reader.map(&mut |id, reader| {
            let value = reader.value()?;
            if heartbeat.values.len() >= MOST_VALUES {
                return Err(Stop);
            }
            heartbeat.values.insert(id, value);
            Ok(())
        })?,
        _ => reader.skip()?,
    }
    Ok(())
}

fn read_event(event: &mut DeviceEvent, key: u64, reader: &mut Reader<'_>) -> Read<()> {
    match key {
        9 => {
            event.kind = reader
                .unsigned()?
                .map_or(EventKind::Unsaid, EventKind::from_number);
        }
        10 => event.reason = reader.unsigned()?.map(Reason),
        11 => event.code = reader.integer()?,
        12 => event.pc = reader.unsigned()?,
        13 => event.lr = reader.unsigned()?,
        14 => event.text = reader.unsigned()?,
        15 => event.previous_uptime_ms = reader.unsigned()?,
        _ => reader.skip()?,
    }
    Ok(())
}

fn read_logs(logs: &mut SentLogs, key: u64, reader: &mut Reader<'_>) -> Read<()> {
    match key {
        9 => logs.n_lost = reader.unsigned()?.unwrap_or(0),
        10 => {
            logs.entries = reader
                .bytes()?
                .map(|piece| entries(&piece.bytes))
                .unwrap_or_default();
        }
        _ => reader.skip()?,
    }
    Ok(())
}

fn read_coredump(dump: &mut SentCoredump, key: u64, reader: &mut Reader<'_>) -> Read<()> {
    match key {
        9 => dump.reason = reader.unsigned()?.map(Reason),
        10 => dump.architecture = reader.unsigned()?,
        11 => reader.array(&mut |reader| {
            let register = reader.unsigned()?;
            if dump.registers.len() < MOST_REGISTERS {
                dump.registers.push(register);
            }
            Ok(())
        })?,
        12 => {
            if let Some(piece) = reader.bytes()? {
                dump.entries = entries(piece.before_a_hole());
            }
        }
        13 => reader.array(&mut |reader| read_region(dump, reader))?,
        14 => dump.n_left_out = reader.unsigned()?,
        _ => reader.skip()?,
    }
    Ok(())
}

/// One piece of memory: `[address, bytes]`.
fn read_region(dump: &mut SentCoredump, reader: &mut Reader<'_>) -> Read<()> {
    let mut address = None;
    let mut n_read: usize = 0;
    reader.array(&mut |reader| {
        n_read = n_read.saturating_add(1);
        match (n_read, address) {
            (1, _) => address = reader.unsigned()?,
            (2, Some(start)) => {
                if let Some(piece) = reader.bytes()? {
                    add_region(dump, start, &piece)?;
                }
            }
            _ => reader.skip()?,
        }
        Ok(())
    })
}

/// Adds what arrived of a piece of memory that begins at `start`.
fn add_region(dump: &mut SentCoredump, start: u64, piece: &Piece<'_>) -> Read<()> {
    for range in piece.captured() {
        let offset = u64::try_from(range.start).ok();
        let address = offset.and_then(|offset| start.checked_add(offset));
        let (Some(address), Some(bytes)) = (address, piece.bytes.get(range)) else {
            continue;
        };
        if dump.memory.len() >= MOST_REGIONS {
            return Err(Stop);
        }
        dump.memory.push((address, bytes.to_vec()));
    }
    // Nothing follows a string that is cut.
    if piece.is_complete { Ok(()) } else { Err(Stop) }
}

fn read_device(state: &mut DeviceState, key: u64, reader: &mut Reader<'_>) -> Read<()> {
    match key {
        9 => state.sampled = reader.unsigned()?,
        10 => state.n_lost = reader.unsigned()?,
        _ => reader.skip()?,
    }
    Ok(())
}

/// A byte string of a message.
struct Piece<'a> {
    bytes: Cow<'a, [u8]>,
    /// What of it did not arrive, relative to it. In order.
    holes: Vec<Range<usize>>,
    /// False when the message ends in it.
    is_complete: bool,
}

impl Piece<'_> {
    /// What arrived.
    fn captured(&self) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let mut at = 0;
        for hole in &self.holes {
            out.push(at..hole.start);
            at = hole.end;
        }
        out.push(at..self.bytes.len());
        out.retain(|range| !range.is_empty());
        out
    }

    fn before_a_hole(&self) -> &[u8] {
        let end = self
            .holes
            .first()
            .map_or(self.bytes.len(), |hole| hole.start);
        self.bytes.get(..end).unwrap_or(&[])
    }
}

/// A reader that stops where something other than the inside of a byte string did not arrive. Its functions are
/// `Ok(None)` where the value is of another type.
struct Reader<'a> {
    cbor: Cbor<'a>,
    holes: &'a [Range<usize>],
}

impl<'a> Reader<'a> {
    fn is_hole(&self, range: &Range<usize>) -> bool {
        self.holes
            .iter()
            .any(|hole| hole.start < range.end && range.start < hole.end)
    }

    fn next(&mut self) -> Read<Item<'a>> {
        let before = self.cbor.clone();
        let item = self.cbor.next().ok_or(Stop)?;
        let end = match &item {
            Item::Bytes(_, start) => *start,
            _ => self.cbor.offset(),
        };
        if self.is_hole(&(before.offset()..end)) {
            self.cbor = before;
            return Err(Stop);
        }
        Ok(item)
    }

    fn skip(&mut self) -> Read<()> {
        let before = self.cbor.clone();
        let skipped = self.cbor.skip();
        let is_hole = self.is_hole(&(before.offset()..self.cbor.offset()));
        if skipped.is_none() || is_hole {
            self.cbor = before;
            return Err(Stop);
        }
        Ok(())
    }

    /// The next item if `take` wants it; else it is skipped.
    fn of_type<T>(&mut self, take: impl FnOnce(Item<'a>) -> Option<T>) -> Read<Option<T>> {
        let before = self.cbor.clone();
        let item = self.next()?;
        let is_simple = !matches!(item, Item::Array(_) | Item::Map(_) | Item::Break);
        let taken = take(item);
        if taken.is_none() && !is_simple {
            self.cbor = before;
            self.skip()?;
        }
        Ok(taken)
    }

    fn integer(&mut self) -> Read<Option<i128>> {
        self.of_type(|item| match item {
            Item::Integer(number) => Some(number),
            _ => None,
        })
    }

    fn unsigned(&mut self) -> Read<Option<u64>> {
        self.of_type(|item| match item {
            Item::Integer(number) => u64::try_from(number).ok(),
            _ => None,
        })
    }

    fn text(&mut self) -> Read<Option<String>> {
        self.of_type(|item| match item {
            Item::Text(text) => Some(text),
            _ => None,
        })
    }

    /// A value of a metric or an argument of a log entry; of any other type it counts as not set.
    fn value(&mut self) -> Read<SentValue> {
        let value = self.of_type(|item| match item {
            Item::Integer(number) => Some(SentValue::Integer(number)),
            Item::Float(number) => Some(SentValue::Float(number)),
            Item::Text(text) => Some(SentValue::Text(text)),
            _ => None,
        })?;
        Ok(value.unwrap_or(SentValue::Unset))
    }

    fn bytes(&mut self) -> Read<Option<Piece<'a>>> {
        let before = self.cbor.clone();
        if let Some(cut) = before.clone().cut_string()
            && !self.is_hole(&(before.offset()..cut.1))
        {
            self.cbor.end();
            return Ok(Some(self.piece(Cow::Borrowed(cut.0), cut.1, false)));
        }
        let found = self.of_type(|item| match item {
            Item::Bytes(bytes, start) => Some((bytes, start)),
            _ => None,
        })?;
        Ok(found.map(|(bytes, start)| self.piece(bytes, start, true)))
    }

    fn piece(&self, bytes: Cow<'a, [u8]>, start: usize, is_complete: bool) -> Piece<'a> {
        let end = start.saturating_add(bytes.len());
        let touching = self
            .holes
            .iter()
            .filter(|hole| hole.start < end && start < hole.end);
        let mut holes: Vec<Range<usize>> = touching
            .map(|hole| hole.start.saturating_sub(start)..hole.end.min(end).saturating_sub(start))
            .collect();
        // Of a string in pieces it is not known where a hole lies in it.
        if !holes.is_empty() && matches!(bytes, Cow::Owned(_)) {
            holes = std::iter::once(0..bytes.len()).collect();
        }
        Piece {
            bytes,
            holes,
            is_complete,
        }
    }

    /// Calls `each` with the key of every pair, which reads its value. Keys that are no unsigned integers are skipped.
    fn map(&mut self, each: &mut dyn FnMut(u64, &mut Self) -> Read<()>) -> Read<()> {
        let Item::Map(len) = self.next()? else {
            return Err(Stop);
        };
        let mut n_left = len;
        while n_left != Some(0) {
            let before = self.cbor.clone();
            match self.next()? {
                Item::Break => return n_left.is_none().then_some(()).ok_or(Stop),
                Item::Integer(key) if key >= 0 => each(u64::try_from(key).ok().ok_or(Stop)?, self)?,
                _ => {
                    self.cbor = before;
                    self.skip()?;
                    self.skip()?;
                }
            }
            n_left = n_left.map(|n| n.saturating_sub(1));
        }
        Ok(())
    }

    /// Calls `each` for every item, which reads it.
    fn array(&mut self, each: &mut dyn FnMut(&mut Self) -> Read<()>) -> Read<()> {
        let before = self.cbor.clone();
        let Item::Array(len) = self.next()? else {
            self.cbor = before;
            return self.skip();
        };
        let mut n_left = len;
        while n_left != Some(0) {
            let before = self.cbor.clone();
            if n_left.is_none() {
                if self.next()? == Item::Break {
                    return Ok(());
                }
                self.cbor = before;
            }
            each(self)?;
            n_left = n_left.map(|n| n.saturating_sub(1));
        }
        Ok(())
    }
}
