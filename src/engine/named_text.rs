//! Names for the addresses in a stream of text, from indexes alone: no ELF is opened, nothing is copied that need not be.

use super::index_cache::IndexCache;
use super::source_map::{SourceMapping, mapped};
use super::symbolize::{SYMBOL_SCHEMA, SymbolizedAddress, Symbolizer, names, parse_word};
use crate::model::addr::TargetAddr;
use crate::model::progress::{Cancelled, Progress};
use crate::symbols::index::{Damaged, FrameRef, SymbolIndex};
use crate::symbols::symbol_file::SymbolFile;
use serde::Serialize;
use std::borrow::Cow;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// How names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The text as it is, names in brackets behind the addresses.
    Text,
    /// A JSON line for each address that has a name, nothing else.
    JsonLines,
}

/// Somebody who knows names.
pub trait AppendNames {
    /// Appends the frames at an address as they stand in a text. Answers whether there are any; without, nothing is
    /// appended.
    fn append_text(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged>;

    /// Appends the frames at an address as a JSON line. Answers whether there are any; without, nothing is appended.
    fn append_json(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged>;
}

/// Copies a text, with names behind its addresses. Bytes that are no text are passed on as they are.
pub fn annotate(
    text: &[u8],
    style: Style,
    names: &mut impl AppendNames,
    out: &mut Vec<u8>,
) -> Result<(), Damaged> {
    let mut kept_from = 0;
    for (end, address) in addresses(text) {
        match style {
            Style::JsonLines => {
                names.append_json(address, out)?;
            }
            Style::Text => {
                let before = out.len();
                out.extend_from_slice(text.get(kept_from..end).unwrap_or_default());
                out.extend_from_slice(b" (");
                if names.append_text(address, out)? {
                    out.push(b')');
                    kept_from = end;
                } else {
                    out.truncate(before);
                }
            }
        }
    }
    if style == Style::Text {
        out.extend_from_slice(text.get(kept_from..).unwrap_or_default());
    }
    Ok(())
}

/// What may be addresses in a text.
pub fn addresses_in(text: &[u8]) -> impl Iterator<Item = u64> + '_ {
    addresses(text).map(|(_end, address)| address)
}

/// What may be addresses: where the word ends, and its value.
fn addresses(text: &[u8]) -> impl Iterator<Item = (usize, u64)> + '_ {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let start = at + rest.iter().position(is_word)?;
            let word = text.get(start..)?;
            let len = word.iter().position(|b| !is_word(b));
            let len = len.unwrap_or(word.len());
            at = start + len;
            let word = word.get(..len).and_then(|w| std::str::from_utf8(w).ok());
            if let Some(address) = word.and_then(parse_word) {
                return Some((at, address));
            }
        }
    })
}

/// The indexes of the ELFs of one device. May be asked by several threads at once.
pub struct IndexedNames {
    builds: Vec<Arc<SymbolIndex>>,
    source_map: Vec<SourceMapping>,
}

impl IndexedNames {
    /// Source paths are shown by these mappings from now on.
    #[must_use]
    pub fn with_source_map(mut self, source_map: &[SourceMapping]) -> Self {
        self.source_map = source_map.to_vec();
        self
    }

    /// The indexes of ELF files that are not opened; `None` unless every one has one.
    pub fn for_paths(elfs: &[PathBuf], cache: &IndexCache) -> Option<Self> {
        let builds = elfs
            .iter()
            .map(|elf| cache.open_for_path(elf).map(Arc::new));
        Self::new(builds.collect::<Option<_>>()?)
    }

    /// The indexes of opened files; `None` unless every one has one.
    pub fn for_files(files: &[Arc<SymbolFile>], cache: &IndexCache) -> Option<Self> {
        let builds = files.iter().map(|file| cache.open(file).map(Arc::new));
        Self::new(builds.collect::<Option<_>>()?)
    }

    /// Builds indexes now, for more addresses than are worth looking up one by one, and keeps them.
    pub fn build(
        files: &[Arc<SymbolFile>],
        progress: &dyn Progress,
    ) -> Result<Option<Self>, Cancelled> {
        let mut builds = Vec::new();
        for file in files {
            let Some(index) = SymbolIndex::build(file, progress)? else {
                return Ok(None);
            };
            builds.push(Arc::new(index));
        }
        Ok(Self::new(builds))
    }

    fn new(builds: Vec<Arc<SymbolIndex>>) -> Option<Self> {
        (!builds.is_empty()).then_some(Self {
            builds,
            source_map: Vec::new(),
        })
    }

