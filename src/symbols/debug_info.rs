//! The debug information of one ELF: created in no time, parsed as far as it is asked.

use super::cfi::UnwindTables;
use super::index::SymbolIndex;
use super::live_code::LiveCode;
use super::lookup::Cache;
use super::split::attached::SplitPlace;
use super::symbol_file::SymbolFile;
use super::tail_call::TailCallsRead;
use super::type_names::TypeNames;
use super::unit_directory::{UnitCells, UnitDirectory, Units};
use crate::model::warning::Warning;
use gimli::{EndianSlice, RunTimeEndian, Section as _};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// How gimli reads the bytes of a [`SymbolFile`].
pub type Reader<'a> = EndianSlice<'a, RunTimeEndian>;

/// A parsed unit.
pub type Unit<'a> = gimli::Unit<Reader<'a>>;

type PartCells<'a> = Vec<OnceCell<Option<Box<gimli::Dwarf<Reader<'a>>>>>>;

/// So many broken units say enough.
const MOST_WARNINGS: usize = 100;

/// Debug information of a [`SymbolFile`]. Not shared between threads: it remembers what it parsed.
pub struct DebugInfo<'a> {
    file: &'a SymbolFile,
    dwarf: gimli::Dwarf<Reader<'a>>,
    units: OnceCell<UnitCells<'a>>,
    /// Sections of the split files, by the numbers of their parts.
    parts: OnceCell<PartCells<'a>>,
    live: LiveCode<'a>,
    cache: Cache,
    index: Option<Arc<SymbolIndex>>,
    unwind: OnceCell<UnwindTables<'a>>,
    type_names: OnceCell<TypeNames>,
    tail_calls_read: TailCallsRead,
    /// Types of type units by their signatures.
    signatures: OnceCell<BTreeMap<u64, (usize, gimli::UnitOffset)>>,
}

/// One line of an answer to "what is at this address".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFrame {
    /// Name of the function.
    pub function: Option<String>,
    /// Name with its namespaces, demangled.
    pub qualified: Option<String>,
    /// Source file as the debug information names it.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// True for a function that was inlined into the next frame.
    pub inlined: bool,
    /// Its entry in the debug information.
    pub scope: Option<Scope>,
}

/// The entry (subprogram or inlined subroutine) of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Index in [`DebugInfo::units`].
    pub unit: usize,
    /// Offset of the entry in the unit.
    pub entry: gimli::UnitOffset,
}

impl<'a> DebugInfo<'a> {
    /// Wraps a file; nothing is parsed yet.
    pub fn new(file: &'a SymbolFile) -> Self {
        let dwarf = match gimli::Dwarf::load(|id| {
            Ok::<_, Infallible>(Self::section_reader(file, id.name()))
        }) {
            Ok(dwarf) => dwarf,
            Err(never) => match never {},
        };
        Self {
            file,
            dwarf,
            units: OnceCell::new(),
            parts: OnceCell::new(),
            live: LiveCode::new(file),
            cache: Cache::default(),
            index: None,
            unwind: OnceCell::new(),
            type_names: OnceCell::new(),
            tail_calls_read: TailCallsRead::default(),
            signatures: OnceCell::new(),
        }
    }

