//! The debug information of one ELF: created in no time, parsed as far as it is asked.

use super::cfi::UnwindTables;
use super::index::SymbolIndex;
use super::live_code::LiveCode;
use super::lookup::Cache;
use super::symbol_file::SymbolFile;
use super::type_names::TypeNames;
use gimli::{EndianSlice, RunTimeEndian};
use std::cell::OnceCell;
use std::convert::Infallible;
use std::sync::Arc;

/// How gimli reads the bytes of a [`SymbolFile`].
pub type Reader<'a> = EndianSlice<'a, RunTimeEndian>;

/// A parsed unit.
pub type Unit<'a> = gimli::Unit<Reader<'a>>;

/// The most units that are read from one file.
const MOST_UNITS: usize = 200_000;

/// Debug information of a [`SymbolFile`]. Not shared between threads: it remembers what it parsed.
pub struct DebugInfo<'a> {
    file: &'a SymbolFile,
    dwarf: gimli::Dwarf<Reader<'a>>,
    units: OnceCell<Vec<Unit<'a>>>,
    live: LiveCode<'a>,
    cache: Cache,
    index: Option<Arc<SymbolIndex>>,
    unwind: OnceCell<UnwindTables<'a>>,
    type_names: OnceCell<TypeNames>,
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
            live: LiveCode::new(file),
            cache: Cache::default(),
            index: None,
            unwind: OnceCell::new(),
            type_names: OnceCell::new(),
        }
    }

    /// The file it belongs to.
    pub fn file(&self) -> &'a SymbolFile {
        self.file
    }

    /// The sections, for readers of types and variables.
    pub fn dwarf(&self) -> &gimli::Dwarf<Reader<'a>> {
        &self.dwarf
    }

    /// All units whose header and first entry can be read, in the order of the file.
    pub fn units(&self) -> &[Unit<'a>] {
        self.units.get_or_init(|| {
            let mut units = Vec::new();
            let mut headers = self.dwarf.units();
            // A damaged header ends the walk: there is no way to find the next one.
            while let Ok(Some(header)) = headers.next() {
                if units.len() >= MOST_UNITS {
                    break;
                }
                if let Ok(unit) = self.dwarf.unit(header) {
                    units.push(unit);
                }
            }
            units
        })
    }

    /// The unit that the entry at `offset` of `.debug_info` lies in, and its offset there.
    pub fn unit_of(&self, offset: gimli::DebugInfoOffset) -> Option<(usize, gimli::UnitOffset)> {
        let units = self.units();
        let after = units.partition_point(|unit| {
            unit.header
                .debug_info_offset()
                .is_some_and(|start| start.0 <= offset.0)
        });
        let index = after.checked_sub(1)?;
        let entry = offset.to_unit_offset(&units.get(index)?.header)?;
        Some((index, entry))
    }

    /// Answers address lookups from an index from now on: nothing is parsed for them.
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
