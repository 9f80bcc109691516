//! The table of a build: every format string by its id, as the ELF's symbols name them.
//!
//! Each string is a symbol in the section `.defmt`; its value is the id on the wire, its name is JSON: `{"package", "tag",
//! "data", "disambiguator", "crate_name"}` (defmt book, "Interning", "Custom log implementations"). `_defmt_version_ = N`
//! and `_defmt_encoding_ = rzcobs` are symbol names too.

use super::format_string::{ArgType, FormatString, Piece};
use super::hint::{Hint, Unit};
use crate::model::log::LogLevel;
use crate::model::log_parts::{ElfLogParts, LogPlace};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Versions of the wire format that are understood.
const VERSIONS: [&str; 2] = ["3", "4"];

/// How the frames of a build are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefmtEncoding {
    /// One after the other, without a delimiter.
    Raw,
    /// rzCOBS, with a 0 behind each.
    Rzcobs,
}

/// The format strings of a build.
#[derive(Clone, Debug)]
pub struct DefmtTable {
    entries: Vec<Option<Box<Entry>>>,
    flags: BTreeMap<FlagsKey, Vec<(String, u128)>>,
    /// How the frames are sent.
    pub encoding: DefmtEncoding,
    /// The time stamp of each frame.
    pub(super) stamp: Option<Stamp>,
    /// Why the table cannot serve, although there is one.
    pub(super) refused: Option<String>,
}

/// One string of the table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The string itself.
    pub(super) text: Box<str>,
    /// It is a whole message, not a value in one.
    pub(super) is_message: bool,
    /// The message's level; println has none.
    pub(super) level: Option<LogLevel>,
    /// What it is filled with: one format string, or one a variant of an enum.
    pub(super) body: Body,
    /// The crate it is in.
    pub(super) module: Box<str>,
    /// Source file and line.
    pub(super) place: Option<(Box<str>, u32)>,
}

/// What a string is filled with.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Arguments.
    One(FormatString),
    /// A variant, and its arguments.
    Variants(Vec<FormatString>),
    /// It cannot be read.
    Broken,
}

/// The time stamp in front of each message.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    /// Its format string.
    pub(super) format: FormatString,
    /// What its one number is, when it is one number.
    pub(super) clock: Option<Clock>,
}

/// What the number of a time stamp counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Such parts of a second since the start.
    Uptime(Unit),
    /// Such parts of a second since 1970.
    Wall(Unit),
}

/// Names the flags of one `defmt::bitflags!`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlagsKey {
    name: String,
    package: String,
    disambiguator: String,
    crate_name: Option<String>,
}

impl FlagsKey {
    /// `Name@package@disambiguator@crate`; the crate came with version 4.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('@').map(str::to_owned);
        let key = Self {
            name: parts.next()?,
            package: parts.next()?,
            disambiguator: parts.next()?,
            crate_name: parts.next(),
        };
        parts.next().is_none().then_some(key)
    }
}

/// The name of a symbol.
#[derive(Deserialize)]
struct SymbolName {
    package: String,
    tag: String,
    data: String,
    disambiguator: String,
    crate_name: Option<String>,
}

/// Flags, with the index of each in its declaration.
type Flags = BTreeMap<FlagsKey, Vec<(u64, String, u128)>>;

impl DefmtTable {
    /// The table of a build; `None` when it does not use defmt.
    pub fn from_elf(parts: &ElfLogParts) -> Option<Self> {
        let mut table = Self {
            entries: Vec::new(),
            flags: BTreeMap::new(),
            encoding: DefmtEncoding::Rzcobs,
            stamp: None,
            refused: None,
        };
        let places: BTreeMap<&str, &LogPlace> = parts
            .places
            .iter()
            .map(|place| (place.linkage_name.as_str(), place))
            .collect();
        let mut flags = Flags::new();
        let mut version = None;
        for (name, value, section) in &parts.symbols {
            // LLD keeps the quotes of the linker script.
            let bare = name.trim_matches('"');
            if let Some(said) = bare.strip_prefix("_defmt_version_ = ") {
                version = Some(said);
            } else if let Some(said) = bare.strip_prefix("_defmt_encoding_ = ") {
                match said {
                    "raw" => table.encoding = DefmtEncoding::Raw,
                    "rzcobs" => table.encoding = DefmtEncoding::Rzcobs,
                    other => table.refuse(format!("the encoding {other} is not known")),
                }
            } else if is_defmt_section(section) && name.starts_with('{') {
                // Names of other tools stand there too.
                if let Ok(symbol) = serde_json::from_str::<SymbolName>(name) {
                    let place = places.get(name.as_str()).copied();
                    table.add(symbol, *value, place, parts, &mut flags);
                }
            }
        }
        if table.entries.is_empty() {
            return None;
        }
        table.flags = flags
            .into_iter()
            .map(|(key, mut values)| {
                values.sort_by_key(|(index, _, _)| *index);
                (key, values.into_iter().map(|(_, n, v)| (n, v)).collect())
            })
            .collect();
        match version {
            Some(known) if VERSIONS.contains(&known) => {}
            Some(other) => table.refuse(format!(
                "wire format {other} of defmt is not known; 3 and 4 are"
            )),
            None => {
                table.refuse("the ELF does not say which wire format of defmt it uses".to_owned());
            }
        }
        Some(table)
    }

