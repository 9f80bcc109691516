//! The bytes of a variable, each byte known or missing for a reason. Missing is never 0.

use crate::model::memory::Memory;
use crate::model::report::Unavailable;
use std::ops::Range;

/// The largest value that is read.
const LARGEST: usize = 1 << 20;

/// Below this size, missing memory is found byte by byte.
const BYTEWISE: usize = 4096;

/// What a variable holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    bytes: Vec<u8>,
    /// Sorted and disjoint.
    missing: Vec<(Range<usize>, Unavailable)>,
    /// Where it is in memory, if it is there.
    pub address: Option<u64>,
    /// True for a pointer that the compiler removed while what it points to still exists.
    pub synthetic: bool,
    /// Where such pointers lie in a larger value.
    implicit: Vec<Range<usize>>,
}

impl Value {
    /// Bytes that are all known.
    pub fn known(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }

    /// A value of which nothing is known.
    pub fn unavailable(len: usize, why: Unavailable) -> Self {
        let len = len.min(LARGEST);
        Self {
            bytes: vec![0; len],
            missing: std::iter::once((0..len, why)).collect(),
            ..Self::default()
        }
    }

    /// `len` bytes of memory from `addr`; what was not captured is missing.
    pub fn in_memory(memory: &dyn Memory, addr: u64, len: u64) -> Self {
        let len = usize::try_from(len).unwrap_or(LARGEST).min(LARGEST);
        let mut value = Self {
            bytes: vec![0; len],
            address: Some(addr),
            ..Self::default()
        };
        if memory.read(addr, &mut value.bytes).is_err() {
            value.read_in_parts(memory, addr, 0, len);
        }
        value
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True for a value without bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends another value.
    pub fn push(&mut self, other: &Self) {
        let start = self.bytes.len();
        if start.saturating_add(other.bytes.len()) > LARGEST {
            return;
        }
        if other.synthetic {
            self.implicit.push(start..start + other.bytes.len());
        }
        self.bytes.extend_from_slice(&other.bytes);
        for (range, why) in &other.missing {
            self.missing
                .push((range.start + start..range.end + start, *why));
        }
    }

    /// Cuts or fills (with missing bytes) to `len`.
    pub fn resize(&mut self, len: usize, why: Unavailable) {
        let len = len.min(LARGEST);
        let old = self.bytes.len();
        if len < old {
            *self = self.part(0, len);
        } else if len > old {
            self.bytes.resize(len, 0);
            self.missing.push((old..len, why));
        }
    }

    /// `len` bytes from `offset`. What lies outside is missing as optimised out.
    pub fn part(&self, offset: usize, len: usize) -> Self {
        let len = len.min(LARGEST);
        let end = offset.saturating_add(len);
        let mut bytes = self
            .bytes
            .get(offset.min(self.bytes.len())..end.min(self.bytes.len()))
            .unwrap_or_default()
            .to_vec();
        let there = bytes.len();
        bytes.resize(len, 0);
        let mut missing: Vec<(Range<usize>, Unavailable)> = self
            .missing
            .iter()
            .filter(|(range, _why)| range.start < end && offset < range.end)
            .map(|(range, why)| {
                let from = range.start.max(offset) - offset;
                let to = range.end.min(end) - offset;
                (from..to, *why)
            })
            .collect();
        if there < len {
            missing.push((there..len, Unavailable::OptimizedOut));
        }
        Self {
            bytes,
            missing,
            address: self.address.map(|a| a.wrapping_add(offset as u64)),
            synthetic: len > 0
                && (self.implicit.contains(&(offset..end))
                    || (self.synthetic && offset == 0 && len == self.bytes.len())),
            implicit: self
                .implicit
                .iter()
                .filter(|range| offset <= range.start && range.end <= end)
                .map(|range| range.start - offset..range.end - offset)
                .collect(),
        }
    }

    /// The bytes, if every one is known.
    pub fn bytes(&self) -> Result<&[u8], Unavailable> {
        match self.missing.iter().find(|(range, _why)| !range.is_empty()) {
            None => Ok(&self.bytes),
            Some((_range, why)) => Err(*why),
        }
    }

    /// The reason, if not one byte is known.
    pub fn all_missing(&self) -> Option<Unavailable> {
        if !self.implicit.is_empty() {
            return None;
        }
        let n: usize = self.missing.iter().map(|(range, _why)| range.len()).sum();
        (n > 0 && n >= self.bytes.len())
            .then(|| self.missing.first().map(|(_range, why)| *why))
            .flatten()
    }

    /// Up to 16 bytes as a number without a sign.
    pub fn unsigned(&self, big_endian: bool) -> Result<u128, Unavailable> {
        let bytes = self.bytes()?;
        let mut number: u128 = 0;
        for i in 0..bytes.len().min(16) {
            let at = if big_endian {
                i
            } else {
                bytes.len().min(16) - 1 - i
            };
            number = (number << 8) | u128::from(bytes.get(at).copied().unwrap_or(0));
        }
        Ok(number)
    }

    /// Up to 16 bytes as a number with a sign.
    pub fn signed(&self, big_endian: bool) -> Result<i128, Unavailable> {
        let bits = u32::try_from(self.bytes.len().min(16) * 8).unwrap_or(128);
        Ok(sign_extend(self.unsigned(big_endian)?, bits))
    }

    /// `n_bits` from bit `first`, in the order in which the machine numbers them.
    pub fn bits(&self, first: u64, n_bits: u64, big_endian: bool) -> Result<u128, Unavailable> {
        let gone = Unavailable::OptimizedOut;
        let n_bits = n_bits.min(64);
        let start = usize::try_from(first / 8).map_err(|_far| gone)?;
        let end = usize::try_from(first.saturating_add(n_bits).div_ceil(8)).map_err(|_far| gone)?;
        let unit = self.part(start, end.saturating_sub(start));
        let number = unit.unsigned(big_endian)?;
        let unit_bits = (unit.len() as u64) * 8;
        let shift = if big_endian {
            unit_bits.saturating_sub((first % 8) + n_bits)
        } else {
            first % 8
        };
        let mask = if n_bits == 0 {
            0
        } else {
            u128::MAX >> (128 - n_bits)
        };
        Ok(number
            .checked_shr(u32::try_from(shift).unwrap_or(128))
            .unwrap_or(0)
            & mask)
    }

    fn read_in_parts(&mut self, memory: &dyn Memory, addr: u64, from: usize, to: usize) {
        if to <= from {
            return;
        }
        if to - from > BYTEWISE {
            return self.read_by_ranges(memory, addr, from, to);
        }
        let here = addr.wrapping_add(from as u64);
        let Some(part) = self.bytes.get_mut(from..to) else {
            return;
        };
        if memory.read(here, part).is_ok() {
            return;
        }
        part.fill(0);
        if to - from == 1 {
            self.miss(from..to);
            return;
        }
        let middle = from + (to - from) / 2;
        self.read_in_parts(memory, addr, from, middle);
        self.read_in_parts(memory, addr, middle, to);
    }

    /// Large values: only what the captured ranges hold.
    fn read_by_ranges(&mut self, memory: &dyn Memory, addr: u64, from: usize, to: usize) {
        let start = addr.wrapping_add(from as u64);
        let end = addr.wrapping_add(to as u64);
        let mut at = from;
        for range in memory.ranges() {
            if range.end <= start || range.start >= end {
                continue;
            }
            let offset_of = |a: u64| from + usize::try_from(a - start).unwrap_or(0);
            let first = offset_of(range.start.max(start));
            let last = offset_of(range.end.min(end));
            let Some(part) = self.bytes.get_mut(first..last) else {
                continue;
            };
            if first < at || memory.read(addr.wrapping_add(first as u64), part).is_err() {
                continue;
            }
            self.miss(at..first);
            at = last;
        }
        self.miss(at..to);
    }

    fn miss(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        match self.missing.last_mut() {
            Some((last, Unavailable::MemoryNotCaptured)) if last.end == range.start => {
                last.end = range.end;
            }
            _ => self.missing.push((range, Unavailable::MemoryNotCaptured)),
        }
    }
}

/// The low `bits` of a number as a number with a sign.
pub(super) fn sign_extend(number: u128, bits: u32) -> i128 {
    let shift = 128_u32.saturating_sub(bits.min(128));
    if shift >= 128 {
        return 0;
    }
    (number << shift).cast_signed() >> shift
}

#[cfg(test)]
mod tests {
    use super::{Unavailable, Value};
    use crate::model::memory::MemoryMap;

