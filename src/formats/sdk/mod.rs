//! What devices with the device-side SDK send: `docs/wire-format.md`, from the outside in. Carriers (`line_carrier`,
//! `cobs_carrier`) hold chunks (`chunk`), chunks hold parts of messages (`reassembly`), messages are CBOR (`cbor`,
//! `message`), and what numbers in them stand for is in the ELF (`definitions`). `line_writer` goes the other way.

mod cbor;
mod chunk;
mod cobs_carrier;
mod coredump;
pub mod definitions;
mod line_carrier;
pub mod line_writer;
pub(super) mod log_lines;
mod message;
mod noted;
mod reassembly;

use super::boots::BootRecord;
use super::lines::as_u64;
use super::literals::Literals;
use super::{Carrier, Confidence, Decoded, Format};
use crate::model::device_message::{DeviceMessage, EventKind, MessageBody, Reason};
use crate::model::progress::{Cancelled, Progress, Unattended};
use crate::model::warning::Warning;
use chunk::Carried;
use noted::Noted;
use reassembly::{Message, Reassembly};
use std::ops::Range;

static ANCHORS: Literals = Literals::new(&[line_carrier::MARK]);

/// Messages as `FS:` lines among others.
pub(super) struct SdkLines;

/// Messages as COBS frames, a stream of their own.
pub(super) struct SdkCobs;

/// No file of a device holds more heartbeats and events; bounds memory on garbage.
const MOST_MESSAGES: usize = 200_000;
/// Looked at this many bytes for the first frame.
const SNIFFED: usize = 64 << 10;
/// Sequence numbers that are farther apart than this went back.
const FARTHEST: u16 = 1 << 15;

/// What carries chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdkCarrier {
    /// `FS:` lines in a text.
    Lines,
    /// COBS frames.
    Cobs,
}

/// What devices sent.
#[derive(Clone, Debug, Default)]
pub struct SdkRead {
    /// In the order in which they were complete.
    pub messages: Vec<DeviceMessage>,
    /// What was wrong with them.
    pub warnings: Vec<Warning>,
    /// Bytes that belong to messages.
    pub understood: Vec<Range<u64>>,
}

/// Reads all messages.
pub fn read(
    bytes: &[u8],
    carrier: SdkCarrier,
    progress: &dyn Progress,
) -> Result<SdkRead, Cancelled> {
    read_by(&mut |each| match carrier {
        SdkCarrier::Lines => line_carrier::chunks(bytes, progress, each),
        SdkCarrier::Cobs => cobs_carrier::chunks(bytes, progress, each),
    })
}

/// Boots that devices tell of with the SDK in a text, in its order.
pub(super) fn boots(bytes: &[u8], progress: &dyn Progress) -> Result<Vec<BootRecord>, Cancelled> {
    Ok(read(bytes, SdkCarrier::Lines, progress)?
        .messages
        .iter()
        .filter_map(boot)
        .collect())
}

/// Reads the CBOR of one message of a kind, 1 to 5.
pub fn read_message(kind: u8, bytes: &[u8]) -> Option<DeviceMessage> {
    _ = reassembly::kind_name(kind)?;
    message::decode(&Message::whole(kind, bytes)).message
}

/// Calls the function it is given with what a carrier holds.
type Carry<'c> = dyn FnMut(&mut dyn FnMut(Carried)) -> Result<(), Cancelled> + 'c;

fn read_by(carry: &mut Carry<'_>) -> Result<SdkRead, Cancelled> {
    let (mut read, mut noted, mut reassembly) =
        (SdkRead::default(), Noted::default(), Reassembly::default());
    let mut order = Order::default();
    let mut each = |whole: Message, noted: &mut Noted| take(&whole, &mut read, &mut order, noted);
    carry(&mut |carried| reassembly.push(carried, &mut noted, &mut each))?;
    reassembly.finish(&mut noted, &mut each);
    read.warnings = noted.into_warnings();
    Ok(read)
}

fn take(whole: &Message, read: &mut SdkRead, order: &mut Order, noted: &mut Noted) {
    let decoded = message::decode(whole);
    if let Some(at) = decoded.stopped_at
        && (whole.is_whole || whole.kind != reassembly::COREDUMP)
    {
        let rest = if decoded.message.is_some() {
            "what stands before it is shown"
        } else {
            "it is left out"
        };
        noted.add(
            "FS-SDK-005",
            whole.place_of(at),
            format!("{} {} is not the CBOR that the wire format asks for, at byte {at} of the message; {rest}", reassembly::kind_name(whole.kind).unwrap_or("message"), whole.sequence),
        );
    }
    let Some(message) = decoded.message else {
        return;
    };
    order.check(&message, whole.place.start, noted);
    read.understood.push(message.place.clone());
    if read.messages.len() < MOST_MESSAGES {
        read.messages.push(message);
    } else if read.messages.len() == MOST_MESSAGES {
        noted.add(
            "FS-SDK-013",
            whole.place.start,
            format!("the file holds more than {MOST_MESSAGES} messages of the device-side SDK; those from here on were left out"),
        );
    }
}

