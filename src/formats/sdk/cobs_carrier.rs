//! Chunks in frames of consistent overhead byte stuffing (Cheshire and Baker, 1999), with a 0x00 before and after each.

use super::chunk::{Carried, Chunk, LARGEST};
use crate::model::progress::{Cancelled, Progress};

/// What ends a frame.
pub(super) const DELIMITER: u8 = 0;

/// A frame of a chunk cannot be longer: one byte for 254, and one.
const LONGEST_FRAME: usize = LARGEST + LARGEST.div_ceil(254) + 1;
/// How often progress is told, in frames.
const TICK_EVERY: usize = 256;

/// Calls `each` for every frame with a chunk or a damaged one, in order. Empty frames are none.
pub(super) fn chunks(
    bytes: &[u8],
    progress: &dyn Progress,
    each: &mut dyn FnMut(Carried),
) -> Result<(), Cancelled> {
    let total = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut start: usize = 0;
    for (index, frame) in bytes.split(|byte| *byte == DELIMITER).enumerate() {
        if index.is_multiple_of(TICK_EVERY) {
            progress.tick(u64::try_from(start).unwrap_or(total), total)?;
        }
        let end = start.saturating_add(frame.len());
        if !frame.is_empty() {
            let chunk = chunk_of(frame);
            each(Carried { start, end, chunk });
        }
        start = end.saturating_add(1);
    }
    Ok(())
}

/// The chunk of one frame, without its delimiters.
pub(super) fn chunk_of(frame: &[u8]) -> Option<Chunk> {
    decode(frame).as_deref().and_then(Chunk::read)
}

/// The bytes of a frame; `None` when it is cut or too long.
fn decode(frame: &[u8]) -> Option<Vec<u8>> {
    if frame.len() > LONGEST_FRAME {
        return None;
    }
    let mut out = Vec::with_capacity(frame.len());
    let mut rest = frame;
    while let Some((code, after)) = rest.split_first() {
        let n_bytes = usize::from(*code).checked_sub(1)?;
        let (piece, next) = after.split_at_checked(n_bytes)?;
        out.extend(piece);
        if *code < u8::MAX && !next.is_empty() {
            out.push(0);
        }
        rest = next;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{chunks, decode};
    use crate::formats::sdk::chunk::tests::build;
    use crate::model::progress::Unattended;

    #[test]
    fn frames_decode_as_the_paper_says() {
        for (frame, plain) in [
            (&[1_u8][..], &[][..]),
            (&[1, 1], &[0]),
            (&[1, 2, 0x11, 1], &[0, 0x11, 0]),
            (&[3, 0x11, 0x22, 2, 0x33], &[0x11, 0x22, 0, 0x33]),
        ] {
            assert_eq!(decode(frame).unwrap(), plain);
        }
        let mut full = vec![0xFF];
        full.extend([7; 254]);
        assert_eq!(decode(&full).unwrap(), [7; 254]);
        full.extend([2, 9]);
        assert_eq!(decode(&full).unwrap().len(), 255);
        assert_eq!(decode(&[5, 1]), None, "cut");
        assert_eq!(decode(&[7; 5000]), None, "too long");
    }

    #[test]
    fn a_reader_that_joins_late_begins_at_the_next_zero() {
        // No byte of it is 0 but the offset's and the flags', which are stuffed by hand here.
        let plain = build(2, true, 0x0101, 0x0101_0101, b"payload");
        assert!(!plain.contains(&0));
        let mut stream = vec![b'x', b'y', 0, u8::try_from(plain.len() + 1).unwrap()];
        stream.extend(&plain);
        stream.extend([0, 0, 0]);
        let mut found = Vec::new();
        chunks(&stream, &Unattended, &mut |carried| {
            found.push((carried.start, carried.chunk.is_some()));
        })
        .unwrap();
        assert_eq!(found, [(0, false), (3, true)]);
    }
}
