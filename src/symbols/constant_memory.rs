//! Memory as the ELF defines it: constants that a dump need not hold, and initial values of data.

use super::elf_image::{ElfImage, Section, Segment};
use super::image::Image;
use crate::model::memory::{Memory, NotCaptured};
use object::elf;
use std::ops::Range;
use std::sync::Arc;

/// Pieces of an ELF at the addresses where they run.
pub struct ConstantMemory {
    image: Arc<Image>,
    /// Sorted by address, disjoint.
    pieces: Vec<Piece>,
}

struct Piece {
    start: u64,
    file: Range<usize>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.file.len() as u64)
    }
}

impl ConstantMemory {
    /// What the program cannot change: code, vector table, read-only data.
    pub fn constants(image: Arc<Image>, tables: &ElfImage) -> Self {
        Self::of(image, tables, false)
    }

    /// What the program starts with and then changes.
    pub fn initial_data(image: Arc<Image>, tables: &ElfImage) -> Self {
        Self::of(image, tables, true)
    }

    /// The bytes at `addr` up to the end of the piece they lie in.
    pub fn bytes_from(&self, addr: u64) -> Option<&[u8]> {
        let index = self.pieces.partition_point(|p| p.end() <= addr);
        let piece = self.pieces.get(index).filter(|p| p.start <= addr)?;
        let offset = usize::try_from(addr - piece.start).ok()?;
        self.image.get(piece.file.clone())?.get(offset..)
    }

    fn of(image: Arc<Image>, tables: &ElfImage, writable: bool) -> Self {
        let from_sections = |s: &Section| {
            (s.is_alloc()
                && s.is_writable() == writable
                && s.flags & u64::from(elf::SHF_TLS | elf::SHF_COMPRESSED) == 0)
                .then(|| (s.addr, s.file.clone()))
        };
        // A stripped image may have no section table: then its segments say what is writable.
        let from_segments = |s: &Segment| {
            (s.kind == elf::PT_LOAD && (s.flags & elf::PF_W != 0) == writable)
                .then(|| (s.addr, s.file.clone()))
        };
        let found: Vec<(u64, Range<usize>)> = if tables.sections.iter().any(Section::is_alloc) {
            tables.sections.iter().filter_map(from_sections).collect()
        } else {
            tables.segments.iter().filter_map(from_segments).collect()
        };
        let mut pieces: Vec<Piece> = found
            .into_iter()
            .filter(|(_start, file)| !file.is_empty())
            .map(|(start, file)| Piece { start, file })
            .collect();
        pieces.sort_by_key(|p| (p.start, p.file.start));
        let mut last_end = 0;
        pieces.retain(|p| {
            let keep = p.start >= last_end;
            if keep {
                last_end = p.end();
            }
            keep
        });
        Self { image, pieces }
    }
}

impl Memory for ConstantMemory {
    fn read(&self, addr: u64, buf: &mut [u8]) -> Result<(), NotCaptured> {
        let mut at = addr;
        let mut rest = buf;
        // Neighbouring sections read as one.
        while !rest.is_empty() {
            let bytes = self.bytes_from(at).ok_or(NotCaptured { addr: at })?;
            let n = bytes.len().min(rest.len());
            let (now, later) = rest.split_at_mut(n);
            now.copy_from_slice(bytes.get(..n).unwrap_or_default());
            at = at.saturating_add(n as u64);
            rest = later;
        }
        Ok(())
    }

    fn ranges(&self) -> Vec<Range<u64>> {
        self.pieces.iter().map(|p| p.start..p.end()).collect()
    }
}
