//! Real-time transfer: what a program writes into ring buffers in its memory, read while it runs (SEGGER, UM08001 chapter 16, "RTT").
//!
//! ```text
//! control block  +0   "SEGGER RTT", zeros to 16 bytes
//!                +16  number of up buffers, number of down buffers: 32 bits each
//!                +24  up buffers, 24 bytes each; then down buffers
//! up buffer      +0 name  +4 bytes  +8 size  +12 offset of the next byte that is written  +16 of the next that is read  +20 flags
//! ```
//! Having read, the reader says so in the read offset. That is the only word that is written to the board, and only where somebody
//! asked for RTT.

use crate::live::{Act, LinkError, Read, Target};
use crate::symbols::symbol_file::SymbolFile;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The control block in the ELF file, as SEGGER's sources and those of others call it.
const SYMBOL: &str = "_SEGGER_RTT";
const ID: &[u8; 16] = b"SEGGER RTT\0\0\0\0\0\0";
const HEAD_BYTES: usize = 24;
const BUFFER_BYTES: usize = 24;
const READ_OFFSET_AT: u64 = 16;
/// Channels of a board; those from here on are not read.
pub(super) const CHANNELS_MAX: u8 = 8;
/// A program with more buffers is none.
const BUFFERS_MAX: u32 = 64;
/// A ring is no larger.
const RING_BYTES_MAX: u32 = 1 << 20;
/// A block that is not there yet is looked for again after this time.
const SEARCH_EVERY: Duration = Duration::from_secs(1);
/// Memory is searched in pieces of this size, each with the end of the one before it.
const PIECE: u64 = 4 << 10;
const SEARCHED_BYTES_MAX: u64 = 1 << 20;
/// So soon it is looked again after something came, and after nothing did.
const SOON: Duration = Duration::from_millis(1);
const LATER: Duration = Duration::from_millis(10);

/// What came over one channel.
pub(super) struct Came {
    pub(super) channel: u8,
    pub(super) bytes: Vec<u8>,
}

/// Reads the channels of one board.
pub(super) struct Rtt {
    block: Option<u64>,
    n_channels: usize,
    due: Instant,
}

/// One ring, as its descriptor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ring {
    start: u32,
    size: u32,
    write: u32,
    read: u32,
}

impl Rtt {
    pub(super) fn new() -> Self {
        Self {
            block: None,
            n_channels: 0,
            due: Instant::now(),
        }
    }

    /// When it is to be looked at next.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Reads what the program wrote since the last time.
    pub(super) fn look(
        &mut self,
        target: &mut dyn Target,
        elfs: &[Arc<SymbolFile>],
    ) -> Result<Vec<Came>, LinkError> {
        let now = Instant::now();
        if self.due > now {
            return Ok(Vec::new());
        }
        if self.block.is_none()
            && let Some((block, n_channels)) = find(target, elfs)?
        {
            self.n_channels = n_channels;
            self.block = Some(block);
        }
        let Some(block) = self.block else {
            self.due = now + SEARCH_EVERY;
            return Ok(Vec::new());
        };
        let came = self.read(target, block)?;
        self.due = Instant::now() + if came.is_empty() { LATER } else { SOON };
        Ok(came)
    }

    fn read(&mut self, target: &mut dyn Target, block: u64) -> Result<Vec<Came>, LinkError> {
        let n_bytes = HEAD_BYTES + self.n_channels * BUFFER_BYTES;
        let bytes = read(target, vec![Read::new(block, n_bytes)])?;
        let block_bytes = bytes.into_iter().next().flatten();
        let Some(bytes) = block_bytes.filter(|bytes| bytes.starts_with(ID)) else {
            // The board was reset and has not come to it yet.
            self.block = None;
            return Ok(Vec::new());
        };
        let rings = bytes.get(HEAD_BYTES..).unwrap_or_default();
        let mut came = Vec::new();
        for ((channel, at), ring) in (0..).zip(0..).zip(rings.chunks_exact(BUFFER_BYTES)) {
            let Some(ring) = Ring::of(ring).filter(|ring| ring.write != ring.read) else {
                continue;
            };
            let parts = ring.parts().map(|part| {
                let n_bytes = usize::try_from(part.end - part.start).unwrap_or(0);
                Read::new(part.start, n_bytes)
            });
            let parts = read(target, parts.collect())?;
            let Some(parts) = parts.into_iter().collect::<Option<Vec<_>>>() else {
                continue;
            };
            let at: u64 = at;
            let addr = block + (HEAD_BYTES as u64) + at * (BUFFER_BYTES as u64) + READ_OFFSET_AT;
            target.act(&Act::Write {
                addr,
                bytes: ring.write.to_le_bytes().to_vec(),
            })?;
            came.push(Came {
                channel,
                bytes: parts.concat(),
            });
        }
        Ok(came)
    }
}

