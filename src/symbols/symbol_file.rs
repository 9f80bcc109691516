//! One ELF, opened: identity, symbols, constants, and the sections of its debug information.
//!
//! Owns its bytes, so that it can be kept for as long as a workspace is open and shared between threads.

use super::abbreviations;
use super::arm_attributes;
use super::constant_memory::ConstantMemory;
use super::debug_info::DebugInfo;
use super::debug_sections::{DEBUG_SECTIONS, SectionBytes, Sections, collect_sections};
use super::elf_image::{self, ElfImage, Section};
use super::elf_symbols::{ElfSymbol, SymbolTable};
use super::error::SymbolError;
use super::identity::{self, BuildIdKind};
use super::image::{self, Hold, Image};
use super::quality::Quality;
use super::rom_names::RomNames;
use super::separate;
use super::split::attached::{self, NotFound, SplitUnits};
use super::split::find::Finder;
use super::split::skeleton::{Skeleton, skeletons};
use super::split::split_file::SplitFile;
use super::unit_directory::UnitDirectory;
use super::unit_ranges::UnitRanges;
use crate::model::arch::Arch;
use crate::model::build_id::BuildId;
use crate::model::target_state::SymbolQuality;
use crate::model::warning::Warning;
use object::elf;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// How to open a symbol file.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadOptions<'a> {
    /// Folders that are searched for separate debug files, besides the ELF's own.
    pub debug_dirs: &'a [PathBuf],
    /// How long it stays open.
    pub hold: Hold,
}

/// An ELF with all that can be asked of it without reading debug information.
pub struct SymbolFile {
    name: String,
    image: Arc<Image>,
    tables: ElfImage,
    debug_path: Option<PathBuf>,
    debug_image: Option<Arc<Image>>,
    debug_sections: Sections,
    build_id: BuildId,
    build_id_kind: BuildIdKind,
    arch: Arch,
    quality: Quality,
    symbols: OnceLock<SymbolTable>,
    rom_names: OnceLock<RomNames>,
    /// Tables of the separate debug file: a stripped ELF has its symbols there.
    debug_tables: Option<ElfImage>,
    /// What is in `.dwo` files; `None` when nothing is.
    split: Option<SplitUnits>,
    units: OnceLock<UnitDirectory>,
    aranges: OnceLock<UnitRanges>,
    constants: ConstantMemory,
    initial_data: ConstantMemory,
    warnings: Vec<Warning>,
}

impl SymbolFile {
    /// Opens an ELF, and the separate debug file that belongs to it if there is one.
    pub fn open(path: &Path, options: &LoadOptions<'_>) -> Result<Self, SymbolError> {
        let image = image::load(path, options.hold)?;
        let name = path.display().to_string();
        let tables = elf_image::parse(&name, &image)?;
        let mut warnings = Vec::new();
        let mut debug_file = None;
        if !has_debug_info(&tables) {
            debug_file = separate::find(path, &tables, &image, options.debug_dirs);
            if debug_file.is_none() && separate::is_linked(&tables) {
                warnings.push(Warning::new(
                    "FS-SYM-004",
                    format!("{name} keeps its debug information in a separate file that was not found (or is of another build): put that file beside it or add its folder"),
                ));
            }
        }
        let mut file = Self::assemble(name, Arc::new(image), tables, debug_file);
        file.warnings.append(&mut warnings);
        let mut finder = None;
        file.attach_split_files(|debug_path, skeleton| {
            let elfs: Vec<&Path> = std::iter::once(path).chain(debug_path).collect();
            let finder =
                finder.get_or_insert_with(|| Finder::new(&elfs, options.debug_dirs, options.hold));
            finder.find(skeleton)
        });
        Ok(file)
    }

    /// This ELF with the debug information of a separate file of the same build, wherever that came from.
    pub fn with_debug_file(&self, debug: &Self) -> Self {
        let debug_file = separate::DebugFile {
            path: PathBuf::from(&debug.name),
            image: Arc::clone(&debug.image),
            tables: debug.tables.clone(),
        };
        let file = Self::assemble(
            self.name.clone(),
            Arc::clone(&self.image),
            self.tables.clone(),
            Some(debug_file),
        );
        // Whichever of the two they were found for.
        file.with_files_of(&[self, debug], &[])
    }

    /// This ELF with split files (`.dwo`, `.dwp`) that are at hand; they are told by their ids. What it has stays.
    pub fn with_split_files(&self, files: &[Arc<SplitFile>]) -> Self {
        let debug_file = self.debug_image.as_ref().zip(self.debug_tables.as_ref());
        let debug_file = debug_file.map(|(image, tables)| separate::DebugFile {
            path: self.debug_path.clone().unwrap_or_default(),
            image: Arc::clone(image),
            tables: tables.clone(),
        });
        let file = Self::assemble(
            self.name.clone(),
            Arc::clone(&self.image),
            self.tables.clone(),
            debug_file,
        );
        file.with_files_of(&[self], files)
    }

