//! Which addresses a unit is listed for, and how: whoever asks the ELF asks the listed units first, so that the index has
//! to prefer what they say, too.

use std::ops::Range;

/// How a unit comes to speak for an address; better is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Listed {
    /// The table of units has it there (`.debug_aranges`; without one the unit itself).
    ByTable,
    /// Only the unit says so.
    ByUnit,
    /// Nobody does: the unit is damaged.
    Nowhere,
}

/// The addresses of one unit.
pub(super) struct Listing {
    /// Sorted and disjoint.
    pub(super) by_table: Vec<Range<u64>>,
    /// Sorted and disjoint.
    pub(super) by_unit: Vec<Range<u64>>,
}

impl Listing {
    /// The pieces of a range, each with who lists it. Together they are the range.
    pub(super) fn pieces(&self, range: &Range<u64>) -> impl Iterator<Item = (Range<u64>, Listed)> {
        let end = range.end;
        let mut at = range.start;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let (in_table, table_until) = inside(&self.by_table, at);
            let (in_unit, unit_until) = inside(&self.by_unit, at);
            let (listed, until) = match (in_table, in_unit) {
                (true, _) => (Listed::ByTable, table_until),
                (false, true) => (Listed::ByUnit, table_until.min(unit_until)),
                (false, false) => (Listed::Nowhere, table_until.min(unit_until)),
            };
            let piece = at..until.min(end);
            at = piece.end;
            Some((piece, listed))
        })
    }
}

/// Whether `at` lies in one of the ranges, and until where that is so.
fn inside(ranges: &[Range<u64>], at: u64) -> (bool, u64) {
    let next = ranges.partition_point(|range| range.end <= at);
    match ranges.get(next) {
        Some(range) if range.start <= at => (true, range.end),
        Some(range) => (false, range.start),
        None => (false, u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::{Listed, Listing};

    #[test]
    fn pieces_are_the_whole_range_and_the_table_goes_before_the_unit() {
        let listing = Listing {
            by_table: vec![10..20, 30..40],
            by_unit: vec![15..35, 50..60],
        };
        let pieces: Vec<_> = listing.pieces(&(5..55)).collect();
        let expected = [
            (5..10, Listed::Nowhere),
            (10..20, Listed::ByTable),
            (20..30, Listed::ByUnit),
            (30..40, Listed::ByTable),
            (40..50, Listed::Nowhere),
            (50..55, Listed::ByUnit),
        ];
        assert_eq!(pieces, expected);
        assert_eq!(listing.pieces(&(7..7)).count(), 0);
    }
}
