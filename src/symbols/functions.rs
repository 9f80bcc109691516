//! Which function an address lies in, and what was inlined there.

use super::debug_info::{DebugInfo, Scope};
use super::entry_ranges::RangeAttributes;
use super::live_code::Backing;
use super::names::{self, FunctionName, NameAttributes};
use std::ops::Range;

/// The deepest inlining that is followed.
const DEEPEST_INLINE: usize = 256;
/// How far overlapping siblings are searched for the right parent.
const MOST_OVERLAPS: usize = 64;

/// The functions of one unit that are on the device.
#[derive(Default)]
pub(super) struct UnitFunctions {
    /// Sorted by start.
    spans: Vec<FunctionSpan>,
    /// Greatest end of `spans[..=i]`.
    furthest_end: Vec<u64>,
}

/// One piece of a function.
#[derive(Clone, Debug)]
pub(super) struct FunctionSpan {
    pub(super) range: Range<u64>,
    pub(super) entry: gimli::UnitOffset,
}

/// What was inlined into one function.
#[derive(Default)]
pub(super) struct Inlines {
    calls: Vec<InlineCall>,
    /// Sorted by depth, then start.
    spans: Vec<InlineSpan>,
}

/// An inlined subroutine and the place of its call.
#[derive(Clone, Debug)]
pub(super) struct InlineCall {
    pub(super) entry: gimli::UnitOffset,
    pub(super) file: Option<u64>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    /// Number of the call that it lies in; lower than its own.
    pub(super) parent: Option<usize>,
}

struct InlineSpan {
    depth: usize,
    range: Range<u64>,
    call: usize,
}

impl UnitFunctions {
    /// Walks the entries of a unit. A damaged entry ends the walk; what came before stays.
    pub(super) fn parse(info: &DebugInfo<'_>, unit_idx: usize) -> Self {
        let mut spans = Vec::new();
        let Some(unit) = info.units().get(unit_idx) else {
            return Self::default();
        };
        let Ok(mut entries) = unit.entries_raw(None) else {
            return Self::default();
        };
        while !entries.is_empty() {
            let entry = entries.next_offset();
            let abbreviation = match entries.read_abbreviation() {
                Ok(Some(abbreviation)) => abbreviation,
                Ok(None) => continue,
                Err(_damaged) => break,
            };
            if abbreviation.tag() != gimli::DW_TAG_subprogram {
                if entries.skip_attributes(abbreviation.attributes()).is_err() {
                    break;
                }
                continue;
            }
            let mut ranges = RangeAttributes::default();
            let mut name = NameAttributes::default();
            let complete = abbreviation.attributes().iter().all(|spec| {
                entries.read_attribute(*spec).is_ok_and(|attribute| {
                    ranges.see(&attribute);
                    name.see(&attribute);
                    true
                })
            });
            if !complete {
                break;
            }
            if ranges.is_some() {
                let ranges = ranges.resolve(info.dwarf_of(unit_idx), unit);
                push_live(info, unit_idx, entry, &name, ranges, &mut spans);
            }
        }
        spans.sort_by_key(|s| (s.range.start, s.range.end, s.entry.0));
        let mut furthest = 0;
        let furthest_end = spans
            .iter()
            .map(|s| {
                furthest = s.range.end.max(furthest);
                furthest
            })
            .collect();
        Self {
            spans,
            furthest_end,
        }
    }

    /// The functions that `addr` lies in. There are several when code was dropped or folded.
    pub(super) fn at(&self, addr: u64) -> impl Iterator<Item = &FunctionSpan> + '_ {
        let after = self.spans.partition_point(|s| s.range.start <= addr);
        (0..after)
            .rev()
            .take_while(move |index| self.furthest_end.get(*index).is_some_and(|end| *end > addr))
            .filter_map(|index| self.spans.get(index))
            .filter(move |span| span.range.contains(&addr))
    }

    /// All pieces, sorted by start.
    pub(super) fn spans(&self) -> &[FunctionSpan] {
        &self.spans
    }
}

/// Adds the pieces of a function that are on the device. What starts at 0 (where the linker puts what it dropped)
/// needs a symbol of its name.
fn push_live<'a>(
    info: &DebugInfo<'a>,
    unit_idx: usize,
    entry: gimli::UnitOffset,
    name: &NameAttributes<'a>,
    ranges: Vec<Range<u64>>,
    spans: &mut Vec<FunctionSpan>,
) {
    let live: Vec<Range<u64>> = live_pieces(info, ranges).collect();
    let backing = if live.iter().any(|range| range.start == 0) {
        backing_of(info, &live, &names::resolve_from(info, unit_idx, name))
    } else {
        Backing::None
    };
    spans.extend(
        live.into_iter()
            .filter(|range| info.live().is_live_function(range, backing))
            .map(|range| FunctionSpan { range, entry }),
    );
}

fn live_pieces<'i>(
    info: &'i DebugInfo<'_>,
    ranges: Vec<Range<u64>>,
) -> impl Iterator<Item = Range<u64>> + 'i {
    let is_arm = info.file().is_arm();
    ranges
        .into_iter()
        .map(move |r| {
            // GNU as describes assembler functions with the Thumb bit in their address.
            let thumb_bit = if is_arm { r.start & 1 } else { 0 };
            r.start - thumb_bit..r.end - thumb_bit
        })
        .filter(|r| info.live().holds(r))
}

/// How well the symbol table backs a function: the pieces of a split one share the standing of the best one.
fn backing_of(info: &DebugInfo<'_>, live: &[Range<u64>], name: &FunctionName) -> Backing {
    let known: Vec<&str> = name
        .linkage
        .as_deref()
        .into_iter()
        .chain(name.name.as_deref())
        .collect();
    live.iter()
        .map(|r| info.live().backing(r.start, &known))
        .max()
        .unwrap_or(Backing::None)
}

