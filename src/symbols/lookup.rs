//! Address to source: what was running there, in which file, on which line, inlined into what.

use super::debug_info::{DebugInfo, Scope, SourceFrame};
use super::functions::{self, FunctionSpan, Inlines, UnitFunctions};
use super::lines::UnitLines;
use super::names;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// The most units that are asked for one address.
const MOST_UNITS_AN_ADDRESS: usize = 64;

/// What was parsed so far.
#[derive(Default)]
pub(super) struct Cache {
    unit_ranges: OnceCell<UnitRanges>,
    functions: RefCell<BTreeMap<usize, Rc<UnitFunctions>>>,
    lines: RefCell<BTreeMap<usize, Rc<UnitLines>>>,
    inlines: RefCell<BTreeMap<Scope, Rc<Inlines>>>,
    names: RefCell<BTreeMap<Scope, Rc<ShownName>>>,
}

/// A name as it is shown: demangling it for every address would take most of the time.
struct ShownName {
    function: Option<String>,
    qualified: Option<String>,
}

/// Which units describe an address.
struct UnitRanges {
    /// Sorted by start.
    spans: Vec<(Range<u64>, usize)>,
    /// Greatest end of `spans[..=i]`.
    furthest_end: Vec<u64>,
}

impl DebugInfo<'_> {
    /// What is at `lookup`, innermost inlined function first, the function itself last; empty when nothing is known.
    ///
    /// `lookup` is the program counter itself, or a return address minus one.
    pub fn source_frames(&self, lookup: u64) -> Vec<SourceFrame> {
        match self.index() {
            Some(index) => index.lookup(lookup),
            None => self.parsed_source_frames(lookup),
        }
    }

    /// The same without the index.
    pub(super) fn parsed_source_frames(&self, lookup: u64) -> Vec<SourceFrame> {
        if !self.live().contains(lookup) {
            return Vec::new();
        }
        let units = self.units_at(lookup);
        let mut best: Option<(usize, FunctionSpan)> = None;
        for unit in &units {
            let functions = self.functions(*unit);
            if let Some(span) = functions.find(lookup)
                && best
                    .as_ref()
                    .is_none_or(|(_unit, b)| functions::is_better(span, b))
            {
                best = Some((*unit, span.clone()));
            }
        }
        if let Some((unit, span)) = best {
            return self.function_frames(lookup, unit, span.entry);
        }
        let mut frame = self.symbol_frame(lookup);
        for unit in units {
            let lines = self.lines(unit);
            if let Some(row) = lines.find(lookup) {
                frame.file = lines.file(row.file).map(|f| f.to_string());
                frame.line = row.line;
                frame.column = row.column;
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
            self.units_at(addr)
                .into_iter()
                .find_map(|unit| self.functions(unit).find(addr).map(|s| s.range.clone()))
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

    /// Addresses where the answer may change, sorted; between two of them it is the same.
    pub(super) fn boundaries(
        &self,
        mut tick: impl FnMut(u64, u64) -> Result<(), crate::model::progress::Cancelled>,
    ) -> Result<Vec<u64>, crate::model::progress::Cancelled> {
        let mut found: Vec<u64> = self
            .file()
            .code_ranges()
            .flat_map(|r| [r.start, r.end])
            .collect();
        for symbol in self.file().symbols().iter() {
            found.push(symbol.address);
            found.push(symbol.address.saturating_add(symbol.size));
        }
        let total = self.units().len();
        for unit in 0..total {
            tick(unit as u64, total as u64)?;
            let functions = self.functions(unit);
            for span in functions.spans() {
                found.extend([span.range.start, span.range.end]);
                let scope = Scope {
                    unit,
                    entry: span.entry,
                };
                found.extend(self.inlines(scope).boundaries());
            }
            found.extend(self.lines(unit).boundaries());
        }
        for (range, _unit) in &self.unit_ranges().spans {
            found.extend([range.start, range.end]);
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|addr| {
            self.live().contains(*addr)
                || addr.checked_sub(1).is_some_and(|a| self.live().contains(a))
        });
        Ok(found)
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
            file: row.and_then(|r| lines.file(r.file)).map(|f| f.to_string()),
            line: row.and_then(|r| r.line),
            column: row.and_then(|r| r.column),
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
            self.symbol_frame(lookup)
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
    fn symbol_frame(&self, lookup: u64) -> SourceFrame {
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

    fn units_at(&self, addr: u64) -> Vec<usize> {
        let ranges = self.unit_ranges();
        let after = ranges.spans.partition_point(|(r, _unit)| r.start <= addr);
        let mut found = Vec::new();
        for index in (0..after).rev() {
            if ranges
                .furthest_end
                .get(index)
                .is_none_or(|end| *end <= addr)
                || found.len() >= MOST_UNITS_AN_ADDRESS
            {
                break;
            }
            if let Some((range, unit)) = ranges.spans.get(index)
                && range.contains(&addr)
                && !found.contains(unit)
            {
                found.push(*unit);
            }
        }
        found.sort_unstable();
        found
    }

    fn unit_ranges(&self) -> &UnitRanges {
        self.cache().unit_ranges.get_or_init(|| {
            let mut spans: Vec<(Range<u64>, usize)> = Vec::new();
            for unit in 0..self.units().len() {
                let own = self.ranges_of_unit(unit);
                spans.extend(
                    own.into_iter()
                        .filter(|r| self.live().touches(r))
                        .map(|r| (r, unit)),
                );
            }
            spans.sort_by_key(|(range, unit)| (range.start, range.end, *unit));
            let mut furthest = 0;
            let furthest_end = spans
                .iter()
                .map(|(range, _unit)| {
                    furthest = range.end.max(furthest);
                    furthest
                })
                .collect();
            UnitRanges {
                spans,
                furthest_end,
            }
        })
    }

    /// What the unit says of its addresses; if it says nothing, what its functions and lines say.
    fn ranges_of_unit(&self, unit_idx: usize) -> Vec<Range<u64>> {
        let Some(unit) = self.units().get(unit_idx) else {
            return Vec::new();
        };
        let mut attributes = super::entry_ranges::RangeAttributes::default();
        let mut is_compile_unit = false;
        if let Ok(mut entries) = unit.entries_raw(None)
            && let Ok(Some(abbreviation)) = entries.read_abbreviation()
        {
            is_compile_unit = abbreviation.tag() == gimli::DW_TAG_compile_unit;
            for spec in abbreviation.attributes() {
                let Ok(attribute) = entries.read_attribute(*spec) else {
                    break;
                };
                attributes.see(&attribute);
            }
        }
        if attributes.is_some() || !is_compile_unit {
            return attributes.resolve(self, unit);
        }
        let functions = self.functions(unit_idx);
        let lines = self.lines(unit_idx);
        functions
            .spans()
            .iter()
            .map(|s| s.range.clone())
            .chain(lines.ranges())
            .collect()
    }

    fn functions(&self, unit: usize) -> Rc<UnitFunctions> {
        remembered(&self.cache().functions, unit, || {
            UnitFunctions::parse(self, unit)
        })
    }

    fn lines(&self, unit: usize) -> Rc<UnitLines> {
        remembered(&self.cache().lines, unit, || {
            self.units()
                .get(unit)
                .map(|u| UnitLines::parse(self, u))
                .unwrap_or_default()
        })
    }

    fn inlines(&self, scope: Scope) -> Rc<Inlines> {
        remembered(&self.cache().inlines, scope, || Inlines::parse(self, scope))
    }

    fn name(&self, scope: Scope) -> Rc<ShownName> {
        remembered(&self.cache().names, scope, || {
            let name = names::resolve(self, scope);
            ShownName {
                function: name.function(),
                qualified: name.qualified(),
            }
        })
    }
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