    fn with_files_of(mut self, known: &[&Self], more: &[Arc<SplitFile>]) -> Self {
        let known = known.iter().filter_map(|file| file.split.as_ref());
        let files: Vec<Arc<SplitFile>> = known
            .flat_map(|split| split.files())
            .chain(more)
            .map(Arc::clone)
            .collect();
        let mut among = attached::among(&files);
        self.attach_split_files(|_path, skeleton| among(skeleton));
        self
    }

    /// Asks `find` for the split file of every skeleton; it is told where the separate debug file is.
    fn attach_split_files(
        &mut self,
        mut find: impl FnMut(Option<&Path>, &Skeleton) -> Result<Arc<SplitFile>, NotFound>,
    ) {
        let skeletons = skeletons(&DebugInfo::new(self));
        let debug_path = self.debug_path.as_deref();
        let split = SplitUnits::collect(&skeletons, |skeleton| find(debug_path, skeleton));
        let Some(split) = split else { return };
        self.warnings.extend(split.warnings(&self.name));
        self.split = Some(split);
        self.units = OnceLock::new();
        self.quality = self.judge_quality();
    }

    /// Takes an ELF from memory: no separate debug file is looked for.
    pub fn parse(name: &str, bytes: Vec<u8>) -> Result<Self, SymbolError> {
        let tables = elf_image::parse(name, &bytes)?;
        let file = Self::assemble(name.to_owned(), Arc::new(Image::Owned(bytes)), tables, None);
        Ok(file.with_files_of(&[], &[]))
    }

    /// The path or name it was opened by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The separate file that its debug information was read from.
    pub fn debug_path(&self) -> Option<&Path> {
        self.debug_path.as_deref()
    }

    /// Which build it is.
    pub fn build_id(&self) -> &BuildId {
        &self.build_id
    }

    /// Whether devices know that build id.
    pub fn build_id_kind(&self) -> BuildIdKind {
        self.build_id_kind
    }

    /// An application of ESP-IDF.
    pub fn is_esp_idf(&self) -> bool {
        identity::is_esp_idf(&self.tables)
    }

    /// What an ESP-IDF device reports of it, besides a build id that the linker gave it.
    pub fn esp_file_hash(&self) -> Option<BuildId> {
        match self.build_id_kind {
            BuildIdKind::FileHash => Some(self.build_id.clone()),
            _ if identity::is_esp_idf(&self.tables) => identity::file_hash(&self.image),
            _ => None,
        }
    }

    /// The processor it was built for.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// How much it can tell.
    pub fn quality(&self) -> Quality {
        self.quality
    }

    /// What it can tell, what it lost and how to get that: the badge beside its name.
    pub fn badge(&self) -> SymbolQuality {
        let mut badge = self.quality.of_file(&self.name);
        let split = self
            .split
            .as_ref()
            .and_then(|split| split.advice(&self.name));
        badge.advice = split.or(badge.advice);
        badge
    }

    /// How many of its `.dwo` files are not at hand.
    pub fn n_missing_split_files(&self) -> usize {
        self.split.as_ref().map_or(0, SplitUnits::n_missing)
    }

    /// What was wrong with it.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Bytes that the program cannot change.
    pub fn constants(&self) -> &ConstantMemory {
        &self.constants
    }

    /// Initial values of what it can change, at their run addresses.
    pub fn initial_data(&self) -> &ConstantMemory {
        &self.initial_data
    }

    /// The symbol of that name.
    pub fn symbol(&self, name: &str) -> Option<ElfSymbol> {
        self.symbols().by_name(name).cloned()
    }

    /// The symbol that `addr` lies in, with the distance from its start.
    pub fn symbol_at(&self, addr: u64) -> Option<(ElfSymbol, u64)> {
        self.symbols()
            .at(addr)
            .map(|(symbol, offset)| (symbol.clone(), offset))
    }

    /// All symbols; read when they are first asked for.
    pub fn symbols(&self) -> &SymbolTable {
        self.symbols.get_or_init(|| {
            let separate = self
                .debug_tables
                .as_ref()
                .zip(self.debug_image.as_ref())
                .map(|(tables, image)| SymbolTable::new(tables, image))
                .filter(|table| !table.is_empty());
            separate.unwrap_or_else(|| SymbolTable::new(&self.tables, &self.image))
        })
    }

