//! Records as bytes.

use super::layout::{Kind, LinkState, MAGIC, MARK, PAYLOAD_BYTES_MAX, Session, Stream, VERSION};
use crate::formats::bytes::crc32;
use serde::Serialize;

/// What a recording begins with.
pub fn header() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 6]);
    bytes
}

/// The first record.
pub fn session_record(session: &Session) -> Vec<u8> {
    said(Kind::Session, 0, 0, session)
}

/// Announces a stream.
pub fn stream_record(number: u8, time_ns: i64, stream: &Stream) -> Vec<u8> {
    said(Kind::Stream, number, time_ns, stream)
}

/// Says what became of the link of a stream.
pub fn state_record(number: u8, time_ns: i64, state: &LinkState) -> Vec<u8> {
    said(Kind::State, number, time_ns, state)
}

/// Bytes that came ([`Kind::Received`]) or were sent ([`Kind::Sent`]), in as many records as they take.
pub fn traffic_record(kind: Kind, number: u8, time_ns: i64, bytes: &[u8]) -> Vec<u8> {
    let parts = bytes.chunks(PAYLOAD_BYTES_MAX);
    parts
        .flat_map(|part| record(kind, number, time_ns, part))
        .collect()
}

fn said(kind: Kind, number: u8, time_ns: i64, what: &impl Serialize) -> Vec<u8> {
    // Texts and nothing else: they can always be written.
    let text = serde_json::to_vec(what).unwrap_or_default();
    record(kind, number, time_ns, &text)
}

pub(super) fn record(kind: Kind, number: u8, time_ns: i64, payload: &[u8]) -> Vec<u8> {
    let payload = payload.get(..PAYLOAD_BYTES_MAX).unwrap_or(payload);
    let mut bytes = MARK.to_vec();
    bytes.extend_from_slice(&[kind.number(), number]);
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(0).to_le_bytes());
    bytes.extend_from_slice(&time_ns.to_le_bytes());
    bytes.extend_from_slice(payload);
    let checksum = crc32(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}
