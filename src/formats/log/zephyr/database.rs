//! What a build knows of its messages: strings by their address, sources by their index, and how it lays messages out.
//!
//! The JSON that Zephyr's build writes (`log_dictionary.json`, `scripts/logging/dictionary/database_gen.py`), one object:
//!
//! | key | what |
//! |---|---|
//! | `version` | 1 to 3: the header of messages (see [`super::layout`]) |
//! | `target` | `bits` 32 or 64, `little_endianness` |
//! | `arch`, `build_id` | name of the processor family, what the build calls itself |
//! | `kconfigs` | options that are set; `CONFIG_LOG_TIMESTAMP_64BIT` is the one that matters |
//! | `log_subsys.log_instances` | sources by their index: `name` |
//! | `string_mappings` | versions 2 and 3: address, in decimal, to string |
//! | `sections` | version 1: `start` and `data_b64` of sections with strings |
//!
//! It does not say what time stamps count; the ELF does (see [`super::elf`]).

use super::abi::Abi;
use super::layout::Layout;
use crate::formats::log::tokens::base64;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A string is not longer.
const LONGEST_STRING: usize = 4096;
/// Strings before an address that are looked at for one that reaches it.
const MOST_BEFORE: usize = 64;

/// The messages of a build.
#[derive(Clone, Debug)]
pub struct ZephyrDatabase {
    /// How messages may be laid out: one way, or two where nothing says which.
    pub(super) layouts: Vec<Layout>,
    /// How arguments are laid out.
    pub(super) abi: Abi,
    /// What the build calls itself.
    pub(super) build: Option<String>,
    /// What time stamps count.
    pub(super) clock: Option<Clock>,
    /// Names of sources by their index.
    pub(super) sources: BTreeMap<u64, Box<str>>,
    /// Strings by their address.
    pub(super) strings: BTreeMap<u64, Box<str>>,
    /// Sections with strings: their address, their bytes.
    pub(super) sections: Vec<(u64, Box<[u8]>)>,
}

/// What time stamps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// So many a second since the start.
    Uptime(u64),
    /// Milliseconds since 1970.
    Wall,
}

#[derive(Deserialize)]
struct Json {
    version: u32,
    target: Target,
    arch: Option<String>,
    build_id: Option<String>,
    #[serde(default)]
    kconfigs: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    log_subsys: Subsystem,
    string_mappings: Option<BTreeMap<String, String>>,
    sections: Option<BTreeMap<String, JsonSection>>,
}

#[derive(Deserialize)]
struct Target {
    bits: u32,
    little_endianness: bool,
}

#[derive(Default, Deserialize)]
struct Subsystem {
    #[serde(default)]
    log_instances: BTreeMap<String, Instance>,
}

#[derive(Deserialize)]
struct Instance {
    name: String,
}

#[derive(Deserialize)]
struct JsonSection {
    start: u64,
    data_b64: String,
}

impl ZephyrDatabase {
    /// A database file; `None` when it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(bytes).ok()?;
        let is_64_bit = match json.target.bits {
            32 => false,
            64 => true,
            _ => return None,
        };
        if !(1..=3).contains(&json.version) {
            return None;
        }
        let layout = Layout {
            has_wide_header: json.version == 3,
            is_64_bit,
            is_little_endian: json.target.little_endianness,
            has_long_timestamp: json.kconfigs.contains_key("CONFIG_LOG_TIMESTAMP_64BIT"),
            has_package_flags: false,
        };
        let sources = json.log_subsys.log_instances.into_iter();
        let strings = json.string_mappings.into_iter().flatten();
        let sections = json.sections.into_iter().flatten();
        Some(Self {
            layouts: vec![layout],
            abi: Abi::of(json.arch.as_deref().unwrap_or(""), is_64_bit),
            build: json.build_id.filter(|build| !build.is_empty()),
            clock: None,
            sources: sources
                .filter_map(|(id, source)| Some((id.parse().ok()?, source.name.into())))
                .collect(),
            strings: strings
                .filter_map(|(address, text)| Some((address.parse().ok()?, shortened(text))))
                .collect(),
            sections: sections
                .filter_map(|(_, section)| {
                    let bytes = base64::decode(&section.data_b64)?;
                    Some((section.start, bytes.into()))
                })
                .collect(),
        })
    }

    /// Adds what the ELF of the same build knows and the database does not: what time stamps count, and strings that the database
    /// left out. An ELF with other sources is of another build: nothing is taken from it.
    pub(crate) fn complete(&mut self, elf: &Self) {
        let is_same_target = self.layouts.iter().any(|layout| {
            elf.layouts.iter().any(|other| {
                (layout.is_64_bit, layout.is_little_endian)
                    == (other.is_64_bit, other.is_little_endian)
            })
        });
        if !is_same_target || self.sources != elf.sources {
            return;
        }
        self.clock = self.clock.or(elf.clock);
        let keeps_flags = elf.layouts.iter().any(|layout| layout.has_package_flags);
        for layout in &mut self.layouts {
            layout.has_package_flags = keeps_flags;
        }
        self.sections.extend(elf.sections.iter().cloned());
    }

    /// The string at an address.
    pub(super) fn string(&self, address: u64) -> Option<Cow<'_, str>> {
        let before = self.strings.range(..=address).rev().take(MOST_BEFORE);
        for (start, text) in before {
            let offset = usize::try_from(address.saturating_sub(*start)).ok()?;
            // A character of a string is a byte of the section: it was read as Latin-1.
            let is_inside =
                offset < text.len() && (text.is_ascii() || text.chars().nth(offset).is_some());
            if is_inside || offset == 0 {
                return Some(from_latin1(text, offset));
            }
        }
        self.sections.iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(address.checked_sub(*start)?).ok()?;
            let rest = bytes.get(offset..)?;
            let most = rest.get(..LONGEST_STRING).unwrap_or(rest);
            let text = most.get(..memchr::memchr(0, most)?)?;
            let is_text =
                |byte: &u8| matches!(byte, b' '..=b'~' | 0x80.. | b'\t' | b'\r' | b'\n' | 0x1b);
            text.iter()
                .all(is_text)
                .then(|| String::from_utf8_lossy(text))
        })
    }

    /// Strings and sections that it has.
    pub fn has_strings(&self) -> bool {
        !self.strings.is_empty() || !self.sections.is_empty()
    }
}

/// A string of a length that a firmware may have.
fn shortened(mut text: String) -> Box<str> {
    text.truncate(text.floor_char_boundary(LONGEST_STRING));
    text.into()
}

/// The end of a string whose characters are bytes, as the text that they are.
fn from_latin1(text: &str, offset: usize) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text.get(offset..).unwrap_or(""));
    }
    let bytes: Option<Vec<u8>> = text
        .chars()
        .skip(offset)
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Cow::Owned(decoded.unwrap_or_else(|| text.chars().skip(offset).collect()))
}
