//! The symbol index: every address of an ELF answered beforehand, kept on disk, mapped when it is needed.
//!
//! Opening parses nothing; an address costs two searches. Nothing in the file is trusted: see `checked` and the
//! table in `layout`.

mod build;
mod checked;
pub mod key;
mod layout;
mod listed;
mod strings;
mod unit_part;

use super::debug_info::{Scope, SourceFrame};
use super::image;
use crate::model::progress::{Cancelled, Progress};
use crate::symbols::symbol_file::SymbolFile;
use checked::CheckedBytes;
use layout::{CONTEXT_BYTES, FLAG_THUMB, Layout, NONE, RECORD_BYTES, Region, SAMPLE_EVERY, u32_at};
use std::io::Write as _;
use std::path::Path;

/// No chain of inlined functions is longer.
const DEEPEST: usize = 300;
/// An index up to this size is checked as a whole when it is kept.
const CHECKED_AT_ONCE: usize = 256 << 10;
/// An index larger than this is not worth having.
const LARGEST_BYTES: u64 = 3 << 30;

/// All answers for one ELF. May be asked by several threads at once.
pub struct SymbolIndex {
    bytes: CheckedBytes,
    layout: Layout,
    regions: Vec<Region>,
}

/// The index turned out to be damaged: the ELF has to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// A frame as it stands in the index: the borrowed form of [`SourceFrame`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameRef<'a> {
    /// Name of the function.
    pub function: Option<&'a str>,
    /// Name with its namespaces, demangled.
    pub qualified: Option<&'a str>,
    /// Source file.
    pub file: Option<&'a str>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// True for a function that was inlined into the next frame.
    pub inlined: bool,
    /// Its entry in the debug information.
    pub scope: Option<Scope>,
}

/// Where a frame is: what differs between the addresses of one function.
#[derive(Clone, Copy)]
struct Place {
    file: u32,
    line: u32,
    column: u32,
}

impl SymbolIndex {
    /// Asks for every address of an ELF, on all processors. `None` when it is too large for an index.
    pub fn build(file: &SymbolFile, progress: &dyn Progress) -> Result<Option<Self>, Cancelled> {
        let encoded = build::build(file, progress)?;
        Ok(encoded.and_then(|bytes| Self::decode(image::Image::Owned(bytes))))
    }

