//! Parts of a file, compressed by all processors and given out in their order.

use crate::store::error::StoreError;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Bytes of a file in one row.
const PART_BYTES: usize = 4 << 20;
/// No part is larger: what is in memory at once, twice.
pub(super) const MOST_PART_BYTES: usize = PART_BYTES;
/// From this size on a file is stored for speed: it is a log, or nothing that compresses well.
const LARGE_FILE_BYTES: usize = 16 << 20;
/// Bytes of a large file in one row: little has to be unpacked to see a line.
const LARGE_FILE_PART_BYTES: usize = 1 << 20;
/// The usual compromise of zstd: above it time grows faster than files shrink.
const LEVEL: i32 = 3;
/// Half as long; logs become smaller by it.
const LARGE_FILE_LEVEL: i32 = 1;
/// More threads than this only wait for the one that writes.
const MOST_THREADS: usize = 8;
/// Parts that are finished before their turn, at most, for each thread.
const AHEAD: usize = 4;

/// A part.
pub(super) struct Packed<'b> {
    /// Its bytes.
    pub(super) raw: &'b [u8],
    /// Compressed; `None` when that is not smaller.
    pub(super) zstd: Option<Vec<u8>>,
}

/// Cuts `bytes` into parts and gives each to `each`, compressed, in order.
pub(super) fn pack(
    bytes: &[u8],
    mut each: impl FnMut(Packed<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if bytes.len() < LARGE_FILE_BYTES {
        return bytes
            .chunks(PART_BYTES)
            .try_for_each(|raw| each(packed(raw, LEVEL)));
    }
    let parts: Vec<&[u8]> = bytes.chunks(LARGE_FILE_PART_BYTES).collect();
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = n_threads.min(MOST_THREADS).min(parts.len());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(n_threads.saturating_mul(AHEAD));
        let mut n_started = 0;
        for _thread in 0..n_threads {
            let (own, next, parts) = (sender.clone(), &next, &parts);
            let work = move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(raw) = parts.get(number) else { return };
                    // The writer gave up.
                    if own.send((number, packed(raw, LARGE_FILE_LEVEL))).is_err() {
                        return;
                    }
                }
            };
            let builder = std::thread::Builder::new().name("compress".to_owned());
            n_started += usize::from(builder.spawn_scoped(scope, work).is_ok());
        }
        drop(sender);
        if n_started == 0 {
            return parts
                .iter()
                .try_for_each(|raw| each(packed(raw, LARGE_FILE_LEVEL)));
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

fn packed(raw: &[u8], level: i32) -> Packed<'_> {
    // Not smaller, or out of memory: as it is.
    let zstd = zstd::bulk::compress(raw, level).ok();
    Packed {
        raw,
        zstd: zstd.filter(|packed| packed.len() < raw.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGE_FILE_BYTES, LARGE_FILE_PART_BYTES, pack};
    use crate::store::error::StoreError;
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
            pack(&bytes, |part| {
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
        let failed = pack(&bytes, |part| {
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
}
