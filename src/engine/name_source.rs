//! Where `fieldscope symbolize` gets its names from: an index if there is one, the ELF if not, and an index that is
//! built on the spot when there are more addresses than are worth looking up one by one.

use super::index_cache::IndexCache;
use super::matching::Matched;
use super::named_text::{AppendNames, IndexedNames, Style, addresses_in, annotate};
use super::one_shot::open_symbol_files;
use super::parallel;
use super::reports::with_symbols;
use super::source_map::SourceMapping;
use super::symbolize::{SymbolizedAddress, Symbolizer};
use super::text_stream::{self, Lines};
use crate::model::addr::TargetAddr;
use crate::model::progress::{Cancelled, Progress};
use crate::symbols::error::SymbolError;
use crate::symbols::index::Damaged;
use crate::symbols::symbol_file::SymbolFile;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// So many addresses are answered faster by an index, even when it has to be built first.
const WORTH_AN_INDEX: usize = 20_000;
/// So many at once are worth the help of other threads.
const WORTH_THREADS: usize = 500;
/// Pieces of neighbouring addresses for each thread: some take longer than others.
const PIECES_A_THREAD: usize = 2;

/// The names of the ELFs of one device.
pub struct NameSource<'a> {
    /// The ELFs by path; they are opened when an index does not serve.
    elfs: &'a [PathBuf],
    debug_dirs: &'a [PathBuf],
    cache: &'a IndexCache,
    source_map: &'a [SourceMapping],
    indexed: Option<IndexedNames>,
    files: Option<Vec<Arc<SymbolFile>>>,
    is_index_new: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// Text cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl<'a> NameSource<'a> {
    /// The ELFs at these paths. They are opened only when the cache has no index of them.
    pub fn for_paths(
        elfs: &'a [PathBuf],
        debug_dirs: &'a [PathBuf],
        cache: &'a IndexCache,
    ) -> Result<Self, SymbolError> {
        let indexed = IndexedNames::for_paths(elfs, cache);
        let files = match &indexed {
            Some(_) => None,
            None => Some(open_symbol_files(elfs, debug_dirs)?),
        };
        let mut source = Self {
            elfs,
            debug_dirs,
            cache,
            source_map: &[],
            indexed,
            files,
            is_index_new: false,
        };
        source.look_for_indexes();
        Ok(source)
    }

    /// Opened files.
    pub fn for_files(files: Vec<Arc<SymbolFile>>, cache: &'a IndexCache) -> Self {
        let mut source = Self {
            elfs: &[],
            debug_dirs: &[],
            cache,
            source_map: &[],
            indexed: None,
            files: Some(files),
            is_index_new: false,
        };
        source.look_for_indexes();
        source
    }

    /// Source paths are shown by these mappings from now on.
    #[must_use]
    pub fn with_source_map(mut self, source_map: &'a [SourceMapping]) -> Self {
        self.source_map = source_map;
        let indexed = self.indexed.take();
        self.indexed = indexed.map(|names| names.with_source_map(source_map));
        self
    }

    /// Writes a line for each address, named or not.
    pub fn addresses(
        &mut self,
        addresses: &[u64],
        style: Style,
        out: &mut dyn Write,
    ) -> Result<(), NameError> {
        let mut answer = Vec::new();
        let is_done = self.indexed.as_ref().is_some_and(|mut names| {
            let mut each = addresses.iter();
            each.all(|address| line(*address, style, &mut names, &mut answer))
        });
        if !is_done {
            answer.clear();
            self.with_elf(|names| {
                for address in addresses {
                    line(*address, style, names, &mut answer);
                }
            });
        }
        out.write_all(&answer)?;
        Ok(())
    }

    /// Copies a text with names behind its addresses. A pipe is answered as it goes.
    pub fn text<R: Read + Send>(
        &mut self,
        input: R,
        style: Style,
        progress: &dyn Progress,
        out: &mut dyn Write,
    ) -> Result<(), NameError> {
        let mut lines = Lines::new(input);
        if self.indexed.is_none() {
            let files = self.opened().to_vec();
            let matched = Matched {
                files: files.clone(),
                ..Matched::default()
            };
            // What the few addresses of a log need is parsed once and remembered.
            let source_map = self.source_map;
            let rest = with_symbols(&matched, self.cache, |symbols| {
                let mut names = Symbolizer::new(symbols, source_map);
                let mut n_addresses = 0;
                while let Some(some) = lines.next_lines()? {
                    n_addresses += addresses_in(&some).count();
                    if n_addresses > WORTH_AN_INDEX && !files.is_empty() {
                        return Ok(Some(some));
                    }
                    let mut answer = Vec::new();
                    // The ELF itself is never a damaged index.
                    let _always = if n_addresses < WORTH_THREADS {
                        annotate(&some, style, &mut names, &mut answer)
                    } else {
                        let mut known = known_names(&matched, source_map, &some, style, progress)?;
                        annotate(&some, style, &mut known, &mut answer)
                    };
                    out.write_all(&answer)?;
                    out.flush()?;
                }
                Ok::<_, NameError>(None)
            })?;
            let Some(rest) = rest else { return Ok(()) };
            let built = IndexedNames::build(&files, progress)?;
            self.indexed = built.map(|names| names.with_source_map(source_map));
            self.is_index_new = self.indexed.is_some();
            return self.indexed_text(Some(rest), &mut lines, style, out);
        }
        self.indexed_text(None, &mut lines, style, out)
    }

    fn indexed_text<R: Read + Send>(
        &mut self,
        mut first: Option<Vec<u8>>,
        lines: &mut Lines<R>,
        style: Style,
        out: &mut dyn Write,
    ) -> Result<(), NameError> {
        let names = self.indexed.take();
        let work = |some: &[u8], answer: &mut Vec<u8>| {
            let names = names.as_ref();
            names.is_some_and(|mut names| annotate(some, style, &mut names, answer).is_ok())
        };
        let mut instead = |some: &[u8], answer: &mut Vec<u8>| {
            answer.clear();
            self.with_elf(|names| {
                let _always = annotate(some, style, names, answer);
            });
        };
        let mut told = Ok(());
        while let Some(some) = match first.take() {
            Some(some) => Some(some),
            None => lines.next_lines()?,
        } {
            if text_stream::is_bulk(&some) {
                told = text_stream::in_parallel(some, lines, &work, &mut instead, out);
                break;
            }
            let mut answer = Vec::new();
            if !work(&some, &mut answer) {
                instead(&some, &mut answer);
            }
            out.write_all(&answer)?;
            out.flush()?;
        }
        self.indexed = names;
        Ok(told?)
    }

    /// Keeps what was learnt, so that the next call is fast. To be called when the answer is out.
    pub fn keep(mut self, progress: &dyn Progress) -> Result<(), Cancelled> {
        let is_damaged = self.indexed.as_ref().is_some_and(|names| {
            let mut indexes = names.indexes().iter();
            indexes.any(|index| !index.check_if_small() || index.is_damaged())
        });
        if let (Some(names), false) = (&self.indexed, is_damaged) {
            if self.is_index_new {
                let files = self.files.iter().flatten();
                for (file, index) in files.zip(names.indexes()) {
                    self.cache.put(file, index);
                }
            }
            return Ok(());
        }
        let cache = self.cache;
        for file in self.opened() {
            if is_damaged {
                cache.forget(file);
            }
            cache.keep(file, progress)?;
        }
        Ok(())
    }

    fn look_for_indexes(&mut self) {
        if let (None, Some(files)) = (&self.indexed, &self.files) {
            self.indexed = IndexedNames::for_files(files, self.cache);
        }
    }

    /// The ELFs, opened now if they were not; none when they are gone by now.
    fn opened(&mut self) -> &[Arc<SymbolFile>] {
        let (elfs, debug_dirs) = (self.elfs, self.debug_dirs);
        self.files
            .get_or_insert_with(|| open_symbol_files(elfs, debug_dirs).unwrap_or_default())
    }

    fn with_elf<T>(&mut self, use_it: impl FnOnce(&mut Symbolizer<'_, '_>) -> T) -> T {
        let matched = Matched {
            files: self.opened().to_vec(),
            ..Matched::default()
        };
        with_symbols(&matched, &IndexCache::disabled(), |symbols| {
            use_it(&mut Symbolizer::new(symbols, self.source_map))
        })
    }
}

