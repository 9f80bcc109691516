//! Why a symbol file could not be used, in words that say what, where and what to do.

use std::path::PathBuf;

/// The file is of no use for symbols. What is merely damaged is a warning on the [`super::symbol_file::SymbolFile`].
#[derive(Debug, thiserror::Error)]
pub enum SymbolError {
    /// The file system refused.
    #[error("{} could not be read ({source}): check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another kind of file.
    #[error(
        "{name} is not an ELF file ({found}): give the .elf, .axf or .out file that the linker wrote"
    )]
    NotElf {
        /// The file.
        name: String,
        /// What its first bytes look like.
        found: String,
    },
    /// The end is missing.
    #[error(
        "{name} ends at byte {len}, but its {what} lies at byte {offset}: the copy is incomplete, copy it again"
    )]
    Truncated {
        /// The file.
        name: String,
        /// The part that is missing.
        what: &'static str,
        /// Where that part should be.
        offset: u64,
        /// How long the file is.
        len: u64,
    },
    /// An ELF core: a dump, not a program.
    #[error(
        "{name} is a core file, not a symbol file: give the ELF that the firmware was flashed from"
    )]
    CoreFile {
        /// The file.
        name: String,
    },
    /// A relocatable object.
    #[error(
        "{name} is an object file that has not been linked, so its code has no addresses yet: give the linked ELF"
    )]
    NotLinked {
        /// The file.
        name: String,
    },
    /// A `.dwo` or `.dwp`.
    #[error(
        "{name} holds what -gsplit-dwarf left out of an ELF, and no code: leave it beside that ELF, where it is found, and give the ELF"
    )]
    SplitOnly {
        /// The file.
        name: String,
    },
    /// An ELF file, but no `.dwo` and no `.dwp`.
    #[error(
        "{name} is no .dwo or .dwp file: it has no .debug_info.dwo section. Take the one that the compiler wrote"
    )]
    NotSplit {
        /// The file.
        name: String,
    },
    /// Larger than anything that was linked for a device.
    #[error("{name} is larger than 4 GB ({len} bytes): this is not the ELF of a firmware")]
    TooLarge {
        /// The file.
        name: String,
        /// How long it is.
        len: u64,
    },
    /// A header contradicts itself.
    #[error(
        "{name} has a damaged ELF header ({what} at byte {offset}): build or copy the file again"
    )]
    Malformed {
        /// The file.
        name: String,
        /// What is wrong.
        what: String,
        /// Where.
        offset: u64,
    },
}
