//! One chunk of a message, out of the bytes that a carrier brought.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | high four bits: version, 1; low four: kind of the message |
//! | 1 | 1 | bit 0: the last chunk of its message |
//! | 2 | 2 | sequence number |
//! | 4 | 4 | offset of the payload in the message |
//! | 8 | n | payload, at least 1 byte |
//! | 8 + n | 4 | CRC-32 (ISO-HDLC) of all before |

use crate::formats::bytes::Bytes;

/// The largest chunk that a reader takes.
pub(super) const LARGEST: usize = 4096;
/// Head, one byte of payload, CRC.
pub(super) const SMALLEST: usize = HEAD + 1 + CRC;
const HEAD: usize = 8;
const CRC: usize = 4;

/// A chunk whose CRC was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) version: u8,
    /// Kind of the message.
    pub(super) kind: u8,
    pub(super) is_last: bool,
    pub(super) sequence: u16,
    /// Where the payload stands in the message.
    pub(super) offset: u32,
    pub(super) payload: Vec<u8>,
}

impl Chunk {
    /// The chunk, if the bytes are one and undamaged.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if !(SMALLEST..=LARGEST).contains(&bytes.len()) {
            return None;
        }
        let (body, stored) = bytes.split_at_checked(bytes.len().checked_sub(CRC)?)?;
        let mut crc = flate2::Crc::new();
        crc.update(body);
        if Bytes::new(stored).u32()? != crc.sum() {
            return None;
        }
        let mut fields = Bytes::new(body);
        let head = fields.u8()?;
        let flags = fields.u8()?;
        let sequence = fields.u16()?;
        let offset = fields.u32()?;
        Some(Self {
            version: head >> 4,
            kind: head & 0xF,
            is_last: flags & 1 == 1,
            sequence,
            offset,
            payload: fields.take_up_to(fields.remaining()).to_vec(),
        })
    }
}

/// What a carrier held at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    /// Bytes of the input.
    pub(super) start: usize,
    pub(super) end: usize,
    /// `None`: it looks like a chunk and is damaged.
    pub(super) chunk: Option<Chunk>,
}

#[cfg(test)]
pub(super) mod tests {
    use super::Chunk;

    /// A chunk as a sender makes it.
    pub(crate) fn build(
        kind: u8,
        is_last: bool,
        sequence: u16,
        offset: u32,
        payload: &[u8],
    ) -> Vec<u8> {
        let mut out = vec![0x10 | kind, u8::from(is_last)];
        out.extend(sequence.to_le_bytes());
        out.extend(offset.to_le_bytes());
        out.extend(payload);
        let crc = !out.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                (c >> 1) ^ (0xEDB8_8320 * (c & 1))
            })
        });
        out.extend(crc.to_le_bytes());
        out
    }

    #[test]
    fn a_chunk_with_any_bit_flipped_is_none() {
        let bytes = build(2, true, 0x1234, 75, b"payload");
        let chunk = Chunk::read(&bytes).unwrap();
        assert_eq!((chunk.version, chunk.kind, chunk.is_last), (1, 2, true));
        assert_eq!((chunk.sequence, chunk.offset), (0x1234, 75));
        assert_eq!(chunk.payload, b"payload");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Chunk::read(&flipped), None, "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert_eq!(Chunk::read(&bytes[..end]), None);
        }
        assert_eq!(Chunk::read(&build(2, true, 0, 0, b"")), None, "no payload");
        assert!(Chunk::read(&build(2, true, 0, 0, &[0; 4084])).is_some());
        assert_eq!(Chunk::read(&build(2, true, 0, 0, &[0; 4085])), None);
    }
}