/// Finds messages that were lost between two of one boot.
#[derive(Default)]
struct Order {
    /// Sequence number, boot and serial number of the one before.
    last: Option<(u16, Option<u64>)>,
}

impl Order {
    fn check(&mut self, message: &DeviceMessage, place: usize, noted: &mut Noted) {
        let tells_of_the_boot_before = match &message.body {
            MessageBody::Coredump(_) => true,
            MessageBody::Event(event) => matches!(event.kind, EventKind::Crash | EventKind::Assert),
            _ => false,
        };
        let boot = message.sender.boot.filter(|_| !tells_of_the_boot_before);
        if let (Some((sequence, Some(last))), Some(boot)) = (self.last, boot) {
            let step = message.sequence.wrapping_sub(sequence);
            if last == boot && (2..FARTHEST).contains(&step) {
                let n_lost = step.saturating_sub(1);
                let messages = if n_lost == 1 { "message" } else { "messages" };
                noted.add(
                    "FS-SDK-006",
                    place,
                    format!("{n_lost} {messages} of the device are missing before this place: their sequence numbers are"),
                );
            }
        }
        // A message of the boot before has a number of this one.
        let boot = boot.or(self.last.and_then(|(_, boot)| boot));
        self.last = Some((message.sequence, boot));
    }
}

/// The boot that a message tells of.
fn boot(message: &DeviceMessage) -> Option<BootRecord> {
    let MessageBody::Event(event) = &message.body else {
        return None;
    };
    if event.kind != EventKind::Boot {
        return None;
    }
    let reason = event
        .reason
        .filter(|reason| *reason != Reason::UNKNOWN)
        .map(Reason::words);
    let number = message.sender.boot;
    let mut text = number.map_or_else(|| "boot".to_owned(), |number| format!("boot {number}"));
    if let Some(reason) = &reason {
        text.push_str(", reset reason: ");
        text.push_str(reason);
    }
    Some(BootRecord {
        offset: message.place.start,
        build_id: message.sender.build_id.clone(),
        version: message.sender.software_version.clone(),
        text,
        reset_reason: reason,
        is_sent: true,
        number,
    })
}

fn decoded(read: SdkRead, format: &'static str) -> Decoded {
    let mut decoded = Decoded {
        understood: read.understood,
        warnings: read.warnings,
        ..Decoded::default()
    };
    for message in read.messages {
        decoded.boots.extend(boot(&message));
        match &message.body {
            MessageBody::Coredump(dump) => decoded
                .coredumps
                .push(coredump::captured(&message, dump, format)),
            MessageBody::Event(event) => decoded.coredumps.extend(coredump::told(&message, event)),
            // Rows of the log: it decodes them in place.
            MessageBody::Logs(_) => continue,
            MessageBody::Heartbeat(_) | MessageBody::Device(_) => {}
        }
        decoded.messages.push(message);
    }
    decoded
}

impl Format for SdkLines {
    fn id(&self) -> &'static str {
        "sdk-lines"
    }
    fn label(&self) -> &'static str {
        "Messages of the device-side SDK in a log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::Text
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        let head = bytes.get(..1 << 20).unwrap_or(bytes);
        let mut marks = memchr::memmem::find_iter(head, line_carrier::MARK);
        let is_chunk =
            |at| line_carrier::chunk_at(bytes, at).is_some_and(|carried| carried.chunk.is_some());
        if marks.any(is_chunk) {
            Confidence::Certain
        } else {
            Confidence::No
        }
    }
    fn literals(&self) -> Option<&'static Literals> {
        Some(&ANCHORS)
    }
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        Ok(decoded(
            read(bytes, SdkCarrier::Lines, progress)?,
            self.id(),
        ))
    }
    fn decode_at(
        &self,
        bytes: &[u8],
        places: &[usize],
        progress: &dyn Progress,
    ) -> Result<Decoded, Cancelled> {
        let read = read_by(&mut |each| {
            progress.tick(0, as_u64(bytes.len()))?;
            line_carrier::chunks_at(bytes, places, each);
            Ok(())
        })?;
        Ok(decoded(read, self.id()))
    }
}

impl Format for SdkCobs {
    fn id(&self) -> &'static str {
        "sdk-cobs"
    }
    fn label(&self) -> &'static str {
        "Messages of the device-side SDK as COBS frames"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["cobs", "bin", "uart"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::WholeFile
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        let head = bytes.get(..SNIFFED).unwrap_or(bytes);
        let mut is_chunk = false;
        let sniffed = cobs_carrier::chunks(head, &Unattended, &mut |carried| {
            is_chunk |= carried.chunk.is_some();
        });
        // A checksum of 32 bits that is right is a long signature.
        if sniffed.is_ok() && is_chunk {
            Confidence::Certain
        } else {
            Confidence::No
        }
    }
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        Ok(decoded(read(bytes, SdkCarrier::Cobs, progress)?, self.id()))
    }
}
