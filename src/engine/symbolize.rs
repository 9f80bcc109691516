//! Names for the addresses in any text. The text around them is kept as it is.

use super::source_map::{SourceMapping, map_file};
use crate::model::addr::TargetAddr;
use crate::symbols::debug_info::SourceFrame;
use crate::symbols::symbol_set::SymbolSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// The `schema` of one symbolized address.
pub const SYMBOL_SCHEMA: &str = "fieldscope.symbol/1";

/// One address with its frames, innermost first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolizedAddress {
    /// Always [`SYMBOL_SCHEMA`].
    pub schema: String,
    /// The address as it stands in the text.
    pub address: TargetAddr,
    /// Empty when no ELF covers the address.
    pub frames: Vec<SymbolFrame>,
}

impl SymbolizedAddress {
    /// An address that no ELF covers.
    pub fn unknown(address: u64) -> Self {
        Self {
            schema: SYMBOL_SCHEMA.to_owned(),
            address: TargetAddr(address),
            frames: Vec::new(),
        }
    }
}

/// One frame of a symbolized address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolFrame {
    /// DWARF or symbol table name.
    pub function: Option<String>,
    /// Demangled path.
    pub qualified: Option<String>,
    /// Source file.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// True for an inlined function.
    pub inlined: bool,
}

/// Part of a text: as it was, or an address with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Text that is no address of the ELF.
    Text(String),
    /// An address in code.
    Address {
        /// As it stands in the text.
        text: String,
        /// What it is.
        symbol: SymbolizedAddress,
    },
}

/// Looks up addresses, remembering those it has seen: logs repeat themselves.
pub struct Symbolizer<'a, 's> {
    symbols: &'a SymbolSet<'s>,
    source_map: &'a [SourceMapping],
    seen: BTreeMap<u64, Vec<SymbolFrame>>,
}

/// Addresses that are remembered.
const REMEMBERED: usize = 100_000;

impl<'a, 's> Symbolizer<'a, 's> {
    /// Over a set of symbol files; source paths are shown by the mappings.
    pub fn new(symbols: &'a SymbolSet<'s>, source_map: &'a [SourceMapping]) -> Self {
        Self {
            symbols,
            source_map,
            seen: BTreeMap::new(),
        }
    }

    /// The frames of one address.
    pub fn address(&mut self, address: u64) -> SymbolizedAddress {
        let frames = if let Some(frames) = self.seen.get(&address) {
            frames.clone()
        } else {
            let frames = self.lookup(address);
            if self.seen.len() < REMEMBERED {
                self.seen.insert(address, frames.clone());
            }
            frames
        };
        SymbolizedAddress {
            schema: SYMBOL_SCHEMA.to_owned(),
            address: TargetAddr(address),
            frames,
        }
    }

    /// A text in segments. Only addresses that lie in code of one of the ELF files count as addresses.
    pub fn text(&mut self, text: &str) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut kept_from = 0;
        for (range, address) in candidates(text) {
            let symbol = self.address(address);
            if symbol.frames.is_empty() {
                continue;
            }
            push_text(&mut segments, text.get(kept_from..range.start));
            let text = text.get(range.clone()).unwrap_or_default().to_owned();
            segments.push(Segment::Address { text, symbol });
            kept_from = range.end;
        }
        push_text(&mut segments, text.get(kept_from..));
        segments
    }

    fn lookup(&self, address: u64) -> Vec<SymbolFrame> {
        // A Thumb code pointer has bit 0 set; it names the same instruction.
        let Some(info) = self.symbols.for_address(address) else {
            return Vec::new();
        };
        let is_thumb = info.file().arch().is_cortex_m();
        let at = if is_thumb { address & !1 } else { address };
        if !info.file().contains_code(at) {
            return Vec::new();
        }
        let frames = info.source_frames(at).into_iter();
        frames
            .map(|source| frame(source, self.source_map))
            .collect()
    }
}

/// `store at main.c:39, inlined into parse at main.c:40`.
pub fn names(symbol: &SymbolizedAddress) -> String {
    let one = |frame: &SymbolFrame| {
        let name = frame.qualified.as_ref().or(frame.function.as_ref());
        let mut text = name.map_or("??", String::as_str).to_owned();
        if let Some(file) = &frame.file {
            text.push_str(" at ");
            text.push_str(file);
            if let Some(line) = frame.line {
                text.push(':');
                text.push_str(&line.to_string());
            }
        }
        text
    };
    symbol
        .frames
        .iter()
        .map(one)
        .collect::<Vec<_>>()
        .join(", inlined into ")
}

fn frame(mut source: SourceFrame, source_map: &[SourceMapping]) -> SymbolFrame {
    map_file(&mut source.file, source_map);
    SymbolFrame {
        function: source.function,
        qualified: source.qualified,
        file: source.file,
        line: source.line,
        column: source.column,
        inlined: source.inlined,
    }
}

fn push_text(segments: &mut Vec<Segment>, text: Option<&str>) {
    if let Some(text) = text.filter(|t| !t.is_empty()) {
        segments.push(Segment::Text(text.to_owned()));
    }
}

/// Words of hex digits that may be addresses: `0x` and 1 to 16 digits, or 8 or 16 bare digits.
pub(super) fn candidates(text: &str) -> Vec<(Range<usize>, u64)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if !byte.is_ascii_alphanumeric() && *byte != b'_' {
            at += 1;
            continue;
        }
        let len = bytes
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count();
        let word = text.get(at..at + len).unwrap_or_default();
        if let Some(address) = parse_word(word) {
            found.push((at..at + len, address));
        }
        at += len;
    }
    found
}

/// A word of a text that may be an address.
pub(super) fn parse_word(word: &str) -> Option<u64> {
    // Most words are none: see to them first.
    if !word.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return (1..=16)
            .contains(&digits.len())
            .then(|| u64::from_str_radix(digits, 16).ok())?;
    }
    matches!(word.len(), 8 | 16).then(|| u64::from_str_radix(word, 16).ok())?
}

/// An address given by itself: `0x08001234`, `08001234` or any run of hex digits.
pub fn parse_address(word: &str) -> Option<u64> {
    let digits = word
        .strip_prefix("0x")
        .or_else(|| word.strip_prefix("0X"))
        .unwrap_or(word);
    (1..=16)
        .contains(&digits.len())
        .then(|| u64::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::{candidates, parse_address};

    #[test]
    fn hex_words_are_found_wherever_they_stand() {
        let of = |text: &str| {
            candidates(text)
                .into_iter()
                .map(|(_, a)| a)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of("PC=10000212 LR=0x1000023f,R0=38001fb8"),
            [0x1000_0212, 0x1000_023F, 0x3800_1FB8]
        );
        assert_eq!(
            of("Backtrace: 0x400d1234:0x3ffb0000 |<-CORRUPT"),
            [0x400D_1234, 0x3FFB_0000]
        );
        assert_eq!(of("deadbeefs 1234567 0xg face"), Vec::<u64>::new());
        assert_eq!(parse_address("354"), Some(0x354));
        assert_eq!(parse_address("main"), None);
    }
}