    fn refuse(&mut self, why: String) {
        self.refused = Some(why);
    }

    fn add(
        &mut self,
        symbol: SymbolName,
        value: u64,
        place: Option<&LogPlace>,
        parts: &ElfLogParts,
        flags: &mut Flags,
    ) {
        let level = match symbol.tag.as_str() {
            "defmt_timestamp" => {
                self.stamp = FormatString::parse(&symbol.data).ok().map(Stamp::of);
                return;
            }
            "defmt_bitflags_value" => {
                if let Some((key, flag)) = flag_value(symbol, value, parts) {
                    flags.entry(key).or_default().push(flag);
                }
                return;
            }
            "defmt_trace" => Some(LogLevel::Trace),
            "defmt_debug" => Some(LogLevel::Debug),
            "defmt_info" => Some(LogLevel::Info),
            "defmt_warn" => Some(LogLevel::Warn),
            "defmt_error" => Some(LogLevel::Error),
            tag if tag.starts_with("defmt_") => None,
            _ => return,
        };
        let is_message = level.is_some() || symbol.tag == "defmt_println";
        // Ids have 16 bits on the wire.
        let Some(id) = u16::try_from(value).ok().map(usize::from) else {
            return;
        };
        let parse = |text: &str| FormatString::parse(text);
        let is_enum = !is_message && symbol.tag != "defmt_str" && symbol.data.contains('|');
        let body = if is_enum {
            let variants: Result<Vec<_>, _> = symbol.data.split('|').map(parse).collect();
            variants.map_or(Body::Broken, Body::Variants)
        } else {
            parse(&symbol.data).map_or(Body::Broken, Body::One)
        };
        let module = place
            .map(|place| place.module.clone())
            .filter(|m| !m.is_empty());
        let entry = Entry {
            text: symbol.data.into(),
            is_message,
            level,
            body,
            module: module
                .or(symbol.crate_name)
                .unwrap_or(symbol.package)
                .into(),
            place: place.map(|place| (place.file.as_str().into(), place.line)),
        };
        if self.entries.len() <= id {
            self.entries.resize(id.saturating_add(1), None);
        }
        if let Some(slot) = self.entries.get_mut(id) {
            *slot = Some(Box::new(entry));
        }
    }

    /// The string with this id.
    pub(super) fn entry(&self, id: u16) -> Option<&Entry> {
        self.entries.get(usize::from(id))?.as_deref()
    }

    /// The flags of a `defmt::bitflags!`, in the order of their declaration.
    pub(super) fn flags(&self, key: &FlagsKey) -> Option<&[(String, u128)]> {
        self.flags.get(key).map(Vec::as_slice)
    }

    /// Whole messages in the table.
    pub fn n_messages(&self) -> usize {
        let entries = self.entries.iter().flatten();
        entries.filter(|entry| entry.is_message).count()
    }
}

fn is_defmt_section(name: &str) -> bool {
    name == ".defmt" || name.starts_with(".defmt.")
}

/// A flag: its symbol is `Name::index::FLAG` and its value stands in the section, 16 bytes.
fn flag_value(
    symbol: SymbolName,
    address: u64,
    parts: &ElfLogParts,
) -> Option<(FlagsKey, (u64, String, u128))> {
    let mut words = symbol.data.split("::");
    let (name, index, flag) = (words.next()?, words.next()?, words.next()?);
    let bytes = parts.sections.iter().find_map(|(section, start, bytes)| {
        let at = usize::try_from(address.checked_sub(*start)?).ok()?;
        let value = bytes.get(at..at.checked_add(16)?)?;
        is_defmt_section(section).then_some(value)
    })?;
    let value = u128::from_le_bytes(bytes.try_into().ok()?);
    let key = FlagsKey {
        name: name.to_owned(),
        package: symbol.package,
        disambiguator: symbol.disambiguator,
        crate_name: symbol.crate_name,
    };
    Some((key, (index.parse().ok()?, flag.to_owned(), value)))
}

impl Stamp {
    fn of(format: FormatString) -> Self {
        let mut numbers = format.pieces.iter().filter_map(|piece| match piece {
            Piece::Arg {
                shown: ArgType::Unsigned(_),
                hint,
                ..
            } => Some(hint.as_ref()),
            Piece::Arg { .. } => Some(None),
            Piece::Literal(_) => None,
        });
        let clock = match (numbers.next(), numbers.next()) {
            (Some(Some(Hint::Seconds(unit) | Hint::Time(unit))), None) => {
                Some(Clock::Uptime(*unit))
            }
            (Some(Some(Hint::Iso8601(unit))), None) => Some(Clock::Wall(*unit)),
            _ => None,
        };
        Self { format, clock }
    }
}
