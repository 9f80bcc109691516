//! Address to source: what was running there, in which file, on which line, inlined into what.

use super::debug_info::{DebugInfo, Scope, SourceFrame};
use super::functions::{self, FunctionSpan, Inlines, UnitFunctions};
use super::lines::UnitLines;
use super::live_code::Backing;
use super::names;
use super::unit_ranges::{self, UnitRanges};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// What was parsed so far.
#[derive(Default)]
pub(super) struct Cache {
    n_scans: Cell<u32>,
    complete_ranges: OnceCell<UnitRanges>,
    backings: RefCell<BTreeMap<Scope, Backing>>,
    functions: RefCell<BTreeMap<usize, Rc<UnitFunctions>>>,
    lines: RefCell<BTreeMap<usize, Rc<UnitLines>>>,
    inlines: RefCell<BTreeMap<Scope, Rc<Inlines>>>,
    names: RefCell<BTreeMap<Scope, Rc<ShownName>>>,
}

/// A name as it is shown: demangling it for every address would take most of the time.
pub(super) struct ShownName {
    pub(super) function: Option<String>,
    pub(super) qualified: Option<String>,
}

impl DebugInfo<'_> {
    /// What is at `lookup`, innermost inlined function first, the function itself last; empty when nothing is known.
    ///
    /// `lookup` is the program counter itself, or a return address minus one.
    pub fn source_frames(&self, lookup: u64) -> Vec<SourceFrame> {
        let indexed = self.index().and_then(|index| index.lookup(lookup).ok());
        indexed.unwrap_or_else(|| self.parsed_source_frames(lookup))
    }

    /// The same without the index.
    pub(super) fn parsed_source_frames(&self, lookup: u64) -> Vec<SourceFrame> {
        if !self.live().contains(lookup) {
            return Vec::new();
        }
        let mut units = self.units_at(lookup);
        if let Some((unit, span)) = self.best_function(&units, lookup) {
            return self.function_frames(lookup, unit, span.entry);
        }
        if !units
            .iter()
            .any(|unit| self.lines(*unit).find(lookup).is_some())
        {
            // What .debug_aranges leaves out a unit may know all the same.
            units = self.all_units_at(lookup);
            if let Some((unit, span)) = self.best_function(&units, lookup) {
                return self.function_frames(lookup, unit, span.entry);
            }
        }
        let mut frame = self.symbol_frame(lookup);
        for unit in units {
            let lines = self.lines(unit);
            if let Some(row) = lines.find(lookup) {
                frame.file = lines.file(row.file()).map(|f| f.to_string());
                frame.line = row.line();
                // A column of no line is no place.
                let has_place = frame.file.is_some() || frame.line.is_some();
                frame.column = row.column().filter(|_column| has_place);
                break;
            }
        }
        if frame == SourceFrame::default() {
            Vec::new()
        } else {
            vec![frame]
        }
    }

    /// Addresses of the function that `addr` lies in (of a split function, the piece).
    pub fn function_range(&self, addr: u64) -> Option<Range<u64>> {
        let symbols = self.file().symbols();
        let by_symbol = symbols.function_range_at(addr);
        by_symbol.or_else(|| {
            let best = self.best_function(&self.all_units_at(addr), addr);
            best.map(|(_unit, span)| span.range)
        })
    }

    /// The folder that the unit at `addr` was compiled in: file names of its frames are relative to it.
    pub fn comp_dir_at(&self, addr: u64) -> Option<String> {
        self.units_at(addr)
            .into_iter()
            .find_map(|unit| self.comp_dir(unit))
    }

    /// The folder that a unit was compiled in.
    pub fn comp_dir(&self, unit: usize) -> Option<String> {
        let dir = self.units().get(unit)?.comp_dir?;
        Some(dir.to_string_lossy().into_owned())
    }

    /// Names of the files of a unit by the index that `DW_AT_decl_file` uses.
    pub fn file_name(&self, unit: usize, index: u64) -> Option<String> {
        self.lines(unit).file(index).map(|f| f.to_string())
    }

    fn function_frames(
        &self,
        lookup: u64,
        unit: usize,
        entry: gimli::UnitOffset,
    ) -> Vec<SourceFrame> {
        let lines = self.lines(unit);
        let row = lines.find(lookup);
        let mut place = SourceFrame {
            file: row
                .and_then(|r| lines.file(r.file()))
                .map(|f| f.to_string()),
            line: row.and_then(|r| r.line()),
            column: row.and_then(|r| r.column()),
            ..SourceFrame::default()
        };
        let mut frames = Vec::new();
        let inlines = self.inlines(Scope { unit, entry });
        for call in inlines.chain(lookup).into_iter().rev() {
            let scope = Scope {
                unit,
                entry: call.entry,
            };
            let name = self.name(scope);
            frames.push(SourceFrame {
                function: name.function.clone(),
                qualified: name.qualified.clone(),
                inlined: true,
                scope: Some(scope),
                ..place
            });
            place = SourceFrame {
                file: call
                    .file
                    .and_then(|index| lines.file(index))
                    .map(|f| f.to_string()),
                line: call.line,
                column: call.column,
                ..SourceFrame::default()
            };
        }
        let scope = Scope { unit, entry };
        let name = self.name(scope);
        let named = SourceFrame {
            function: name.function.clone(),
            qualified: name.qualified.clone(),
            ..SourceFrame::default()
        };
        let named = if named.function.is_some() {
            named
        } else {
            // All of a function is called what its beginning is called, whatever symbols lie in it.
            let functions = self.functions(unit);
            let first = functions.spans().iter().find(|span| span.entry == entry);
            self.symbol_frame(first.map_or(lookup, |span| span.range.start))
        };
        frames.push(SourceFrame {
            function: named.function,
            qualified: named.qualified,
            inlined: false,
            scope: Some(scope),
            ..place
        });
        frames
    }

    /// What the symbol table alone says.
    pub(super) fn symbol_frame(&self, lookup: u64) -> SourceFrame {
        let Some(symbol) = self.file().symbols().code_at(lookup) else {
            return SourceFrame::default();
        };
        let name = super::demangle::qualified(&symbol.name).unwrap_or_else(|| symbol.name.clone());
        SourceFrame {
            function: Some(name.clone()),
            qualified: Some(name),
            ..SourceFrame::default()
        }
    }

    /// The function that `addr` lies in: of several the best backed, then the smallest, then the first.
    fn best_function(&self, units: &[usize], addr: u64) -> Option<(usize, FunctionSpan)> {
        let mut found: Vec<(usize, FunctionSpan)> = Vec::new();
        for unit in units {
            let functions = self.functions(*unit);
            found.extend(functions.at(addr).map(|span| (*unit, span.clone())));
        }
        if found.len() < 2 {
            return found.pop();
        }
        found.into_iter().min_by_key(|(unit, span)| {
            let scope = Scope {
                unit: *unit,
                entry: span.entry,
            };
            standing(self.backing(scope), span, *unit)
        })
    }

    pub(super) fn backing(&self, scope: Scope) -> Backing {
        let known = self.cache().backings.borrow().get(&scope).copied();
        known.unwrap_or_else(|| {
            let backing = functions::backing(self, scope);
            self.cache().backings.borrow_mut().insert(scope, backing);
            backing
        })
    }

    fn units_at(&self, addr: u64) -> Vec<usize> {
        let n_scans = self.cache().n_scans.get();
        let known = self.file().unit_ranges();
        if known.get().is_none() && n_scans < unit_ranges::SCANS {
            self.cache().n_scans.set(n_scans.saturating_add(1));
            return unit_ranges::scan(self, addr);
        }
        known.get_or_init(|| UnitRanges::quick(self)).at(addr)
    }

    fn all_units_at(&self, addr: u64) -> Vec<usize> {
        if !unit_ranges::has_aranges(self) {
            return self.units_at(addr);
        }
        let complete = &self.cache().complete_ranges;
        complete.get_or_init(|| UnitRanges::complete(self)).at(addr)
    }

    pub(super) fn functions(&self, unit: usize) -> Rc<UnitFunctions> {
        remembered(&self.cache().functions, unit, || {
            UnitFunctions::parse(self, unit)
        })
    }

    pub(super) fn lines(&self, unit: usize) -> Rc<UnitLines> {
        remembered(&self.cache().lines, unit, || {
            // Lines stay in the ELF when the rest of the unit cannot be read.
            let parsed = self.units().get(unit).map(|u| UnitLines::parse(self, u));
            let skeleton = || self.skeleton(unit).map(|u| UnitLines::parse(self, &u));
            parsed.or_else(skeleton).unwrap_or_default()
        })
    }

    pub(super) fn inlines(&self, scope: Scope) -> Rc<Inlines> {
        remembered(&self.cache().inlines, scope, || Inlines::parse(self, scope))
    }

    /// The name of the function at `scope`. Instances of an inlined function share the one of what was inlined.
    pub(super) fn name(&self, scope: Scope) -> Rc<ShownName> {
        if let Some(known) = self.cache().names.borrow().get(&scope) {
            return Rc::clone(known);
        }
        let (name, origin) = self.name_and_origin(scope);
        if origin != scope {
            self.cache()
                .names
                .borrow_mut()
                .insert(scope, Rc::clone(&name));
        }
        name
    }

    /// The same for one who asks only once: what others share is remembered, and who asked is not.
    pub(super) fn name_once(&self, scope: Scope) -> Rc<ShownName> {
        self.name_and_origin(scope).0
    }

    fn name_and_origin(&self, scope: Scope) -> (Rc<ShownName>, Scope) {
        let origin = names::naming_scope(self, scope);
        let name = remembered(&self.cache().names, origin, || {
            let name = names::resolve(self, origin);
            ShownName {
                function: name.function(),
                qualified: name.qualified(),
            }
        });
        (name, origin)
    }
}

/// How a function stands among those that claim the same address: less is better.
pub(super) fn standing(
    backing: Backing,
    span: &FunctionSpan,
    unit: usize,
) -> (std::cmp::Reverse<Backing>, u64, usize, usize) {
    let size = span.range.end.saturating_sub(span.range.start);
    (std::cmp::Reverse(backing), size, span.entry.0, unit)
}

/// The remembered value, or a new one; nothing is borrowed while it is made.
fn remembered<K: Ord + Copy, V>(
    cache: &RefCell<BTreeMap<K, Rc<V>>>,
    key: K,
    make: impl FnOnce() -> V,
) -> Rc<V> {
    if let Some(found) = cache.borrow().get(&key) {
        return Rc::clone(found);
    }
    let made = Rc::new(make());
    cache.borrow_mut().insert(key, Rc::clone(&made));
    made
}