impl Ring {
    /// `None` of one that the program has not set up, or that cannot be.
    fn of(descriptor: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let bytes = descriptor.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_le_bytes(bytes))
        };
        let ring = Self {
            start: word(4)?,
            size: word(8)?,
            write: word(12)?,
            read: word(16)?,
        };
        let is_ring = ring.start != 0
            && (1..=RING_BYTES_MAX).contains(&ring.size)
            && ring.write < ring.size
            && ring.read < ring.size;
        is_ring.then_some(ring)
    }

    /// Where the bytes lie that were not read: one piece, or two around the end.
    fn parts(self) -> impl Iterator<Item = Range<u64>> {
        let at = |offset: u32| u64::from(self.start) + u64::from(offset);
        let parts = if self.read < self.write {
            [at(self.read)..at(self.write), 0..0]
        } else {
            [at(self.read)..at(self.size), at(0)..at(self.write)]
        };
        parts.into_iter().filter(|part| !part.is_empty())
    }
}

/// The control block, by its name or by its looks; with how many channels are read.
fn find(
    target: &mut dyn Target,
    elfs: &[Arc<SymbolFile>],
) -> Result<Option<(u64, usize)>, LinkError> {
    for file in elfs {
        if let Some(symbol) = file.symbol(SYMBOL) {
            // Where it has a name it is nowhere else.
            return n_channels_at(target, symbol.address)
                .map(|n_channels| n_channels.map(|n| (symbol.address, n)));
        }
    }
    let mut left = SEARCHED_BYTES_MAX;
    for range in elfs.iter().flat_map(|file| file.variable_ranges()) {
        let mut at = range.start;
        while at < range.end && left > 0 {
            let n_bytes = PIECE.min(range.end - at);
            left = left.saturating_sub(n_bytes);
            let asked = usize::try_from(n_bytes).unwrap_or(0);
            let bytes = read(target, vec![Read::new(at, asked)])?;
            let bytes = bytes.into_iter().next().flatten().unwrap_or_default();
            if let Some(found) = memchr::memmem::find(&bytes, ID) {
                let block = at + found as u64;
                if let Some(n_channels) = n_channels_at(target, block)? {
                    return Ok(Some((block, n_channels)));
                }
            }
            // A block may lie across two pieces.
            at += n_bytes.saturating_sub(ID.len() as u64).max(1);
            if n_bytes < PIECE {
                break;
            }
        }
    }
    Ok(None)
}

/// How many channels of a block are read; `None` where there is no block yet.
fn n_channels_at(target: &mut dyn Target, block: u64) -> Result<Option<usize>, LinkError> {
    let head = read(target, vec![Read::new(block, HEAD_BYTES)])?;
    let head = head.into_iter().next().flatten();
    let Some(head) = head.filter(|head| head.starts_with(ID)) else {
        return Ok(None);
    };
    let n_up = head.get(16..20).and_then(|bytes| bytes.try_into().ok());
    let n_up = n_up.map(u32::from_le_bytes);
    let n_up = n_up.filter(|n| (1..=BUFFERS_MAX).contains(n));
    Ok(n_up.map(|n| usize::try_from(n.min(CHANNELS_MAX.into())).unwrap_or(0)))
}

fn read(target: &mut dyn Target, reads: Vec<Read>) -> Result<Vec<Option<Vec<u8>>>, LinkError> {
    let snapshot = target.snapshot(reads, false)?;
    Ok(snapshot.reads.into_iter().map(|read| read.bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::Ring;

    fn ring(write: u32, read: u32) -> Option<Ring> {
        let words = [0x100, 0x2000_0000, 16, write, read, 0];
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        Ring::of(&bytes)
    }

    #[test]
    fn what_was_not_read_lies_in_one_piece_or_around_the_end() {
        let parts = |write, read| {
            let parts = ring(write, read).unwrap().parts();
            parts.map(|part| (part.start, part.end)).collect::<Vec<_>>()
        };
        assert_eq!(parts(5, 2), [(0x2000_0002, 0x2000_0005)]);
        assert_eq!(
            parts(2, 14),
            [(0x2000_000E, 0x2000_0010), (0x2000_0000, 0x2000_0002)]
        );
        assert_eq!(parts(0, 14), [(0x2000_000E, 0x2000_0010)]);
    }

    #[test]
    fn what_cannot_be_a_ring_is_left_alone() {
        assert_eq!(ring(16, 0), None);
        assert_eq!(ring(0, 17), None);
        assert_eq!(Ring::of(&[0; 24]), None);
        assert_eq!(Ring::of(&[0xff; 24]), None);
        assert_eq!(Ring::of(&[1; 5]), None);
    }
}
