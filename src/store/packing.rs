//! Parts of a file, compressed by all processors and given out in their order.

use crate::store::error::StoreError;
use crate::store::grams::Grams;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// Bytes of a file in one row.
const PART_BYTES: usize = 4 << 20;
/// No part is larger: what is in memory at once, twice.
pub(super) const MOST_PART_BYTES: usize = PART_BYTES;
/// From this size on a file is stored for speed: it is a log, or nothing that compresses well.
const LARGE_FILE_BYTES: usize = 16 << 20;
/// Bytes of a large file in one row: little has to be unpacked to see a line.
const LARGE_FILE_PART_BYTES: usize = 128 << 10;
/// The usual compromise of zstd: above it time grows faster than files shrink.
const LEVEL: i32 = 3;
/// Half as long; logs become smaller by it.
const LARGE_FILE_LEVEL: i32 = 1;
/// Places that the compressor remembers, as a power of two: so few stay in the processor's nearest memory, and the lines of a log
/// are most like those just before.
const LARGE_FILE_HASH_LOG: u32 = 11;
/// Shorter repetitions are not worth their place in it.
const LARGE_FILE_MATCH_BYTES: u32 = 6;
/// More threads than this only wait for the one that writes.
const MOST_THREADS: usize = 8;
/// Parts that are finished before their turn, at most, for each thread.
const AHEAD: usize = 4;

/// Gives the pieces of a text that are read; what stands between them (terminal escapes) is not.
pub type PlainText = fn(&[u8], &mut dyn FnMut(&[u8]));

/// What can be in a part of a text.
pub(super) struct TextFacts {
    /// Line ends in it.
    pub(super) n_line_ends: usize,
    /// It begins where a line does.
    pub(super) starts_line: bool,
    /// The sequences of its bytes, as they are and as they are read.
    pub(super) grams: Grams,
}

/// A part.
pub(super) struct Packed<'b> {
    /// Its bytes.
    pub(super) raw: &'b [u8],
    /// Compressed; `None` when that is not smaller.
    pub(super) zstd: Option<Vec<u8>>,
    /// Of a large text.
    pub(super) text: Option<TextFacts>,
}

/// Cuts `bytes` into parts and gives each to `each`, compressed, in order. A large text is cut where lines end.
pub(super) fn pack(
    bytes: &[u8],
    plain_text: Option<PlainText>,
    mut each: impl FnMut(Packed<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if bytes.len() < LARGE_FILE_BYTES {
        let mut packer = Packer::new();
        return bytes
            .chunks(PART_BYTES)
            .try_for_each(|raw| each(packed(raw, &mut packer)));
    }
    let parts: Vec<(&[u8], bool)> = match plain_text {
        None => bytes
            .chunks(LARGE_FILE_PART_BYTES)
            .map(|raw| (raw, true))
            .collect(),
        Some(_) => cut_at_lines(bytes),
    };
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = n_threads.min(MOST_THREADS).min(parts.len());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(n_threads.saturating_mul(AHEAD));
        let mut n_started = 0;
        for _thread in 0..n_threads {
            let (own, next, parts) = (sender.clone(), &next, &parts);
            let run = move || {
                let mut packer = Packer::for_large_files();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(part) = parts.get(number) else {
                        return;
                    };
                    let packed = large_part(*part, plain_text, &mut packer);
                    // The writer gave up.
                    if own.send((number, packed)).is_err() {
                        return;
                    }
                }
            };
            let builder = std::thread::Builder::new().name("compress".to_owned());
            n_started += usize::from(builder.spawn_scoped(scope, run).is_ok());
        }
        drop(sender);
        if n_started == 0 {
            let mut packer = Packer::for_large_files();
            return parts
                .iter()
                .try_for_each(|part| each(large_part(*part, plain_text, &mut packer)));
        }
        let mut early = BTreeMap::new();
        let mut turn: usize = 0;
        for (number, part) in receiver {
            early.insert(number, part);
            while let Some(part) = early.remove(&turn) {
                each(part)?;
                turn = turn.saturating_add(1);
            }
        }
        Ok(())
    })
}

/// Compresses parts one after the other: making a compressor takes as long as a good part of its work, and so does memory that is
/// new for every part.
struct Packer {
    // Without one (out of memory) parts are stored as they are.
    compressor: Option<Compressor<'static>>,
    room: Vec<u8>,
}

impl Packer {
    fn new() -> Self {
        Self {
            compressor: Compressor::new(LEVEL).ok(),
            room: Vec::new(),
        }
    }

    fn for_large_files() -> Self {
        let mut compressor = Compressor::new(LARGE_FILE_LEVEL).ok();
        for parameter in [
            CParameter::HashLog(LARGE_FILE_HASH_LOG),
            CParameter::MinMatch(LARGE_FILE_MATCH_BYTES),
        ] {
            // What this version of zstd does not take costs a little time or size.
            let set = compressor.as_mut().map(|it| it.set_parameter(parameter));
            debug_assert!(set.is_none_or(|set| set.is_ok()), "{parameter:?}");
        }
        Self {
            compressor,
            room: Vec::new(),
        }
    }

    /// The bytes compressed; `None` when that is not smaller.
    fn compress(&mut self, raw: &[u8]) -> Option<Vec<u8>> {
        self.room
            .resize(zstd::zstd_safe::compress_bound(raw.len()), 0);
        let room = self.room.as_mut_slice();
        let n = self
            .compressor
            .as_mut()?
            .compress_to_buffer(raw, room)
            .ok()?;
        self.room
            .get(..n)
            .filter(|packed| packed.len() < raw.len())
            .map(<[u8]>::to_vec)
    }
}

