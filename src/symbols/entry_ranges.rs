//! Addresses of a debug entry: `DW_AT_low_pc`, `DW_AT_high_pc`, `DW_AT_ranges` (DWARF 5, section 2.17).
//!
//! Our own, because gimli's adds `low + size` unchecked, which a damaged file can make overflow.

use super::debug_info::{Reader, Unit};
use gimli::AttributeValue;
use std::ops::Range;

/// The most ranges that are read for one entry.
const MOST_RANGES: usize = 1 << 16;

/// What an entry says of its addresses, as far as it was read.
#[derive(Default)]
pub(super) struct RangeAttributes<'a> {
    low: Option<AttributeValue<Reader<'a>>>,
    high: Option<AttributeValue<Reader<'a>>>,
    ranges: Option<AttributeValue<Reader<'a>>>,
}

impl<'a> RangeAttributes<'a> {
    /// Takes note of an attribute if it is one of the three.
    pub(super) fn see(&mut self, attribute: &gimli::Attribute<Reader<'a>>) {
        match attribute.name() {
            gimli::DW_AT_low_pc => self.low = Some(attribute.value()),
            gimli::DW_AT_high_pc => self.high = Some(attribute.value()),
            gimli::DW_AT_ranges => self.ranges = Some(attribute.value()),
            _ => {}
        }
    }

    /// True when the entry has addresses at all.
    pub(super) fn is_some(&self) -> bool {
        self.ranges.is_some() || (self.low.is_some() && self.high.is_some())
    }

    /// The addresses; empty ranges are left out. `dwarf` are the sections of the unit.
    pub(super) fn resolve(
        &self,
        dwarf: &gimli::Dwarf<Reader<'a>>,
        unit: &Unit<'a>,
    ) -> Vec<Range<u64>> {
        let mut found = Vec::new();
        if let Some(list) = self
            .ranges
            .and_then(|value| dwarf.attr_ranges(unit, value).ok().flatten())
        {
            let mut list = list;
            while let Ok(Some(range)) = list.next() {
                if range.begin < range.end {
                    found.push(range.begin..range.end);
                }
                if found.len() >= MOST_RANGES {
                    break;
                }
            }
            return found;
        }
        let address = |value| dwarf.attr_address(unit, value).ok().flatten();
        if let (Some(start), Some(high)) = (self.low.and_then(address), self.high) {
            let end = match high {
                AttributeValue::Udata(size) => start.checked_add(size),
                other => address(other)
                    .or_else(|| other.udata_value().and_then(|size| start.checked_add(size))),
            };
            if let Some(end) = end.filter(|end| start < *end) {
                found.push(start..end);
            }
        }
        found
    }
}
