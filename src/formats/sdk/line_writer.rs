//! Messages as lines of a console, as a device writes them: what was read out of a device's memory is kept as if it had been sent.

use super::line_carrier::MARK;
use super::message::{decode, entry_of};
use super::reassembly::{LOGS, Message, kind_name};

/// Payload of a chunk, so that a line is no longer than 119 characters.
const PAYLOAD: usize = 75;
const VERSION: u8 = 1;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Major types of CBOR.
const UINT: u8 = 0;
const BYTES: u8 = 2;
/// Begins and ends a map whose length is not said.
const BEGIN_MAP: u8 = 0xBF;
const BREAK: u8 = 0xFF;
/// Keys of messages (docs/wire-format.md).
const BUILD_ID: u64 = 5;
const BOOT: u64 = 6;
const LOST: u64 = 9;
const ENTRIES: u64 = 10;

/// The lines of one message. Nothing of one without a byte.
pub fn lines(kind: u8, sequence: u16, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() * 2);
    let mut offset: u32 = 0;
    let mut chunks = message.chunks(PAYLOAD).peekable();
    while let Some(payload) = chunks.next() {
        let is_last = u8::from(chunks.peek().is_none());
        let mut chunk = vec![VERSION << 4 | kind & 0xF, is_last];
        chunk.extend(sequence.to_le_bytes());
        chunk.extend(offset.to_le_bytes());
        chunk.extend_from_slice(payload);
        let mut crc = flate2::Crc::new();
        crc.update(&chunk);
        chunk.extend(crc.sum().to_le_bytes());
        out.extend_from_slice(MARK.as_bytes());
        base64(&chunk, &mut out);
        out.extend_from_slice(b"\r\n");
        // No message of a device comes near 4 GiB.
        offset = offset.saturating_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    }
    out
}

/// The kind of a message with log entries, and one with these: each behind its length in a byte.
pub fn logs_message(build_id: Option<&[u8]>, boot: u64, entries: &[u8]) -> (u8, Vec<u8>) {
    let mut message = vec![BEGIN_MAP];
    let mut put = |key: u64, major: u8, value: u64, bytes: &[u8]| {
        message.extend(head(UINT, key));
        message.extend(head(major, value));
        message.extend_from_slice(bytes);
    };
    if let Some(id) = build_id {
        put(BUILD_ID, BYTES, id.len() as u64, id);
    }
    put(BOOT, UINT, boot, &[]);
    put(LOST, UINT, 0, &[]);
    put(ENTRIES, BYTES, entries.len() as u64, entries);
    message.push(BREAK);
    (LOGS, message)
}

/// True when these bytes are a message, from its first byte to its last.
pub fn is_message(kind: u8, bytes: &[u8]) -> bool {
    kind_name(kind).is_some() && decode(&Message::whole(kind, bytes)).stopped_at.is_none()
}

/// True when these bytes are a log entry, without its length.
pub fn is_log_entry(bytes: &[u8]) -> bool {
    entry_of(bytes).is_some()
}

/// The head of an item: a value of up to 32 bits in as many bytes as it takes.
fn head(major: u8, value: u64) -> Vec<u8> {
    let [.., a, b, c, d] = value.to_be_bytes();
    let bytes: &[u8] = match value {
        0..24 => return vec![major << 5 | d],
        24..0x100 => &[24, d],
        0x100..0x1_0000 => &[25, c, d],
        _ => &[26, a, b, c, d],
    };
    let mut bytes = bytes.to_vec();
    if let Some(first) = bytes.first_mut() {
        *first |= major << 5;
    }
    bytes
}

/// Without padding: of a last group of one or two bytes, two or three digits.
fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let mut word: u32 = 0;
        for at in 0..3 {
            word = word << 8 | u32::from(group.get(at).copied().unwrap_or(0));
        }
        for digit in 0..=group.len() {
            let at = word >> (18 - 6 * digit) & 63;
            out.extend(usize::try_from(at).ok().and_then(|at| DIGITS.get(at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::tests::build;
    use super::super::line_carrier::tests::line;
    use super::super::{SdkCarrier, read};
    use super::{is_log_entry, is_message, lines, logs_message};
    use crate::model::build_id::BuildId;
    use crate::model::device_message::{LogText, MessageBody};
    use crate::model::progress::Unattended;

    #[test]
    fn a_message_is_written_as_a_device_writes_it() {
        let message: Vec<u8> = (0..160).collect();
        let expected: String = [
            (0, false, &message[..75]),
            (75, false, &message[75..150]),
            (150, true, &message[150..]),
        ]
        .map(|(offset, is_last, part)| line(&build(2, is_last, 7, offset, part)) + "\r\n")
        .concat();
        assert_eq!(String::from_utf8(lines(2, 7, &message)).unwrap(), expected);
        assert!(lines(2, 7, &[]).is_empty());
        assert!(expected.lines().all(|line| line.len() <= 119));
    }

    #[test]
    fn log_entries_are_read_again() {
        // [1200, 3, "up"]
        let entry = [0x83, 0x19, 0x04, 0xB0, 0x03, 0x62, b'u', b'p'];
        assert!(is_log_entry(&entry));
        assert!(!is_log_entry(&entry[..6]));
        let entries = [&[8], entry.as_slice()].concat();
        let id = [0xAB; 20];
        let (kind, message) = logs_message(Some(&id), 3, &entries);
        assert!(is_message(kind, &message));
        assert!(!is_message(kind, &message[..message.len() - 1]));
        assert!(!is_message(9, &message));
        let text = lines(kind, 0, &message);
        let read = read(&text, SdkCarrier::Lines, &Unattended).unwrap();
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
        let [message] = read.messages.as_slice() else {
            panic!("{:?}", read.messages);
        };
        assert_eq!(message.sender.boot, Some(3));
        let build = message.sender.build_id.as_ref().map(BuildId::as_bytes);
        assert_eq!(build, Some(id.as_slice()));
        let MessageBody::Logs(logs) = &message.body else {
            panic!("{message:?}");
        };
        assert_eq!(logs.entries.len(), 1);
        assert_eq!(logs.entries[0].uptime_ms, 1200);
        assert_eq!(logs.entries[0].text, LogText::Text("up".to_owned()));
    }
}
