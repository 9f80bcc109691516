//! Readable memory of a target: a dump, a live board and the constants of an ELF look the same from here.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The memory at this address is not in the capture. Never to be read as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("memory at 0x{addr:08x} was not captured")]
pub struct NotCaptured {
    /// The first address that could not be read.
    pub addr: u64,
}

/// Something with readable memory.
pub trait Memory {
    /// Fills `buf` from `addr`, or says which address is missing (then `buf` holds unspecified bytes).
    fn read(&self, addr: u64, buf: &mut [u8]) -> Result<(), NotCaptured>;

    /// The captured ranges, sorted and disjoint; what a scan may look at.
    fn ranges(&self) -> Vec<Range<u64>>;

    /// A little-endian 32-bit word.
    fn read_u32(&self, addr: u64) -> Result<u32, NotCaptured> {
        let mut buf = [0; 4];
        self.read(addr, &mut buf)?;
        Ok(u32::from_le_bytes(buf))
    }

    /// One byte.
    fn read_u8(&self, addr: u64) -> Result<u8, NotCaptured> {
        let mut buf = [0; 1];
        self.read(addr, &mut buf)?;
        Ok(u8::from_le_bytes(buf))
    }
}

/// One piece of captured memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRegion {
    /// Address of the first byte.
    pub start: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl MemoryRegion {
    /// One past the last address.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes.len() as u64)
    }
}

/// Captured memory: regions sorted by address and disjoint. Of overlapping regions the first one given wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMap {
    regions: Vec<MemoryRegion>,
}

impl MemoryMap {
    /// Adds a region. Bytes that are already there stay; only what was missing is added.
    pub fn insert(&mut self, start: u64, bytes: &[u8]) {
        let end = start.saturating_add(bytes.len() as u64);
        let mut at = start;
        while at < end {
            let index = self.regions.partition_point(|r| r.end() <= at);
            let gap_end = match self.regions.get(index) {
                Some(r) if r.start <= at => {
                    at = r.end();
                    continue;
                }
                Some(r) => r.start.min(end),
                None => end,
            };
            let offset = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
            let len = usize::try_from(gap_end.saturating_sub(at)).unwrap_or(0);
            let Some(piece) = bytes.get(offset..offset.saturating_add(len)) else {
                return;
            };
            self.fill_gap(index, at, piece);
            at = gap_end;
        }
    }

    /// The regions, sorted by address.
    pub fn regions(&self) -> &[MemoryRegion] {
        &self.regions
    }

    /// True when nothing was captured.
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// Puts a piece into the gap before the region `index` and joins it with what it touches. Only the neighbours
    /// are looked at: a print gives thousands of words, each a piece of its own.
    fn fill_gap(&mut self, index: usize, start: u64, piece: &[u8]) {
        let before = index.checked_sub(1);
        let touched = before
            .and_then(|before| self.regions.get_mut(before))
            .filter(|region| region.end() == start);
        let (filled, end) = if let (Some(before), Some(region)) = (before, touched) {
            region.bytes.extend_from_slice(piece);
            (before, region.end())
        } else {
            let region = MemoryRegion {
                start,
                bytes: piece.to_vec(),
            };
            let end = region.end();
            self.regions.insert(index, region);
            (index, end)
        };
        let after = filled.saturating_add(1);
        if self.regions.get(after).is_some_and(|r| r.start == end) {
            let next = self.regions.remove(after);
            if let Some(region) = self.regions.get_mut(filled) {
                region.bytes.extend_from_slice(&next.bytes);
            }
        }
    }
}

impl Memory for MemoryMap {
    fn read(&self, addr: u64, buf: &mut [u8]) -> Result<(), NotCaptured> {
        let index = self.regions.partition_point(|r| r.end() <= addr);
        let region = self
            .regions
            .get(index)
            .filter(|r| r.start <= addr)
            .ok_or(NotCaptured { addr })?;
        let offset =
            usize::try_from(addr - region.start).map_err(|_too_far| NotCaptured { addr })?;
        let source = region
            .bytes
            .get(offset..offset.saturating_add(buf.len()))
            .ok_or(NotCaptured { addr: region.end() })?;
        buf.copy_from_slice(source);
        Ok(())
    }

    fn ranges(&self) -> Vec<Range<u64>> {
        self.regions.iter().map(|r| r.start..r.end()).collect()
    }
}

/// Two memories, the first one preferred: a dump over the constants of its ELF.
pub struct Overlay<'a> {
    /// Asked first.
    pub first: &'a dyn Memory,
    /// Asked when the first one has nothing there.
    pub second: &'a dyn Memory,
}

impl Memory for Overlay<'_> {
    fn read(&self, addr: u64, buf: &mut [u8]) -> Result<(), NotCaptured> {
        self.first
            .read(addr, buf)
            .or_else(|missing| self.second.read(addr, buf).map_err(|_also| missing))
    }

    /// Only the ranges of the first: constants are not worth scanning for a stack.
    fn ranges(&self) -> Vec<Range<u64>> {
        self.first.ranges()
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory as _, MemoryMap, NotCaptured, Range};

    #[test]
    fn overlapping_regions_keep_the_first_bytes_and_join_neighbours() {
        let mut map = MemoryMap::default();
        map.insert(0x2000_0004, &[1, 2, 3, 4]);
        map.insert(0x2000_0000, &[9; 12]);
        assert_eq!(map.regions().len(), 1);
        assert_eq!(map.read_u32(0x2000_0004), Ok(0x0403_0201));
        assert_eq!(map.read_u32(0x2000_0008), Ok(0x0909_0909));
        assert_eq!(
            map.read_u32(0x2000_000A),
            Err(NotCaptured { addr: 0x2000_000C })
        );
        assert_eq!(
            map.read_u32(0x1000_0000),
            Err(NotCaptured { addr: 0x1000_0000 })
        );
    }

    #[test]
    fn pieces_in_any_order_become_one_region() {
        for step in [1u64, 7, 11, 15] {
            let mut map = MemoryMap::default();
            for n in 0..16u64 {
                let at = n * step % 16;
                let low = u8::try_from(at * 4).unwrap();
                map.insert(0x100 + at * 4, &[low, low + 1, low + 2, low + 3]);
            }
            map.insert(0xF0, &[0xEE; 0x80]);
            assert_eq!(
                map.ranges(),
                [Range {
                    start: 0xF0,
                    end: 0x170
                }]
            );
            let mut bytes = [0; 64];
            map.read(0x100, &mut bytes).unwrap();
            assert!(bytes.iter().zip(0..).all(|(byte, n)| *byte == n), "{step}");
        }
    }

    #[test]
    fn thousands_of_lone_words_are_taken_in_quickly() {
        // Every insert used to go through all regions: seconds for a log of printed stacks.
        let started = std::time::Instant::now();
        let mut map = MemoryMap::default();
        for n in 0..20_000u64 {
            map.insert(0x2000_0000 + n * 8, &[1, 2, 3, 4]);
        }
        assert_eq!(map.regions().len(), 20_000);
        assert!(started.elapsed() < std::time::Duration::from_secs(2));
    }

    #[test]
    fn a_region_at_the_end_of_the_address_space_ends_there() {
        let mut map = MemoryMap::default();
        map.insert(u64::MAX - 2, &[1; 16]);
        map.insert(u64::MAX, &[2; 16]);
        map.insert(u64::MAX - 16, &[3; 64]);
        assert_eq!(
            map.ranges(),
            [Range {
                start: u64::MAX - 16,
                end: u64::MAX
            }]
        );
        assert!(map.read_u32(u64::MAX - 1).is_err());
    }
}
