//! The tables of an ELF file (System V gABI, chapters 4 and 5) as plain data: sections, segments, symbols.
//!
//! Every range that comes out of here lies inside the file; what did not is a warning.

use super::error::SymbolError;
use crate::model::warning::Warning;
use object::Endianness;
use object::elf;
use object::read::elf::{
    FileHeader, ProgramHeader as _, SectionHeader as _, SectionTable, Sym as _,
};
use std::ops::Range;

/// The most symbols that are read from one file.
const MOST_SYMBOLS: usize = 4_000_000;

/// An ELF's tables.
#[derive(Clone, Debug, Default)]
pub struct ElfImage {
    /// Numbers are stored most significant byte first.
    pub big_endian: bool,
    /// `e_type`.
    pub file_type: u16,
    /// `e_machine`.
    pub machine: u16,
    /// True for the 64-bit class.
    pub is_64: bool,
    /// Sections in file order, the null section included (so that indexes are the file's).
    pub sections: Vec<Section>,
    /// Program headers.
    pub segments: Vec<Segment>,
    /// What was wrong.
    pub warnings: Vec<Warning>,
}

/// A section header.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Name.
    pub name: String,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// Run address.
    pub addr: u64,
    /// Size in memory.
    pub size: u64,
    /// The bytes in the file; empty when there are none.
    pub file: Range<usize>,
}

impl Section {
    /// Takes up memory on the target.
    pub fn is_alloc(&self) -> bool {
        self.flags & u64::from(elf::SHF_ALLOC) != 0
    }

    /// Holds code.
    pub fn is_exec(&self) -> bool {
        self.is_alloc() && self.flags & u64::from(elf::SHF_EXECINSTR) != 0
    }

    /// Can be written by the program.
    pub fn is_writable(&self) -> bool {
        self.flags & u64::from(elf::SHF_WRITE) != 0
    }

    /// Its addresses.
    pub fn range(&self) -> Range<u64> {
        self.addr..self.addr.saturating_add(self.size)
    }
}

/// A program header.
#[derive(Clone, Debug)]
pub struct Segment {
    /// `p_type`.
    pub kind: u32,
    /// `p_flags`.
    pub flags: u32,
    /// Run address.
    pub addr: u64,
    /// Size in memory.
    pub size: u64,
    /// The bytes in the file.
    pub file: Range<usize>,
}

/// A symbol as the table holds it.
#[derive(Clone, Debug)]
pub struct RawSymbol {
    /// Name.
    pub name: String,
    /// `st_value`.
    pub value: u64,
    /// `st_size`.
    pub size: u64,
    /// `STT_*`.
    pub kind: u8,
    /// `STB_*`.
    pub binding: u8,
    /// `st_shndx`: the section that defines it.
    pub section: u16,
}

/// Reads the tables of a linked ELF. `Err` when there is nothing to be had from the file.
pub fn parse(name: &str, bytes: &[u8]) -> Result<ElfImage, SymbolError> {
    let image = parse_object(name, bytes)?;
    let name = name.to_owned();
    match image.file_type {
        elf::ET_CORE => Err(SymbolError::CoreFile { name }),
        _ if image.is_split_only() => Err(SymbolError::SplitOnly { name }),
        elf::ET_REL => Err(SymbolError::NotLinked { name }),
        _ => Ok(image),
    }
}

/// Reads the tables of any ELF, linked or not.
pub fn parse_object(name: &str, bytes: &[u8]) -> Result<ElfImage, SymbolError> {
    let Some(ident) = bytes.get(..16).filter(|i| i.starts_with(&elf::ELFMAG)) else {
        return Err(not_elf(name, bytes));
    };
    match ident.get(4).copied() {
        Some(elf::ELFCLASS32) => read::<elf::FileHeader32<Endianness>>(name, bytes, false),
        Some(elf::ELFCLASS64) => read::<elf::FileHeader64<Endianness>>(name, bytes, true),
        class => Err(SymbolError::Malformed {
            name: name.to_owned(),
            what: format!(
                "class {} is neither 32 nor 64 bit",
                class.map_or_else(|| "?".to_owned(), |c| c.to_string())
            ),
            offset: 4,
        }),
    }
}

fn not_elf(name: &str, bytes: &[u8]) -> SymbolError {
    let found = match bytes {
        [] => "it is empty".to_owned(),
        [b'P', b'K', ..] => "it is a zip archive".to_owned(),
        [b':', b'0'..=b'9' | b'A'..=b'F', ..] => {
            "it is an Intel HEX file, which holds no symbols".to_owned()
        }
        [b'S', b'0'..=b'9', ..] => "it is an S-record file, which holds no symbols".to_owned(),
        [b'M', b'Z', ..] => "it is a Windows program".to_owned(),
        [0x7F, b'E', b'L', b'F', ..] => format!("only {} bytes of it are there", bytes.len()),
        _ => {
            let head: Vec<String> = bytes.iter().take(4).map(|b| format!("{b:02x}")).collect();
            format!("it starts with {}", head.join(" "))
        }
    };
    SymbolError::NotElf {
        name: name.to_owned(),
        found,
    }
}