    /// The indexes, in the order of the files.
    pub fn indexes(&self) -> &[Arc<SymbolIndex>] {
        &self.builds
    }

    /// Calls `each` with the frames at an address, innermost first.
    pub fn visit<'a>(
        &'a self,
        address: u64,
        each: impl FnMut(FrameRef<'a>),
    ) -> Result<(), Damaged> {
        let of = |index: &&Arc<SymbolIndex>| index.contains_code(address);
        let Some(index) = self.builds.iter().find(of) else {
            return Ok(());
        };
        // A Thumb code pointer has bit 0 set; it names the same instruction.
        let at = if index.is_thumb() {
            address & !1
        } else {
            address
        };
        index.visit(at, each)
    }
}

/// A symbolized address that borrows its words.
#[derive(Serialize)]
struct AddressRef<'a> {
    schema: &'static str,
    address: TargetAddr,
    frames: Vec<JsonFrame<'a>>,
}

#[derive(Serialize)]
struct JsonFrame<'a> {
    function: Option<&'a str>,
    qualified: Option<&'a str>,
    file: Option<Cow<'a, str>>,
    line: Option<u32>,
    column: Option<u32>,
    inlined: bool,
}

impl AppendNames for &IndexedNames {
    fn append_text(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged> {
        let mut is_first = true;
        self.visit(address, |frame| {
            if !is_first {
                out.extend_from_slice(b", inlined into ");
            }
            is_first = false;
            let name = frame.qualified.or(frame.function).unwrap_or("??");
            out.extend_from_slice(name.as_bytes());
            if let Some(file) = frame.file {
                out.extend_from_slice(b" at ");
                out.extend_from_slice(mapped(file, &self.source_map).as_bytes());
                if let Some(line) = frame.line {
                    out.push(b':');
                    push_decimal(line, out);
                }
            }
        })?;
        Ok(!is_first)
    }

    fn append_json(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged> {
        let mut frames = Vec::new();
        self.visit(address, |frame| {
            frames.push(JsonFrame {
                function: frame.function,
                qualified: frame.qualified,
                file: frame.file.map(|file| mapped(file, &self.source_map)),
                line: frame.line,
                column: frame.column,
                inlined: frame.inlined,
            });
        })?;
        if frames.is_empty() {
            return Ok(false);
        }
        let symbol = AddressRef {
            schema: SYMBOL_SCHEMA,
            address: TargetAddr(address),
            frames,
        };
        push_json(&symbol, out);
        Ok(true)
    }
}

impl AppendNames for Symbolizer<'_, '_> {
    fn append_text(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged> {
        let symbol = self.address(address);
        if symbol.frames.is_empty() {
            return Ok(false);
        }
        out.extend_from_slice(names(&symbol).as_bytes());
        Ok(true)
    }

    fn append_json(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged> {
        let symbol = self.address(address);
        if !symbol.frames.is_empty() {
            push_json::<SymbolizedAddress>(&symbol, out);
        }
        Ok(!symbol.frames.is_empty())
    }
}

/// One line. Strings and numbers always become JSON.
fn push_json<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    let _infallible = serde_json::to_writer(&mut *out, value);
    out.push(b'\n');
}

fn push_decimal(number: u32, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _infallible = write!(out, "{number}");
}

#[cfg(test)]
mod tests {
    use super::{AppendNames, Damaged, Style, annotate};

    struct OneName;
    impl AppendNames for OneName {
        fn append_text(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged> {
            out.extend_from_slice(if address == 0x212 { b"main" } else { b"" });
            Ok(address == 0x212)
        }
        fn append_json(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged> {
            out.extend_from_slice(format!("{address}\n").as_bytes());
            Ok(true)
        }
    }

    #[test]
    fn names_stand_behind_their_addresses_and_every_other_byte_is_kept() {
        let check = |text: &[u8], expected: &[u8]| {
            let mut out = Vec::new();
            annotate(text, Style::Text, &mut OneName, &mut out).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&out),
                String::from_utf8_lossy(expected)
            );
            assert_eq!(out, expected);
        };
        check(b"pc=0x212 lr=0x214\n", b"pc=0x212 (main) lr=0x214\n");
        check(b"\xFF00000212\xFE", b"\xFF00000212 (main)\xFE");
        check(b"0x212", b"0x212 (main)");
        check(b"_0x212 x0x212 00000212a", b"_0x212 x0x212 00000212a");
        check(b"", b"");
        let mut out = Vec::new();
        annotate(b"a 0x212 b", Style::JsonLines, &mut OneName, &mut out).unwrap();
        assert_eq!(out, b"530\n");
    }
}