/// How well the symbol table backs the function at `scope`. Asked only where functions overlap.
pub(super) fn backing(info: &DebugInfo<'_>, scope: Scope) -> Backing {
    let ranges = || {
        let unit = info.units().get(scope.unit)?;
        let mut entries = unit.entries_raw(Some(scope.entry)).ok()?;
        let abbreviation = entries.read_abbreviation().ok()??;
        let mut ranges = RangeAttributes::default();
        for spec in abbreviation.attributes() {
            ranges.see(&entries.read_attribute(*spec).ok()?);
        }
        Some(ranges.resolve(info.dwarf_of(scope.unit), unit))
    };
    let live: Vec<Range<u64>> = live_pieces(info, ranges().unwrap_or_default()).collect();
    backing_of(info, &live, &names::resolve(info, scope))
}

impl Inlines {
    /// Walks the entries below a function.
    pub(super) fn parse(info: &DebugInfo<'_>, scope: Scope) -> Self {
        let mut found = Self::default();
        // A damaged entry ends the walk; what came before is still right.
        let _complete = found.walk(info, scope);
        found
            .spans
            .sort_by_key(|s| (s.depth, s.range.start, s.call));
        found
    }

    /// The inlined calls that `addr` lies in, outermost first.
    pub(super) fn chain(&self, addr: u64) -> Vec<&InlineCall> {
        let mut chain: Vec<&InlineCall> = Vec::new();
        let mut next = self.innermost(addr);
        while let Some(call) = next.and_then(|call| self.calls.get(call)) {
            chain.push(call);
            // Calls are stored before what they enclose, so that this ends.
            next = call.parent;
        }
        chain.reverse();
        chain
    }

    /// The number of the innermost inlined call that `addr` lies in.
    pub(super) fn innermost(&self, addr: u64) -> Option<usize> {
        let mut parent = None;
        for depth in 0..DEEPEST_INLINE {
            let after = self
                .spans
                .partition_point(|s| (s.depth, s.range.start) <= (depth, addr));
            let candidates = self.spans.get(..after).unwrap_or_default();
            let hit = candidates
                .iter()
                .rev()
                .take(MOST_OVERLAPS)
                .take_while(|s| s.depth == depth)
                .find(|s| {
                    let call = self.calls.get(s.call);
                    s.range.contains(&addr) && call.is_some_and(|c| c.parent == parent)
                });
            let Some(hit) = hit else { break };
            parent = Some(hit.call);
        }
        parent
    }

    /// A call by its number.
    pub(super) fn call(&self, number: usize) -> Option<&InlineCall> {
        self.calls.get(number)
    }

    /// Addresses where the chain may change.
    pub(super) fn boundaries(&self) -> impl Iterator<Item = u64> + '_ {
        self.spans.iter().flat_map(|s| [s.range.start, s.range.end])
    }

    fn walk(&mut self, info: &DebugInfo<'_>, scope: Scope) -> Option<()> {
        let unit = info.units().get(scope.unit)?;
        let mut entries = unit.entries_raw(Some(scope.entry)).ok()?;
        let function = entries.read_abbreviation().ok()??;
        entries.skip_attributes(function.attributes()).ok()?;
        if !function.has_children() {
            return Some(());
        }
        // Inlined calls that enclose the entry being read, each with the depth of its own entry.
        let mut open: Vec<(isize, usize)> = Vec::new();
        // Depth of a nested function that is being skipped: its code is not ours.
        let mut skipping: Option<isize> = None;
        while !entries.is_empty() {
            let depth = entries.next_depth();
            if depth <= 0 {
                break;
            }
            let entry = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation().ok()? else {
                continue;
            };
            open.retain(|(d, _call)| *d < depth);
            if skipping.is_some_and(|d| depth <= d) {
                skipping = None;
            }
            if skipping.is_some() || abbreviation.tag() != gimli::DW_TAG_inlined_subroutine {
                if skipping.is_none() && abbreviation.tag() == gimli::DW_TAG_subprogram {
                    skipping = Some(depth);
                }
                entries.skip_attributes(abbreviation.attributes()).ok()?;
                continue;
            }
            let mut ranges = RangeAttributes::default();
            let mut call = InlineCall {
                entry,
                file: None,
                line: None,
                column: None,
                parent: open.last().map(|(_depth, call)| *call),
            };
            for spec in abbreviation.attributes() {
                let attribute = entries.read_attribute(*spec).ok()?;
                ranges.see(&attribute);
                call.see(&attribute);
            }
            let index = self.calls.len();
            self.calls.push(call);
            for range in ranges.resolve(info.dwarf_of(scope.unit), unit) {
                self.spans.push(InlineSpan {
                    depth: open.len(),
                    range,
                    call: index,
                });
            }
            if abbreviation.has_children() {
                open.push((depth, index));
            }
        }
        Some(())
    }
}

impl InlineCall {
    fn see(&mut self, attribute: &gimli::Attribute<super::debug_info::Reader<'_>>) {
        let number = || {
            attribute
                .udata_value()
                .and_then(|n| u32::try_from(n).ok())
                .filter(|n| *n > 0)
        };
        match attribute.name() {
            gimli::DW_AT_call_file => {
                self.file = match attribute.value() {
                    gimli::AttributeValue::FileIndex(index) => Some(index),
                    _ => attribute.udata_value(),
                }
            }
            gimli::DW_AT_call_line => self.line = number(),
            gimli::DW_AT_call_column => self.column = number(),
            _ => {}
        }
    }
}
