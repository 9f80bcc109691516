//! Regions of the memory protection unit, from their register pairs.
//!
//! Sources: `ARMv7-M` ARM B3.5.8 (RBAR), B3.5.9 (RASR, with the table of access rights); `ARMv8-M` ARM D1.2.177 (RBAR),
//! D1.2.178 (RLAR). `ARMv6-M` has the registers of `ARMv7-M` (ARM B3.5).

use std::ops::RangeInclusive;

/// Number of regions (bits 8 to 15).
pub const TYPE: u64 = 0xE000_ED90;
/// Bit 0: the unit is on. Bit 2: privileged code has the default map where no region is.
pub const CONTROL: u64 = 0xE000_ED94;
/// The region that the next two registers show.
pub const REGION_NUMBER: u64 = 0xE000_ED98;
/// Base address of that region.
pub const REGION_BASE: u64 = 0xE000_ED9C;
/// Size and rights (`RASR`) or limit (`RLAR`) of that region.
pub const REGION_ATTRIBUTES: u64 = 0xE000_EDA0;

/// Which layout the pairs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `ARMv6-M` and `ARMv7-M`: RBAR and RASR, sizes are powers of two.
    BaseAndSize,
    /// `ARMv8-M`: RBAR and RLAR.
    BaseAndLimit,
}

/// What one kind of code may do with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    None,
    Read,
    Write,
}

/// An enabled region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// First and last address; several where subregions are switched off.
    pub spans: Vec<RangeInclusive<u64>>,
    /// Rights in words: `read only, no execute`.
    pub rights: String,
}

/// Decodes a pair; `None` when the region is off or its values mean nothing.
pub fn region(layout: Layout, base: u32, attributes: u32) -> Option<Region> {
    if attributes & 1 == 0 {
        return None;
    }
    match layout {
        Layout::BaseAndSize => by_size(base, attributes),
        Layout::BaseAndLimit => by_limit(base, attributes),
    }
}

fn by_size(base: u32, attributes: u32) -> Option<Region> {
    let log2_size = ((attributes >> 1) & 0x1F) + 1;
    if log2_size < 5 {
        return None;
    }
    let size = 1_u64 << log2_size;
    let start = u64::from(base) & !(size - 1);
    let off = (attributes >> 8) & 0xFF;
    let (privileged, unprivileged) = match (attributes >> 24) & 7 {
        0 => (Access::None, Access::None),
        1 => (Access::Write, Access::None),
        2 => (Access::Write, Access::Read),
        3 => (Access::Write, Access::Write),
        5 => (Access::Read, Access::None),
        6 | 7 => (Access::Read, Access::Read),
        _ => return None,
    };
    Some(Region {
        // Regions below 256 bytes have no subregions.
        spans: if log2_size < 8 || off == 0 {
            vec![start..=start + (size - 1)]
        } else {
            subregions(start, size / 8, off)
        },
        rights: rights(privileged, unprivileged, attributes & (1 << 28) != 0),
    })
}

/// The stretches of subregions that are on.
fn subregions(start: u64, size: u64, off: u32) -> Vec<RangeInclusive<u64>> {
    let mut spans: Vec<RangeInclusive<u64>> = Vec::new();
    for index in (0..8_u64).filter(|index| off & (1 << index) == 0) {
        let first = start + index * size;
        let last = first + (size - 1);
        match spans.last_mut() {
            Some(span) if *span.end() + 1 == first => *span = *span.start()..=last,
            _ => spans.push(first..=last),
        }
    }
    spans
}

fn by_limit(base: u32, attributes: u32) -> Option<Region> {
    let start = u64::from(base & !0x1F);
    let last = u64::from(attributes | 0x1F);
    let (privileged, unprivileged) = match (base >> 1) & 3 {
        0 => (Access::Write, Access::None),
        1 => (Access::Write, Access::Write),
        2 => (Access::Read, Access::None),
        _ => (Access::Read, Access::Read),
    };
    (start <= last).then(|| Region {
        spans: vec![start..=last],
        rights: rights(privileged, unprivileged, base & 1 != 0),
    })
}

fn rights(privileged: Access, unprivileged: Access, execute_never: bool) -> String {
    let words = match (privileged, unprivileged) {
        (Access::None, _) => return "no access".to_owned(),
        (Access::Read, Access::None) => "read only, privileged code only",
        (Access::Read, _) => "read only",
        (Access::Write, Access::None) => "read and write, privileged code only",
        (Access::Write, Access::Read) => "read and write, read only for unprivileged code",
        (Access::Write, Access::Write) => "read and write",
    };
    let execute = if execute_never { ", no execute" } else { "" };
    format!("{words}{execute}")
}

#[cfg(test)]
mod tests {
    use super::{Layout, region};

    #[test]
    fn the_rights_and_sizes_of_version_7() {
        // base, RASR, spans, rights
        let cases: [(u32, u32, &[(u64, u64)], &str); 4] = [
            (
                0x2000_0100,
                1 << 28 | 6 << 24 | 7 << 1 | 1,
                &[(0x2000_0100, 0x2000_01FF)],
                "read only, no execute",
            ),
            (0, 31 << 1 | 1, &[(0, 0xFFFF_FFFF)], "no access"),
            // 4 KiB without its first and its fifth eighth
            (
                0x2000_0000,
                1 << 24 | 0x11 << 8 | 11 << 1 | 1,
                &[(0x2000_0200, 0x2000_07FF), (0x2000_0A00, 0x2000_0FFF)],
                "read and write, privileged code only",
            ),
            (
                0x2000_0010,
                2 << 24 | 0xFF << 8 | 4 << 1 | 1,
                &[(0x2000_0000, 0x2000_001F)],
                "read and write, read only for unprivileged code",
            ),
        ];
        for (base, attributes, spans, rights) in cases {
            let found = region(Layout::BaseAndSize, base, attributes).unwrap();
            let got: Vec<_> = found.spans.iter().map(|s| (*s.start(), *s.end())).collect();
            assert_eq!((got.as_slice(), found.rights.as_str()), (spans, rights));
        }
        assert_eq!(region(Layout::BaseAndSize, 0, 3 << 24 | 19 << 1), None);
        assert_eq!(region(Layout::BaseAndSize, 0, 3 << 24 | 3 << 1 | 1), None);
    }

    #[test]
    fn the_rights_and_limits_of_version_8() {
        let found = region(Layout::BaseAndLimit, 0x3800_0105, 0x3800_01E1).unwrap();
        assert_eq!(found.spans, [0x3800_0100..=0x3800_01FF]);
        assert_eq!(found.rights, "read only, privileged code only, no execute");
        assert_eq!(region(Layout::BaseAndLimit, 0x3800_0102, 0x3800_01E0), None);
        assert_eq!(region(Layout::BaseAndLimit, 0x3800_0102, 0x21), None);
    }
}