fn packed<'b>(raw: &'b [u8], packer: &mut Packer) -> Packed<'b> {
    Packed {
        raw,
        zstd: packer.compress(raw),
        text: None,
    }
}

fn large_part<'b>(
    (raw, starts_line): (&'b [u8], bool),
    plain_text: Option<PlainText>,
    packer: &mut Packer,
) -> Packed<'b> {
    let mut part = packed(raw, packer);
    part.text = plain_text.map(|plain| facts(raw, starts_line, plain));
    part
}

/// Parts of a text that begin where a line does, which the second value says: a line may be longer than a part.
fn cut_at_lines(bytes: &[u8]) -> Vec<(&[u8], bool)> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    let mut starts_line = true;
    while !rest.is_empty() {
        let window = rest.get(..PART_BYTES).unwrap_or(rest);
        let behind = window.get(LARGE_FILE_PART_BYTES..).unwrap_or(&[]);
        let end = memchr::memchr(b'\n', behind);
        let len = end.map_or(window.len(), |at| {
            at.saturating_add(LARGE_FILE_PART_BYTES).saturating_add(1)
        });
        let (part, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        parts.push((part, starts_line));
        starts_line = part.ends_with(b"\n");
        rest = behind;
    }
    parts
}

fn facts(raw: &[u8], starts_line: bool, plain: PlainText) -> TextFacts {
    let mut grams = Grams::default();
    grams.add(raw);
    // What is read differs from what is there only where two pieces meet.
    let mut end: Vec<u8> = Vec::new();
    plain(raw, &mut |piece| {
        let start = piece.get(..2).unwrap_or(piece);
        end.extend_from_slice(start);
        grams.add_all(&end);
        if piece.len() > 2 {
            end.clear();
            end.extend_from_slice(piece.get(piece.len() - 2..).unwrap_or(&[]));
        } else {
            end.drain(..end.len().saturating_sub(2));
        }
    });
    TextFacts {
        n_line_ends: memchr::memchr_iter(b'\n', raw).count(),
        starts_line,
        grams,
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGE_FILE_BYTES, LARGE_FILE_PART_BYTES, MOST_PART_BYTES, PlainText, facts, pack};
    use crate::store::error::StoreError;
    use crate::store::grams::Grams;
    use crate::store::testing;

    #[test]
    fn parts_come_in_order_and_unpack_to_the_whole() {
        for len in [0, 5, LARGE_FILE_BYTES - 1, LARGE_FILE_BYTES + 3] {
            let mut bytes = testing::noise(len);
            bytes
                .iter_mut()
                .skip(len / 3)
                .step_by(2)
                .for_each(|b| *b = b' ');
            let mut whole = Vec::new();
            pack(&bytes, None, |part| {
                let raw = match &part.zstd {
                    Some(packed) => zstd::bulk::decompress(packed, part.raw.len()).unwrap(),
                    None => part.raw.to_vec(),
                };
                whole.extend(raw);
                Ok(())
            })
            .unwrap();
            assert!(whole == bytes, "{len}");
        }
    }

    #[test]
    fn a_writer_that_fails_stops_the_rest() {
        let bytes = vec![7; LARGE_FILE_BYTES * 2];
        let mut n = 0;
        let failed = pack(&bytes, None, |part| {
            n += 1;
            assert_eq!(part.raw.len(), LARGE_FILE_PART_BYTES);
            if n == 3 {
                Err(StoreError::Cancelled)
            } else {
                Ok(())
            }
        });
        assert!(matches!(failed, Err(StoreError::Cancelled)));
        assert_eq!(n, 3);
    }

    #[test]
    fn sequences_are_noted_across_what_is_not_read() {
        // Underscores are not read.
        let plain: PlainText = |raw, each| raw.split(|byte| *byte == b'_').for_each(each);
        let raw = b"abc_def_g_h__ijkl_m_nop";
        let found = facts(raw, true, plain).grams;
        let read: Vec<u8> = raw.iter().copied().filter(|byte| *byte != b'_').collect();
        // Of two neighbours one is there, wherever pieces meet.
        for (text, name) in [(raw.as_slice(), "raw"), (&read, "read")] {
            for four in text.windows(4) {
                let mut both = [Grams::default(), Grams::default()];
                both[0].add_all(&four[..3]);
                both[1].add_all(&four[1..]);
                let is_noted = |one: &Grams| found.has_all_of(one);
                assert!(both.iter().any(is_noted), "{four:?} of {name}");
            }
        }
    }

    #[test]
    fn texts_are_cut_where_lines_end_unless_a_line_is_longer_than_a_part() {
        let mut text = b"a line of a log\n".repeat(LARGE_FILE_BYTES / 16);
        text.extend(vec![b'x'; 3 * MOST_PART_BYTES]);
        text.extend_from_slice(b"\nlast");
        let (mut whole, mut starts, mut n_lines) = (Vec::new(), Vec::new(), 0);
        pack(&text, Some(|raw, each| each(raw)), |part| {
            let facts = part.text.unwrap();
            if facts.starts_line {
                assert!(whole.is_empty() || whole.ends_with(b"\n"));
            }
            assert!(part.raw.len() <= MOST_PART_BYTES);
            starts.push(facts.starts_line);
            n_lines += facts.n_line_ends;
            whole.extend_from_slice(part.raw);
            Ok(())
        })
        .unwrap();
        assert!(whole == text);
        assert_eq!(n_lines, memchr::memchr_iter(b'\n', &text).count());
        assert!(starts.contains(&false) && starts[0]);
    }
}