/// Names that were looked up beforehand, as they stand in the text.
struct KnownNames {
    by_address: BTreeMap<u64, Vec<u8>>,
}

impl AppendNames for KnownNames {
    fn append_text(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged> {
        let known = self.by_address.get(&address);
        out.extend_from_slice(known.map(Vec::as_slice).unwrap_or_default());
        Ok(known.is_some())
    }

    fn append_json(&mut self, address: u64, out: &mut Vec<u8>) -> Result<bool, Damaged> {
        self.append_text(address, out)
    }
}

/// Looks up all addresses of a text. Each thread takes neighbours, so that hardly a unit is parsed by two of them.
fn known_names(
    matched: &Matched,
    source_map: &[SourceMapping],
    text: &[u8],
    style: Style,
    progress: &dyn Progress,
) -> Result<KnownNames, Cancelled> {
    let mut wanted: Vec<u64> = addresses_in(text).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let piece = wanted.len().div_ceil(n_threads * PIECES_A_THREAD).max(1);
    let pieces: Vec<&[u64]> = wanted.chunks(piece).collect();
    let found = parallel::in_order(&pieces, progress, |piece, progress| {
        with_symbols(matched, &IndexCache::disabled(), |symbols| {
            let mut names = Symbolizer::new(symbols, source_map);
            let mut found = Vec::new();
            for address in *piece {
                progress.tick(0, 0)?;
                let mut words = Vec::new();
                let is_named = match style {
                    Style::Text => names.append_text(*address, &mut words),
                    Style::JsonLines => names.append_json(*address, &mut words),
                };
                if is_named == Ok(true) {
                    found.push((*address, words));
                }
            }
            Ok(found)
        })
    })?;
    Ok(KnownNames {
        by_address: found.into_iter().flatten().collect(),
    })
}

/// A line for one address. False when the index is damaged.
fn line(address: u64, style: Style, names: &mut impl AppendNames, out: &mut Vec<u8>) -> bool {
    let named = match style {
        Style::Text => {
            out.extend_from_slice(format!("{} ", TargetAddr(address)).as_bytes());
            names.append_text(address, out)
        }
        Style::JsonLines => names.append_json(address, out),
    };
    let Ok(is_named) = named else { return false };
    match (style, is_named) {
        (Style::Text, true) => out.push(b'\n'),
        (Style::Text, false) => out.extend_from_slice(b"??\n"),
        (Style::JsonLines, true) => {}
        (Style::JsonLines, false) => {
            let unknown = SymbolizedAddress::unknown(address);
            let _infallible = serde_json::to_writer(&mut *out, &unknown);
            out.push(b'\n');
        }
    }
    true
}