    /// Writes it: first beside its place, then moved there, so that no reader meets half of it.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let written = std::fs::File::create(&part)
            .and_then(|mut file| file.write_all(self.bytes.all()))
            .and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            // The half-written file is of no use; that it cannot be removed changes nothing.
            let _removed = std::fs::remove_file(&part);
        }
        written
    }

    /// Maps the index with that [`key`]; `None` when there is none, or it is damaged, of another version or of another ELF.
    pub fn open(path: &Path, key: u64) -> Option<Self> {
        let image = image::map_file(path, LARGEST_BYTES).ok()?;
        let index = Self::decode(image)?;
        (index.layout.key == key).then_some(index)
    }

    /// An index from memory, under the conditions of [`Self::open`].
    pub fn from_bytes(bytes: Vec<u8>, key: u64) -> Option<Self> {
        Self::decode(image::Image::Owned(bytes)).filter(|index| index.layout.key == key)
    }

    /// The bytes of the file.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.all()
    }

    /// What an index of `file` is called in a cache folder.
    pub fn file_name(file: &SymbolFile) -> String {
        key::file_name(file.build_id(), key::of_file(file))
    }

    /// The answer for an address, as [`super::debug_info::DebugInfo::source_frames`] gives it.
    pub fn lookup(&self, addr: u64) -> Result<Vec<SourceFrame>, Damaged> {
        let mut frames = Vec::new();
        self.visit(addr, |frame| {
            frames.push(SourceFrame {
                function: frame.function.map(str::to_owned),
                qualified: frame.qualified.map(str::to_owned),
                file: frame.file.map(str::to_owned),
                line: frame.line,
                column: frame.column,
                inlined: frame.inlined,
                scope: frame.scope,
            });
        })?;
        Ok(frames)
    }

    /// Calls `each` with the frames at an address, innermost first, without copying anything.
    pub fn visit<'a>(
        &'a self,
        addr: u64,
        mut each: impl FnMut(FrameRef<'a>),
    ) -> Result<(), Damaged> {
        let Some(span) = self.span_at(addr)? else {
            return Ok(());
        };
        let record = self.read(self.layout.record(span), RECORD_BYTES)?;
        let field = |n: usize| u32_at(record, n * 4).ok_or(Damaged);
        let mut next = field(0)?;
        let mut place = Place {
            file: field(1)?,
            line: field(2)?,
            column: field(3)?,
        };
        for _depth in 0..DEEPEST {
            if next == NONE {
                return Ok(());
            }
            let (frame, after, called_at) = self.frame(next, place)?;
            each(frame);
            // Chains only lead downwards, so that none can be endless.
            if after != NONE && after >= next {
                return Err(Damaged);
            }
            next = after;
            place = called_at;
        }
        Ok(())
    }

    /// True when the address lies in code of the ELF.
    pub fn contains_code(&self, addr: u64) -> bool {
        self.region_at(addr).is_some()
    }

    /// The lowest bit of a code address says "Thumb" and is no part of it.
    pub fn is_thumb(&self) -> bool {
        self.layout.flags & FLAG_THUMB != 0
    }

    /// True when damage was met since it was opened: it has to be made again.
    pub fn is_damaged(&self) -> bool {
        self.bytes.is_damaged()
    }

    /// Holds all of it against its checksums, as far as that takes no time to speak of: a large index is checked where
    /// it is used only.
    pub fn check_if_small(&self) -> bool {
        self.size_bytes() > CHECKED_AT_ONCE || self.bytes.check_all()
    }

    /// Bytes that it takes on disk.
    pub fn size_bytes(&self) -> usize {
        self.bytes.all().len()
    }

    fn decode(image: image::Image) -> Option<Self> {
        let (layout, regions) = Layout::decode(&image)?;
        Some(Self {
            bytes: CheckedBytes::new(image, layout.checks, layout.data),
            layout,
            regions,
        })
    }

    fn read(&self, at: Option<usize>, len: usize) -> Result<&[u8], Damaged> {
        at.and_then(|at| self.bytes.get(at, len)).ok_or(Damaged)
    }

    fn region_at(&self, addr: u64) -> Option<&Region> {
        let after = self.regions.partition_point(|r| r.start <= addr);
        let region = self.regions.get(after.checked_sub(1)?)?;
        (addr < region.end).then_some(region)
    }

    /// The last span that starts at or before `addr`.
    fn span_at(&self, addr: u64) -> Result<Option<usize>, Damaged> {
        let Some(region) = self.region_at(addr) else {
            return Ok(None);
        };
        let offset = u32::try_from(addr - region.start).map_err(|_beyond| Damaged)?;
        let (first, end) = (region.first, region.first.saturating_add(region.n_spans));
        // The samples narrow it down to a few hundred spans that lie together.
        let value_at = |at: Option<usize>| {
            let raw = self.read(at, 4)?;
            u32_at(raw, 0).ok_or(Damaged)
        };
        let sample_from = first.div_ceil(SAMPLE_EVERY);
        let sample_to = end.div_ceil(SAMPLE_EVERY);
        let sample = search(sample_from, sample_to, offset, |i| {
            value_at(self.layout.sample(i))
        })?;
        let low = match sample
            .checked_sub(1)
            .filter(|before| *before >= sample_from)
        {
            Some(before) => before.saturating_mul(SAMPLE_EVERY),
            None => first,
        };
        let high = sample.saturating_mul(SAMPLE_EVERY).min(end).max(low);
        let found = search(low, high, offset, |i| value_at(self.layout.start(i)))?;
        Ok(found.checked_sub(1).filter(|span| *span >= first))
    }

    /// A frame, the number of the next one, and where that one calls from.
    fn frame(&self, number: u32, place: Place) -> Result<(FrameRef<'_>, u32, Place), Damaged> {
        let number = usize::try_from(number).map_err(|_large| Damaged)?;
        let context = self.read(self.layout.context(number), CONTEXT_BYTES)?;
        let field = |n: usize| u32_at(context, n * 4).ok_or(Damaged);
        let known = |n: u32| (n != 0).then_some(n);
        let (unit, entry, next) = (field(2)?, field(3)?, field(4)?);
        let frame = FrameRef {
            function: self.string(field(0)?)?,
            qualified: self.string(field(1)?)?,
            file: self.string(place.file)?,
            line: known(place.line),
            column: known(place.column),
            inlined: next != NONE,
            scope: scope(unit, entry),
        };
        let called_at = Place {
            file: field(5)?,
            line: field(6)?,
            column: field(7)?,
        };
        Ok((frame, next, called_at))
    }

    fn string(&self, number: u32) -> Result<Option<&str>, Damaged> {
        if number == NONE {
            return Ok(None);
        }
        let number = usize::try_from(number).map_err(|_large| Damaged)?;
        let end_of = |n: usize| {
            let raw = self.read(self.layout.string_end(n), 4)?;
            let end = u32_at(raw, 0).and_then(|end| usize::try_from(end).ok());
            end.ok_or(Damaged)
        };
        let start = match number.checked_sub(1) {
            Some(before) => end_of(before)?,
            None => 0,
        };
        let len = end_of(number)?.checked_sub(start).ok_or(Damaged)?;
        let text = self.read(self.layout.text(start, len), len)?;
        std::str::from_utf8(text)
            .map(Some)
            .map_err(|_not_text| Damaged)
    }
}

fn scope(unit: u32, entry: u32) -> Option<Scope> {
    if unit == NONE {
        return None;
    }
    Some(Scope {
        unit: usize::try_from(unit).ok()?,
        entry: gimli::UnitOffset(usize::try_from(entry).ok()?),
    })
}

/// The first of `low..high` whose value is greater than `wanted`; values rise.
fn search(
    mut low: usize,
    mut high: usize,
    wanted: u32,
    value_of: impl Fn(usize) -> Result<u32, Damaged>,
) -> Result<usize, Damaged> {
    while low < high {
        let middle = low + (high - low) / 2;
        if value_of(middle)? <= wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
