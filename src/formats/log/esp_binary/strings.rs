//! The strings of a build, out of its ELF.
//!
//! | section | what |
//! |---|---|
//! | `.noload` | strings that only the ELF has, at addresses below 0x0100_0000; four zeros first: what a null pointer points to |
//! | constants (`.flash.rodata` and others) | strings that the program has, too |

use super::frame::{Program, Stored};
use crate::model::log_parts::ElfLogParts;
use std::borrow::Cow;

/// How the ELF of a boot loader is called.
pub const BOOT_LOADER: &str = "bootloader.elf";
const NOLOAD: &str = ".noload";
/// Addresses of [`NOLOAD`] are below.
const NOLOAD_END: u32 = 0x0100_0000;
/// A string is not longer.
const LONGEST_STRING: usize = 4096;

/// The strings of the programs of a device.
#[derive(Clone, Debug, Default)]
pub struct EspStrings {
    application: Option<EspImage>,
    boot_loader: Option<EspImage>,
}

/// The strings of one program.
#[derive(Clone, Debug)]
pub struct EspImage {
    /// Name of the ELF.
    pub(super) name: String,
    noload: (u64, Box<[u8]>),
    constants: Vec<(u64, Box<[u8]>)>,
}

impl EspStrings {
    /// Adds a program; false when there is one of its kind already. The boot loader's is called [`BOOT_LOADER`].
    pub fn add(&mut self, image: EspImage) -> bool {
        let place = if image.name.ends_with(BOOT_LOADER) {
            &mut self.boot_loader
        } else {
            &mut self.application
        };
        if place.is_some() {
            return false;
        }
        *place = Some(image);
        true
    }

    /// The program that wrote a frame.
    pub(super) fn image(&self, program: Program) -> Option<&EspImage> {
        match program {
            Program::BootLoader => self.boot_loader.as_ref(),
            Program::Application => self.application.as_ref(),
        }
    }
}

impl EspImage {
    /// The strings of an ELF; `None` when it is no program that keeps strings for its log.
    pub fn from_elf(parts: &ElfLogParts) -> Option<Self> {
        let mut noload = None;
        let mut constants = Vec::new();
        for (name, address, bytes) in &parts.sections {
            let section = (*address, bytes.as_slice().into());
            if name == NOLOAD {
                noload.get_or_insert(section);
            } else {
                constants.push(section);
            }
        }
        Some(Self {
            name: parts.name.clone(),
            noload: noload?,
            constants,
        })
    }

    /// Bytes from an address to the end of their section.
    pub(super) fn bytes(&self, address: u32) -> Option<&[u8]> {
        let from = |(start, bytes): &'_ (u64, Box<[u8]>)| {
            let at = usize::try_from(u64::from(address).checked_sub(*start)?).ok()?;
            Some(at).filter(|at| *at < bytes.len())
        };
        if address < NOLOAD_END {
            return self.noload.1.get(from(&self.noload)?..);
        }
        let mut sections = self.constants.iter();
        sections.find_map(|section| section.1.get(from(section)?..))
    }

    /// The string at an address.
    fn string(&self, address: u32) -> Option<&[u8]> {
        let bytes = self.bytes(address)?;
        let most = bytes.get(..LONGEST_STRING).unwrap_or(bytes);
        most.get(..memchr::memchr(0, most)?)
    }

    /// True where a string begins and not only goes on.
    fn begins(&self, address: u32) -> bool {
        let before = address.checked_sub(1).and_then(|before| self.bytes(before));
        address >= NOLOAD_END || before.is_some_and(|bytes| bytes.first() == Some(&0))
    }
}

/// What a text of a frame says; `None` when it is not in the ELF.
///
/// A copied one of a single byte is stored as an address: zeros, the byte, its end; an empty one as 0, 1, its end, and what stands
/// behind it. They are taken for what they are where no string of the ELF begins.
pub(super) fn text<'t>(stored: Stored<'t>, image: Option<&'t EspImage>) -> Option<Cow<'t, str>> {
    let address = match stored {
        Stored::Copied(bytes) => {
            let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
            return Some(String::from_utf8_lossy(bytes.get(..end)?));
        }
        Stored::At(0) => return Some(Cow::Borrowed("(null)")),
        Stored::At(address) => address,
    };
    let found = image.and_then(|image| image.string(address));
    if let Some(found) = found
        && image.is_some_and(|image| image.begins(address))
    {
        return Some(String::from_utf8_lossy(found));
    }
    match address.to_be_bytes() {
        [0, 0, byte @ b' '..=b'~', 0] => Some(Cow::Owned(char::from(byte).to_string())),
        [0, 1, 0, _] => Some(Cow::Borrowed("")),
        // The linker may have put one string into the end of another.
        _ => found.map(String::from_utf8_lossy),
    }
}
