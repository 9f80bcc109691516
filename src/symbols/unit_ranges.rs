//! Which units describe an address: `.debug_aranges` (DWARF 5, section 6.1.2), and for units that it leaves out the
//! ranges of the unit itself.
//!
//! A large ELF has ten thousand units, and one address needs one of them: so the first questions only pass over
//! `.debug_aranges`, and a table is made when more of them come.

use super::debug_info::DebugInfo;
use super::entry_ranges::RangeAttributes;
use std::ops::Range;

/// The most units that are asked for one address.
const MOST_UNITS_AN_ADDRESS: usize = 64;
/// The most entries of `.debug_aranges` that are read.
const MOST_RANGES: usize = 32 << 20;
/// So many questions are answered by passing over `.debug_aranges`.
pub(super) const SCANS: u32 = 2;

/// Which units describe an address.
#[derive(Debug, Default)]
pub(super) struct UnitRanges {
    /// Sorted by start.
    spans: Vec<(Range<u64>, usize)>,
    /// Greatest end of `spans[..=i]`.
    furthest_end: Vec<u64>,
}

impl UnitRanges {
    /// From `.debug_aranges`, completed by what the units say that it leaves out.
    pub(super) fn quick(info: &DebugInfo<'_>) -> Self {
        let mut spans = Vec::new();
        let missing = for_each_arange(info, |range, unit| {
            if info.live().touches(&range) {
                spans.push((range, unit));
            }
        });
        for unit in missing {
            push_own(info, unit, &mut spans);
        }
        Self::new(spans)
    }

    /// From what every unit says of itself.
    pub(super) fn complete(info: &DebugInfo<'_>) -> Self {
        let mut spans = Vec::new();
        for unit in 0..info.units().len() {
            push_own(info, unit, &mut spans);
        }
        Self::new(spans)
    }

    fn new(mut spans: Vec<(Range<u64>, usize)>) -> Self {
        spans.sort_unstable_by_key(|(range, unit)| (range.start, range.end, *unit));
        let mut furthest = 0;
        let furthest_end = spans
            .iter()
            .map(|(range, _unit)| {
                furthest = range.end.max(furthest);
                furthest
            })
            .collect();
        Self {
            spans,
            furthest_end,
        }
    }

    /// The units at an address, in the order of the file.
    pub(super) fn at(&self, addr: u64) -> Vec<usize> {
        let after = self.spans.partition_point(|(r, _unit)| r.start <= addr);
        let mut found = Vec::new();
        for index in (0..after).rev() {
            if self.furthest_end.get(index).is_none_or(|end| *end <= addr)
                || found.len() >= MOST_UNITS_AN_ADDRESS
            {
                break;
            }
            if let Some((range, unit)) = self.spans.get(index)
                && range.contains(&addr)
                && !found.contains(unit)
            {
                found.push(*unit);
            }
        }
        found.sort_unstable();
        found
    }

    /// All ranges, sorted by start.
    pub(super) fn spans(&self) -> &[(Range<u64>, usize)] {
        &self.spans
    }
}

/// The units at one address, found without a table.
pub(super) fn scan(info: &DebugInfo<'_>, addr: u64) -> Vec<usize> {
    let mut found = Vec::new();
    let missing = for_each_arange(info, |range, unit| {
        if range.contains(&addr) && found.len() < MOST_UNITS_AN_ADDRESS {
            found.push(unit);
        }
    });
    for unit in missing {
        let own = info.ranges_of_unit(unit);
        if own.iter().any(|range| range.contains(&addr)) && found.len() < MOST_UNITS_AN_ADDRESS {
            found.push(unit);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// True when there is anything in `.debug_aranges`: then [`UnitRanges::quick`] may know less than `complete`.
pub(super) fn has_aranges(info: &DebugInfo<'_>) -> bool {
    !info.file().debug_section(".debug_aranges").is_empty()
}

/// Calls `found` for every range; answers the units that `.debug_aranges` leaves out.
fn for_each_arange(info: &DebugInfo<'_>, mut found: impl FnMut(Range<u64>, usize)) -> Vec<usize> {
    let directory = info.unit_directory();
    let mut is_missing = vec![true; directory.len()];
    let section = DebugInfo::section_reader(info.file(), ".debug_aranges");
    let section = gimli::DebugAranges::from(section);
    let mut headers = section.headers();
    let mut n_left = MOST_RANGES;
    // A damaged header ends it: the units behind it count as missing, and are asked themselves.
    while let Ok(Some(header)) = headers.next() {
        let Some(unit) = directory.unit_at(header.debug_info_offset().0) else {
            continue;
        };
        let mut entries = header.entries();
        let is_whole = loop {
            match entries.next() {
                Ok(Some(entry)) if n_left > 0 => {
                    n_left -= 1;
                    let range = entry.range();
                    if range.begin < range.end {
                        found(range.begin..range.end, unit);
                    }
                }
                Ok(Some(_)) | Err(_) => break false,
                Ok(None) => break true,
            }
        };
        if is_whole && let Some(missing) = is_missing.get_mut(unit) {
            *missing = false;
        }
    }
    (0..directory.len())
        .filter(|unit| is_missing.get(*unit) == Some(&true))
        .collect()
}

fn push_own(info: &DebugInfo<'_>, unit: usize, spans: &mut Vec<(Range<u64>, usize)>) {
    let own = info.ranges_of_unit(unit).into_iter();
    spans.extend(
        own.filter(|range| info.live().touches(range))
            .map(|range| (range, unit)),
    );
}

impl DebugInfo<'_> {
    /// What the unit says of its addresses; if it says nothing, what its functions and lines say.
    pub(super) fn ranges_of_unit(&self, unit_idx: usize) -> Vec<Range<u64>> {
        // Of a split unit the ELF itself has the addresses.
        let skeleton = self.skeleton(unit_idx);
        let Some(unit) = skeleton.as_ref().or_else(|| self.units().get(unit_idx)) else {
            return Vec::new();
        };
        let mut attributes = RangeAttributes::default();
        let mut is_compile_unit = false;
        if let Ok(mut entries) = unit.entries_raw(None)
            && let Ok(Some(abbreviation)) = entries.read_abbreviation()
        {
            is_compile_unit = matches!(
                abbreviation.tag(),
                gimli::DW_TAG_compile_unit | gimli::DW_TAG_skeleton_unit
            );
            for spec in abbreviation.attributes() {
                let Ok(attribute) = entries.read_attribute(*spec) else {
                    break;
                };
                attributes.see(&attribute);
            }
        }
        if attributes.is_some() || !is_compile_unit {
            return attributes.resolve(self.dwarf(), unit);
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
}
