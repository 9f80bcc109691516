//! One `.dwo` or `.dwp` file, opened: the units in it by their ids.

use crate::model::warning::Warning;
use crate::symbols::abbreviations::{FIRST_ENTRIES_BUDGET, first_entry};
use crate::symbols::debug_info::Reader;
use crate::symbols::debug_sections::{SPLIT_SECTIONS, SectionBytes, Sections, collect_sections};
use crate::symbols::elf_image;
use crate::symbols::error::SymbolError;
use crate::symbols::image::{self, Hold, Image};
use gimli::{Dwarf, DwarfPackage, EndianSlice, RunTimeEndian, UnitType};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

/// The most units that are read from one file.
const MOST_UNITS: usize = 200_000;

/// A file with what skeletons leave out.
pub struct SplitFile {
    name: String,
    image: Image,
    sections: Sections,
    is_big_endian: bool,
    units: Vec<SplitUnit>,
    /// Numbers of the compilations.
    by_id: BTreeMap<u64, usize>,
    warnings: Vec<Warning>,
}

/// Which part of a file a unit is in: its sections begin there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::symbols) enum Part {
    /// All of a `.dwo`.
    Whole,
    /// What a `.dwp` has of one compilation, by the row of its index.
    UnitRow(u32),
    /// What a `.dwp` has of one type, by the row of its index.
    TypeRow(u32),
}

/// One unit of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::symbols) struct SplitUnit {
    pub(in crate::symbols) kind: UnitKind,
    pub(in crate::symbols) part: Part,
    /// Offset of its header in the part's `.debug_info.dwo`, or `.debug_types.dwo`.
    pub(in crate::symbols) offset: usize,
    /// Bytes of it.
    pub(in crate::symbols) len: usize,
    /// It is in `.debug_types.dwo`.
    pub(in crate::symbols) is_in_types: bool,
}

/// What a unit is, and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::symbols) enum UnitKind {
    /// A compilation: the id that its skeleton has, too.
    Compilation(u64),
    /// A type.
    Type,
}

impl SplitFile {
    /// Opens a file on disk.
    pub fn open(path: &Path, hold: Hold) -> Result<Self, SymbolError> {
        Self::read(&path.display().to_string(), image::load(path, hold)?)
    }

    /// Takes a file from memory.
    pub fn parse(name: &str, bytes: Vec<u8>) -> Result<Self, SymbolError> {
        Self::read(name, Image::Owned(bytes))
    }

    /// The path or name it was opened by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its file name without folders.
    pub fn base_name(&self) -> &str {
        base_name(&self.name)
    }

    /// What was wrong with it.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// True for a `.dwp`.
    pub fn is_package(&self) -> bool {
        !self.section(".debug_cu_index").is_empty()
    }