fn read<Elf: FileHeader<Endian = Endianness>>(
    name: &str,
    bytes: &[u8],
    is_64: bool,
) -> Result<ElfImage, SymbolError> {
    let header = Elf::parse(bytes).map_err(|error| {
        if bytes.len() < 64 {
            truncated(name, "file header", 0, bytes)
        } else {
            malformed(name, error.to_string(), 0)
        }
    })?;
    let endian = header
        .endian()
        .map_err(|error| malformed(name, error.to_string(), 5))?;
    let file_type = header.e_type(endian);
    if file_type == elf::ET_CORE {
        // A core has more segments than its header can count, and often no sections: nothing of it is asked.
        return Ok(ElfImage {
            file_type,
            ..ElfImage::default()
        });
    }
    let section_offset: u64 = header.e_shoff(endian).into();
    let table = header.sections(endian, bytes).map_err(|error| {
        if section_offset >= bytes.len() as u64 / 2 {
            truncated(name, "section table", section_offset, bytes)
        } else {
            malformed(name, error.to_string(), section_offset)
        }
    })?;
    let mut image = ElfImage {
        big_endian: endian == Endianness::Big,
        file_type,
        machine: header.e_machine(endian),
        is_64,
        ..ElfImage::default()
    };
    image.read_sections(&table, endian, bytes);
    image.read_segments(header, endian, bytes);
    if let Err(error) = table.symbols(endian, bytes, elf::SHT_SYMTAB) {
        image.warnings.push(Warning::new(
            "FS-SYM-003",
            format!(
                "the symbol table cannot be read ({error}); names come from debug information only"
            ),
        ));
    }
    Ok(image)
}

/// Symbols of the symbol table, or of the dynamic one when there is no other. A large ELF has half a million of
/// them, and many questions need none: so this is no part of [`parse`].
pub fn symbols(bytes: &[u8]) -> Vec<RawSymbol> {
    let found = match bytes.get(4).copied() {
        Some(elf::ELFCLASS32) => read_symbols::<elf::FileHeader32<Endianness>>(bytes),
        Some(elf::ELFCLASS64) => read_symbols::<elf::FileHeader64<Endianness>>(bytes),
        _ => None,
    };
    found.unwrap_or_default()
}

fn read_symbols<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Vec<RawSymbol>> {
    let header = Elf::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let table = header.sections(endian, bytes).ok()?;
    let symbols = match table.symbols(endian, bytes, elf::SHT_SYMTAB) {
        Ok(symbols) if !symbols.is_empty() => symbols,
        _ => table.symbols(endian, bytes, elf::SHT_DYNSYM).ok()?,
    };
    let named = symbols
        .iter()
        .take(MOST_SYMBOLS)
        .filter_map(|symbol| {
            let name = symbol.name(endian, symbols.strings()).ok()?;
            (!name.is_empty()).then(|| RawSymbol {
                name: String::from_utf8_lossy(name).into_owned(),
                value: symbol.st_value(endian).into(),
                size: symbol.st_size(endian).into(),
                kind: symbol.st_type(),
                binding: symbol.st_bind(),
                section: symbol.st_shndx(endian),
            })
        })
        .collect();
    Some(named)
}

impl ElfImage {
    /// A `.dwo` or `.dwp`: what split DWARF leaves out of an ELF, and nothing that is loaded.
    fn is_split_only(&self) -> bool {
        let is_split = |s: &Section| s.name == ".debug_info.dwo";
        self.sections.iter().any(is_split) && !self.sections.iter().any(Section::is_exec)
    }

    fn read_sections<Elf: FileHeader<Endian = Endianness>>(
        &mut self,
        table: &SectionTable<'_, Elf>,
        endian: Endianness,
        bytes: &[u8],
    ) {
        for header in table.iter() {
            let name = table
                .section_name(endian, header)
                .map(|n| String::from_utf8_lossy(n).into_owned())
                .unwrap_or_default();
            let offset: u64 = header.sh_offset(endian).into();
            let size: u64 = header.sh_size(endian).into();
            let kind = header.sh_type(endian);
            let in_file = if kind == elf::SHT_NOBITS || kind == elf::SHT_NULL {
                0
            } else {
                size
            };
            let file = clip(offset, in_file, bytes.len());
            if (file.len() as u64) < in_file {
                self.warnings.push(Warning::at(
                    "FS-SYM-001",
                    offset,
                    format!(
                        "section {name} says {size} bytes, but the file ends after {} of them; what they held is missing, copy the file again",
                        file.len()
                    ),
                ));
            }
            self.sections.push(Section {
                name,
                kind,
                flags: header.sh_flags(endian).into(),
                addr: header.sh_addr(endian).into(),
                size,
                file,
            });
        }
    }

    fn read_segments<Elf: FileHeader<Endian = Endianness>>(
        &mut self,
        header: &Elf,
        endian: Endianness,
        bytes: &[u8],
    ) {
        let Ok(segments) = header.program_headers(endian, bytes) else {
            self.warnings.push(Warning::at(
                "FS-SYM-002",
                header.e_phoff(endian).into(),
                "the program headers lie outside the file; sections are used instead",
            ));
            return;
        };
        for segment in segments {
            self.segments.push(Segment {
                kind: segment.p_type(endian),
                flags: segment.p_flags(endian),
                addr: segment.p_vaddr(endian).into(),
                size: segment.p_memsz(endian).into(),
                file: clip(
                    segment.p_offset(endian).into(),
                    segment.p_filesz(endian).into(),
                    bytes.len(),
                ),
            });
        }
    }
}

/// The part of `offset..offset + size` that lies inside a file of `len` bytes.
fn clip(offset: u64, size: u64, len: usize) -> Range<usize> {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(len);
    clamp(offset)..clamp(offset.saturating_add(size))
}

fn truncated(name: &str, what: &'static str, offset: u64, bytes: &[u8]) -> SymbolError {
    SymbolError::Truncated {
        name: name.to_owned(),
        what,
        offset,
        len: bytes.len() as u64,
    }
}

fn malformed(name: &str, what: String, offset: u64) -> SymbolError {
    SymbolError::Malformed {
        name: name.to_owned(),
        what,
        offset,
    }
}