    /// Symbols in sections that are not loaded, and absolute ones: name, value, section.
    pub(super) fn unloaded_symbols(&self) -> Vec<(String, u64, String)> {
        let separate = self.debug_tables.as_ref().zip(self.debug_image.as_ref());
        let of_debug_file = separate.map(|(tables, image)| (tables, &**image));
        let files = std::iter::once((&self.tables, &*self.image)).chain(of_debug_file);
        let mut found = Vec::new();
        for (tables, image) in files {
            found.extend(elf_image::symbols(image).into_iter().filter_map(|symbol| {
                match tables.sections.get(usize::from(symbol.section)) {
                    Some(section) if section.is_alloc() || symbol.section == 0 => None,
                    Some(section) => Some((symbol.name, symbol.value, section.name.clone())),
                    None => Some((symbol.name, symbol.value, String::new())),
                }
            }));
        }
        found
    }

    /// What is in `.dwo` files.
    pub(super) fn split(&self) -> Option<&SplitUnits> {
        self.split.as_ref()
    }

    /// Where the units of its debug information are, kept once it is known: for [`super::debug_info`].
    pub(super) fn unit_directory(&self) -> &OnceLock<UnitDirectory> {
        &self.units
    }

    /// Which units describe which addresses, kept once it is known: for [`super::unit_ranges`].
    pub(super) fn unit_ranges(&self) -> &OnceLock<UnitRanges> {
        &self.aranges
    }