    /// The file it belongs to.
    pub fn file(&self) -> &'a SymbolFile {
        self.file
    }

    /// The sections of the ELF itself: for what is never in a split file, such as lines.
    pub fn dwarf(&self) -> &gimli::Dwarf<Reader<'a>> {
        &self.dwarf
    }

    /// The sections that a unit refers to: those of the ELF, or of its part of a split file.
    pub fn dwarf_of(&self, unit: usize) -> &gimli::Dwarf<Reader<'a>> {
        let place = self.split_place(unit);
        let part = place.and_then(|place| self.part(place.part));
        part.unwrap_or(&self.dwarf)
    }

    /// Where a unit is, when it is in a split file.
    fn split_place(&self, unit: usize) -> Option<SplitPlace> {
        let split = self.file.split()?;
        split
            .of_unit(unit)
            .or_else(|| self.unit_directory().split_type(unit))
    }

    fn part(&self, part: usize) -> Option<&gimli::Dwarf<Reader<'a>>> {
        let split = self.file.split()?;
        let parts = self.parts.get_or_init(|| {
            std::iter::repeat_with(OnceCell::new)
                .take(split.n_parts())
                .collect()
        });
        let dwarf = parts.get(part)?.get_or_init(|| {
            let (file, part) = split.part(part)?;
            file.dwarf(part, &self.dwarf).map(Box::new)
        });
        dwarf.as_deref()
    }

    /// The units, each parsed when it is first asked for.
    pub fn units(&self) -> Units<'_, 'a> {
        Units { info: self }
    }

    /// Units that have to be left out, in words. Parses all of them.
    pub fn warnings(&self) -> Vec<Warning> {
        let name = self.file.name();
        let directory = self.unit_directory();
        let mut warnings: Vec<Warning> = (0..directory.len())
            .filter_map(|unit| {
                let error = self.parse_unit(unit).err()?;
                let at = directory.offset(unit).unwrap_or_default() as u64;
                Some(Warning::at("FS-SYM-006", at, format!("{name}: a unit of debug information cannot be read ({error}); its functions show without lines, build or copy the file again")))
            })
            .take(MOST_WARNINGS)
            .collect();
        if let Some(error) = &directory.broken_off {
            warnings.push(Warning::new("FS-SYM-007", format!("{name}: debug information breaks off after {} units ({error}); functions of the rest show without lines, build or copy the file again", directory.len())));
        }
        warnings
    }

    pub(super) fn parse_unit(&self, unit: usize) -> Result<Unit<'a>, gimli::Error> {
        match self.split_place(unit) {
            Some(place) => self.parse_split_unit(unit, place),
            None => self.parse_own_unit(unit),
        }
    }

    /// What the ELF itself has of a unit whose rest is in a split file.
    pub(super) fn skeleton(&self, unit: usize) -> Option<Unit<'a>> {
        self.file.split()?.of_unit(unit)?;
        self.parse_own_unit(unit).ok()
    }

    /// A unit of a split file, completed by its skeleton: addresses and lines stay in the ELF (DWARF 5, section 3.1.3).
    fn parse_split_unit(&self, unit: usize, place: SplitPlace) -> Result<Unit<'a>, gimli::Error> {
        let gone = gimli::Error::OffsetOutOfBounds(Default::default());
        let dwarf = self.part(place.part).ok_or(gone)?;
        if place.is_in_types {
            let bytes = dwarf.debug_types.reader().slice().get(place.offset..);
            let section = gimli::DebugTypes::new(bytes.unwrap_or_default(), self.endian());
            let header = section.units().next()?.ok_or(gone)?;
            return Ok(without_lines(dwarf.unit(header)?));
        }
        let offset = gimli::DebugInfoOffset(place.offset);
        let header = dwarf.debug_info.header_from_offset(offset)?;
        let mut parsed = without_lines(dwarf.unit(header)?);
        if let Some(skeleton) = self.skeleton(unit) {
            parsed.copy_relocated_attributes(&skeleton);
            parsed.name = parsed.name.or(skeleton.name);
            parsed.comp_dir = skeleton.comp_dir.or(parsed.comp_dir);
            parsed.line_program = skeleton.line_program;
        }
        Ok(parsed)
    }

    fn parse_own_unit(&self, unit: usize) -> Result<Unit<'a>, gimli::Error> {
        if let Some(offset) = self.unit_directory().type_offset(unit) {
            let bytes = self.file.debug_section(".debug_types").get(offset..);
            let section = gimli::DebugTypes::new(bytes.unwrap_or_default(), self.endian());
            let header = section.units().next()?;
            let header = header.ok_or(gimli::Error::OffsetOutOfBounds(Default::default()))?;
            return self.dwarf.unit(header);
        }
        let offset = self.unit_directory().offset(unit);
        let offset = offset.ok_or(gimli::Error::OffsetOutOfBounds(Default::default()))?;
        let header = self
            .dwarf
            .debug_info
            .header_from_offset(gimli::DebugInfoOffset(offset))?;
        self.dwarf.unit(header)
    }

    fn endian(&self) -> RunTimeEndian {
        if self.file.is_big_endian() {
            RunTimeEndian::Big
        } else {
            RunTimeEndian::Little
        }
    }

    pub(super) fn unit_directory(&self) -> &'a UnitDirectory {
        self.file
            .unit_directory()
            .get_or_init(|| UnitDirectory::read(self))
    }

    pub(super) fn unit_cells(&self) -> &UnitCells<'a> {
        self.units.get_or_init(|| {
            let n_units = self.unit_directory().len();
            std::iter::repeat_with(OnceCell::new)
                .take(n_units)
                .collect()
        })
    }

    /// The unit that the entry at `offset` of `.debug_info` lies in, and its offset there. `from` is the unit that says
    /// so: a split file has a `.debug_info` of its own.
    pub fn unit_of(
        &self,
        from: usize,
        offset: gimli::DebugInfoOffset,
    ) -> Option<(usize, gimli::UnitOffset)> {
        let index = if let Some(place) = self.split_place(from) {
            self.file.split()?.unit_in_part(place.part, offset.0)?
        } else {
            let index = self.unit_directory().unit_before(offset.0)?;
            // What is left of a split unit in the ELF has nothing to refer to.
            self.split_place(index).is_none().then_some(index)?
        };
        let entry = offset.to_unit_offset(&self.units().get(index)?.header)?;
        Some((index, entry))
    }

    /// The type of a type unit, by its signature.
    pub(super) fn by_signature(&self, signature: u64) -> Option<(usize, gimli::UnitOffset)> {
        let known = self.signatures.get_or_init(|| {
            let units = self.units().indexed();
            units
                .filter_map(|(unit, u)| match u.header.type_() {
                    gimli::UnitType::Type {
                        type_signature,
                        type_offset,
                    }
                    | gimli::UnitType::SplitType {
                        type_signature,
                        type_offset,
                    } => Some((type_signature.0, (unit, type_offset))),
                    _ => None,
                })
                .collect()
        });
        known.get(&signature).copied()
    }

    /// Answers address lookups from an index from now on: nothing is parsed for them, unless it is found damaged.
    pub fn attach_index(&mut self, index: Arc<SymbolIndex>) {
        self.index = Some(index);
    }

    pub(super) fn index(&self) -> Option<&SymbolIndex> {
        self.index.as_deref()
    }

    pub(super) fn live(&self) -> &LiveCode<'a> {
        &self.live
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(super) fn unwind_tables(&self) -> &UnwindTables<'a> {
        self.unwind.get_or_init(|| UnwindTables::new(self))
    }

    pub(super) fn tail_calls_read(&self) -> &TailCallsRead {
        &self.tail_calls_read
    }

    pub(super) fn type_names(&self) -> &TypeNames {
        self.type_names.get_or_init(|| TypeNames::new(self))
    }

    pub(super) fn section_reader(file: &'a SymbolFile, name: &str) -> Reader<'a> {
        let endian = if file.is_big_endian() {
            RunTimeEndian::Big
        } else {
            RunTimeEndian::Little
        };
        EndianSlice::new(file.debug_section(name), endian)
    }
}

/// A line program of a split file has only names of files; offsets in it are of other sections than the ELF's.
fn without_lines(mut unit: Unit<'_>) -> Unit<'_> {
    unit.line_program = None;
    unit
}