    #[test]
    fn a_partly_captured_value_knows_which_bytes_are_there() {
        let mut memory = MemoryMap::default();
        memory.insert(0x2000_0002, &[1, 2, 3]);
        let value = Value::in_memory(&memory, 0x2000_0000, 8);
        assert_eq!(value.bytes(), Err(Unavailable::MemoryNotCaptured));
        assert_eq!(value.part(2, 3).bytes(), Ok(&[1, 2, 3][..]));
        assert_eq!(
            value.part(4, 4).bytes(),
            Err(Unavailable::MemoryNotCaptured)
        );
        assert_eq!(value.all_missing(), None);
        assert_eq!(
            value.part(6, 2).all_missing(),
            Some(Unavailable::MemoryNotCaptured)
        );
    }

    #[test]
    fn bits_are_counted_as_the_machine_numbers_them() {
        let value = Value::known(vec![0b1010_0110, 0b0000_0001]);
        assert_eq!(value.bits(1, 2, false), Ok(0b11));
        assert_eq!(value.bits(5, 4, false), Ok(0b1101));
        assert_eq!(value.bits(0, 3, true), Ok(0b101));
        assert_eq!(value.bits(6, 10, true), Ok(0b10_0000_0001));
        assert_eq!(super::sign_extend(0b1101, 4), -3);
    }
}