    /// Ids of the compilations in it.
    pub(in crate::symbols) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.by_id.keys().copied()
    }

    /// The compilation with that id: its number.
    pub(in crate::symbols) fn unit_with_id(&self, id: u64) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// All units.
    pub(in crate::symbols) fn units(&self) -> &[SplitUnit] {
        &self.units
    }

    /// The abbreviations of everything in it.
    pub(in crate::symbols) fn abbreviations(&self) -> &[u8] {
        self.section(".debug_abbrev.dwo")
    }

    /// Bytes of debug information in it.
    pub(in crate::symbols) fn debug_len(&self) -> usize {
        let sections = [".debug_info.dwo", ".debug_types.dwo", ".debug_rnglists.dwo"];
        sections.iter().map(|name| self.section(name).len()).sum()
    }

    /// The sections of a part, completed by those that stayed in the ELF.
    pub(in crate::symbols) fn dwarf<'a>(
        &'a self,
        part: Part,
        parent: &Dwarf<Reader<'a>>,
    ) -> Option<Dwarf<Reader<'a>>> {
        match part {
            Part::Whole => {
                let loaded = Dwarf::load(|id| Ok::<_, Infallible>(self.reader(id.dwo_name())));
                let mut dwarf = match loaded {
                    Ok(dwarf) => dwarf,
                    Err(never) => match never {},
                };
                dwarf.make_dwo(parent);
                Some(dwarf)
            }
            Part::UnitRow(row) => self.package()?.cu_sections(row, parent).ok(),
            Part::TypeRow(row) => self.package()?.tu_sections(row, parent).ok(),
        }
    }

    fn read(name: &str, image: Image) -> Result<Self, SymbolError> {
        let mut tables = elf_image::parse_object(name, &image)?;
        let mut warnings = std::mem::take(&mut tables.warnings);
        let mut sections = Sections::new();
        collect_sections(
            &mut sections,
            SPLIT_SECTIONS,
            &tables,
            &image,
            SectionBytes::InMain,
            &mut warnings,
        );
        let mut file = Self {
            name: name.to_owned(),
            image,
            sections,
            is_big_endian: tables.big_endian,
            units: Vec::new(),
            by_id: BTreeMap::new(),
            warnings,
        };
        if file.section(".debug_info.dwo").is_empty() {
            return Err(SymbolError::NotSplit {
                name: name.to_owned(),
            });
        }
        file.units = file.read_units();
        for (number, unit) in file.units.iter().enumerate() {
            if let UnitKind::Compilation(id) = unit.kind {
                file.by_id.entry(id).or_insert(number);
            }
        }
        Ok(file)
    }

    fn read_units(&self) -> Vec<SplitUnit> {
        let mut found = Vec::new();
        let nothing = Dwarf::default();
        let mut budget = FIRST_ENTRIES_BUDGET;
        if !self.is_package() {
            if let Some(dwarf) = self.dwarf(Part::Whole, &nothing) {
                add_units_of(&dwarf, Part::Whole, &mut budget, &mut found);
            }
            return found;
        }
        let Some(package) = self.package() else {
            return found;
        };
        let rows = (1..=package.cu_index.unit_count()).map(Part::UnitRow);
        let rows = rows.chain((1..=package.tu_index.unit_count()).map(Part::TypeRow));
        for part in rows.take(MOST_UNITS) {
            let dwarf = match part {
                Part::TypeRow(row) => package.tu_sections(row, &nothing),
                Part::UnitRow(row) => package.cu_sections(row, &nothing),
                Part::Whole => continue,
            };
            if let Ok(dwarf) = dwarf {
                add_units_of(&dwarf, part, &mut budget, &mut found);
            }
        }
        found
    }

    fn package(&self) -> Option<DwarfPackage<Reader<'_>>> {
        let load = |id: gimli::SectionId| {
            let name = id.dwo_name().or_else(|| Some(id.name()));
            Ok::<_, gimli::Error>(self.reader(name))
        };
        DwarfPackage::load(load, self.reader(None)).ok()
    }

    fn reader(&self, name: Option<&str>) -> Reader<'_> {
        let endian = if self.is_big_endian {
            RunTimeEndian::Big
        } else {
            RunTimeEndian::Little
        };
        EndianSlice::new(
            name.map(|name| self.section(name)).unwrap_or_default(),
            endian,
        )
    }

    fn section(&self, name: &str) -> &[u8] {
        let bytes = match self.sections.get(name) {
            Some(SectionBytes::InMain(range)) => self.image.get(range.clone()),
            Some(SectionBytes::Unpacked(bytes)) => Some(bytes.as_slice()),
            Some(SectionBytes::InDebugFile(_)) | None => None,
        };
        bytes.unwrap_or_default()
    }
}

/// The name behind the last folder, whichever way folders are divided.
pub(in crate::symbols) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn add_units_of(
    dwarf: &Dwarf<Reader<'_>>,
    part: Part,
    budget: &mut usize,
    found: &mut Vec<SplitUnit>,
) {
    let mut headers = dwarf.units();
    while found.len() < MOST_UNITS
        && let Ok(Some(header)) = headers.next()
    {
        let kind = match header.type_() {
            UnitType::SplitCompilation(id) => Some(UnitKind::Compilation(id.0)),
            UnitType::SplitType { .. } | UnitType::Type { .. } => Some(UnitKind::Type),
            // The GNU extension: the id is an attribute.
            UnitType::Compilation => first_entry(dwarf, &header, budget)
                .and_then(|unit| unit.dwo_id)
                .map(|id| UnitKind::Compilation(id.0)),
            _ => None,
        };
        if let Some(kind) = kind {
            found.push(SplitUnit {
                kind,
                part,
                offset: header.offset().0,
                len: header.length_including_self(),
                is_in_types: false,
            });
        }
    }
    let mut headers = dwarf.type_units();
    while found.len() < MOST_UNITS
        && let Ok(Some(header)) = headers.next()
    {
        found.push(SplitUnit {
            kind: UnitKind::Type,
            part,
            offset: header.offset().0,
            len: header.length_including_self(),
            is_in_types: true,
        });
    }
}