    /// The section tables of everything it was assembled of: what tells two files of one build id apart.
    pub(super) fn section_tables(&self) -> impl Iterator<Item = &Section> + '_ {
        let debug = self.debug_tables.iter().flat_map(|tables| &tables.sections);
        self.tables.sections.iter().chain(debug)
    }

    /// True when the bytes of the code are in it; a separate debug file has their addresses only.
    pub fn has_code_bytes(&self) -> bool {
        self.code_ranges()
            .any(|range| self.constants.bytes_from(range.start).is_some())
    }

    /// True when `addr` lies in code of this ELF.
    pub fn contains_code(&self, addr: u64) -> bool {
        self.code_ranges().any(|range| range.contains(&addr))
    }

    /// True when `addr` lies in anything that this ELF places.
    pub fn covers(&self, addr: u64) -> bool {
        let in_section = |s: &Section| s.is_alloc() && s.range().contains(&addr);
        if self.tables.sections.iter().any(Section::is_alloc) {
            self.tables.sections.iter().any(in_section)
        } else {
            self.tables.segments.iter().any(|s| {
                s.kind == elf::PT_LOAD && (s.addr..s.addr.saturating_add(s.size)).contains(&addr)
            })
        }
    }

    /// Addresses of code: the executable sections, or executable segments where there are no sections.
    pub fn code_ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        let by_section = self.tables.sections.iter().any(Section::is_exec);
        let sections = self
            .tables
            .sections
            .iter()
            .filter(|s| s.is_exec() && s.size > 0)
            .map(Section::range);
        let segments = self
            .tables
            .segments
            .iter()
            .filter(move |s| !by_section && s.kind == elf::PT_LOAD && s.flags & elf::PF_X != 0)
            .map(|s| s.addr..s.addr.saturating_add(s.size));
        sections.chain(segments)
    }

    /// Sections that start-up code clears: without bytes in the file, and `bss` by name (`.noinit` and stacks are not).
    pub fn cleared_ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.tables
            .sections
            .iter()
            .filter(|s| s.is_alloc() && s.is_writable() && s.kind == elf::SHT_NOBITS)
            .filter(|s| s.name.contains("bss") && !s.name.contains("noinit"))
            .map(Section::range)
    }

    /// Sections that the program writes: variables, with or without a first value, heap and stacks.
    pub fn variable_ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.tables
            .sections
            .iter()
            .filter(|s| s.is_alloc() && s.is_writable() && s.size > 0)
            .map(Section::range)
    }

    /// Built for 32-bit ARM, where the lowest bit of a code address says "Thumb".
    pub fn is_arm(&self) -> bool {
        self.tables.machine == elf::EM_ARM
    }

    /// The routine of the chip's ROM that `addr` lies in: only names that the application calls by.
    pub fn rom_name(&self, addr: u64) -> Option<String> {
        let is_served = identity::is_esp_idf(&self.tables) && !self.contains_code(addr);
        is_served
            .then(|| {
                let names = self
                    .rom_names
                    .get_or_init(|| RomNames::load(&self.tables, &self.image));
                names.at(addr)
            })
            .flatten()
    }

    /// Numbers are stored most significant byte first.
    pub fn is_big_endian(&self) -> bool {
        self.tables.big_endian
    }

    /// Bytes of an address.
    pub fn address_bytes(&self) -> u8 {
        if self.tables.is_64 { 8 } else { 4 }
    }

    /// A section by name, as it is in the file (a `.bss` is empty), with its address.
    pub fn section(&self, name: &str) -> Option<(u64, &[u8])> {
        let section = self.tables.sections.iter().find(|s| s.name == name)?;
        Some((section.addr, self.image.get(section.file.clone())?))
    }

    /// A section of debug information, unpacked; empty when there is none.
    pub fn debug_section(&self, name: &str) -> &[u8] {
        let bytes = match self.debug_sections.get(name) {
            Some(SectionBytes::InMain(range)) => self.image.get(range.clone()),
            Some(SectionBytes::InDebugFile(range)) => self
                .debug_image
                .as_ref()
                .and_then(|image| image.get(range.clone())),
            Some(SectionBytes::Unpacked(bytes)) => Some(bytes.as_slice()),
            None => None,
        };
        bytes.unwrap_or_default()
    }

    /// The address of a section that is part of the program, such as `.eh_frame`.
    pub fn section_address(&self, name: &str) -> Option<u64> {
        self.tables
            .sections
            .iter()
            .find(|s| s.name == name)
            .map(|s| s.addr)
    }

    fn assemble(
        name: String,
        image: Arc<Image>,
        mut tables: ElfImage,
        debug_file: Option<separate::DebugFile>,
    ) -> Self {
        let (build_id, build_id_kind) = identity::identify(&tables, &image);
        let mut warnings = std::mem::take(&mut tables.warnings);
        let mut debug_sections = Sections::new();
        collect_sections(
            &mut debug_sections,
            DEBUG_SECTIONS,
            &tables,
            &image,
            SectionBytes::InMain,
            &mut warnings,
        );
        let (debug_path, debug_image, debug_tables) = match debug_file {
            Some(mut file) => {
                warnings.append(&mut file.tables.warnings);
                collect_sections(
                    &mut debug_sections,
                    DEBUG_SECTIONS,
                    &file.tables,
                    &file.image,
                    SectionBytes::InDebugFile,
                    &mut warnings,
                );
                (Some(file.path), Some(file.image), Some(file.tables))
            }
            None => (None, None, None),
        };
        let mut file = Self {
            arch: arch(&tables, &image),
            constants: ConstantMemory::constants(Arc::clone(&image), &tables),
            initial_data: ConstantMemory::initial_data(Arc::clone(&image), &tables),
            name,
            image,
            tables,
            debug_path,
            debug_image,
            debug_sections,
            build_id,
            build_id_kind,
            quality: Quality::None,
            symbols: OnceLock::new(),
            rom_names: OnceLock::new(),
            debug_tables,
            split: None,
            units: OnceLock::new(),
            aranges: OnceLock::new(),
            warnings,
        };
        file.quality = file.judge_quality();
        file
    }

    fn judge_quality(&self) -> Quality {
        if let Some(split) = &self.split {
            if split.n_missing() > 0 {
                return Quality::DwoMissing;
            }
            let has_types = |file: &Arc<SplitFile>| abbreviations::have_types(file.abbreviations());
            if split.files().iter().any(has_types) {
                return Quality::Full;
            }
        }
        if !self.debug_section(".debug_info").is_empty() {
            // -g1 describes functions and lines, and nothing that has a type.
            if abbreviations::have_types(self.debug_section(".debug_abbrev")) {
                return Quality::Full;
            }
            return Quality::LinesOnly;
        }
        if !self.debug_section(".debug_line").is_empty() {
            return Quality::LinesOnly;
        }
        if self.symbols().is_empty() {
            Quality::None
        } else {
            Quality::NamesOnly
        }
    }
}

fn has_debug_info(tables: &ElfImage) -> bool {
    tables.sections.iter().any(|s| {
        (s.name == ".debug_info" || s.name == ".zdebug_info")
            && s.kind != elf::SHT_NOBITS
            && !s.file.is_empty()
    })
}

fn arch(tables: &ElfImage, bytes: &[u8]) -> Arch {
    match tables.machine {
        elf::EM_ARM => tables
            .sections
            .iter()
            .find(|s| s.kind == elf::SHT_ARM_ATTRIBUTES || s.name == ".ARM.attributes")
            .and_then(|s| bytes.get(s.file.clone()))
            .map_or(Arch::Arm, |section| {
                arm_attributes::arch(section, tables.big_endian)
            }),
        elf::EM_RISCV if !tables.is_64 => Arch::Riscv32,
        elf::EM_XTENSA => Arch::Xtensa,
        elf::EM_AARCH64 => Arch::Aarch64,
        elf::EM_X86_64 => Arch::X86_64,
        _ => Arch::Other,
    }
}
