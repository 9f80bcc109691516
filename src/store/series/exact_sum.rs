//! Sums of floating-point numbers that are exact until they are read: the same numbers in any order give the same bits.
//!
//! A sum is an integer of 2^-1074, the smallest step of an f64, kept in limbs of 32 bits ("small superaccumulator",
//! R. M. Neal, Fast exact summation using small and large superaccumulators, 2015).

use crate::store::series::bytes::{ByteReader, Malformed, put_varint};
use smallvec::SmallVec;
use std::ops::Range;

/// Enough for the largest f64 and for 2^32 of them on top.
const N_LIMBS: usize = 68;
/// Enough for numbers of about one size, without an allocation.
const N_INLINE: usize = 4;
/// Additions before carries have to be moved up: each adds less than 2^33 to a limb of 63 bits. Few in tests, which so move many.
const ADDITIONS_MAX: u32 = if cfg!(test) { 8 } else { 1 << 29 };
const LIMB_BITS: u32 = 32;
const LIMB_MASK: i64 = 0xffff_ffff;
const MANTISSA_BITS: u32 = 52;
const HIDDEN_BIT: u64 = 1 << MANTISSA_BITS;
const EXPONENT_MAX: u64 = 0x7ff;

const FLAG_NAN: u8 = 1;
const FLAG_PLUS_INFINITY: u8 = 2;
const FLAG_MINUS_INFINITY: u8 = 4;
const FLAG_NEGATIVE: u8 = 8;

/// An exact sum.
#[derive(Clone, Debug, Default)]
pub(super) struct ExactSum {
    /// Place of the first limb that is kept. Those outside are 0: numbers that are added are mostly of one size.
    first: usize,
    limbs: SmallVec<[i64; N_INLINE]>,
    n_additions: u32,
    /// Which of NaN, infinity and minus infinity were added.
    special: u8,
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (self.magnitude(), other.magnitude());
        self.special == other.special
            && one.is_negative == two.is_negative
            && one.limbs == two.limbs
    }
}

impl ExactSum {
    /// Adds a number.
    pub(super) fn add(&mut self, number: f64) {
        let bits = number.to_bits();
        let exponent = bits >> MANTISSA_BITS & EXPONENT_MAX;
        let mut mantissa = bits & (HIDDEN_BIT - 1);
        if exponent == EXPONENT_MAX {
            self.special |= match (mantissa, number.is_sign_negative()) {
                (0, false) => FLAG_PLUS_INFINITY,
                (0, true) => FLAG_MINUS_INFINITY,
                _ => FLAG_NAN,
            };
            return;
        }
        let mut position = 0;
        if exponent > 0 {
            mantissa |= HIDDEN_BIT;
            position = exponent - 1;
        }
        self.add_shifted(mantissa, position, number.is_sign_negative());
    }

    /// Adds an integer.
    pub(super) fn add_integer(&mut self, number: i128) {
        const ONE: u64 = 1074;
        let magnitude = number.unsigned_abs();
        let is_negative = number < 0;
        for (part, at) in [(0_u32, ONE), (32, ONE + 32), (64, ONE + 64), (96, ONE + 96)] {
            let limb = u64::try_from(magnitude >> part & 0xffff_ffff).unwrap_or_default();
            self.add_shifted(limb, at, is_negative);
        }
    }

    /// Adds another sum.
    pub(super) fn merge(&mut self, other: &Self) {
        self.special |= other.special;
        if self.n_additions.saturating_add(other.n_additions) >= ADDITIONS_MAX {
            self.carry();
            if other.n_additions > 1 {
                let mut other = other.clone();
                other.carry();
                return self.merge(&other);
            }
        }
        if other.limbs.is_empty() {
            return;
        }
        self.n_additions += other.n_additions;
        let theirs = other.first..other.first + other.limbs.len();
        if let Some(limbs) = self.limbs_at(theirs) {
            for (limb, added) in limbs.iter_mut().zip(&other.limbs) {
                *limb = limb.wrapping_add(*added);
            }
        }
    }

    /// The sum, rounded once, to the nearest f64 (to the even one of two).
    pub(super) fn value(&self) -> f64 {
        match self.special {
            0 => {}
            FLAG_PLUS_INFINITY => return f64::INFINITY,
            FLAG_MINUS_INFINITY => return f64::NEG_INFINITY,
            _ => return f64::NAN,
        }
        let magnitude = self.magnitude();
        let rounded = magnitude.rounded();
        if magnitude.is_negative {
            -rounded
        } else {
            rounded
        }
    }

    /// Writes the sum: flags, the first limb that is not 0, how many follow, and those.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let magnitude = self.magnitude();
        let used = magnitude.used();
        let sign = if magnitude.is_negative {
            FLAG_NEGATIVE
        } else {
            0
        };
        out.push(self.special | sign);
        put_varint(out, used.start as u64);
        put_varint(out, used.len() as u64);
        for limb in magnitude.limbs.get(used).unwrap_or_default() {
            out.extend_from_slice(&limb.to_le_bytes());
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(bytes: &mut ByteReader<'_>) -> Result<Self, Malformed> {
        let flags = bytes.byte()?;
        let first = bytes.length(N_LIMBS)?;
        let n_limbs = bytes.length(N_LIMBS - first)?;
        let mut sum = Self {
            first,
            limbs: SmallVec::with_capacity(n_limbs),
            special: flags & !FLAG_NEGATIVE,
            ..Self::default()
        };
        for _ in 0..n_limbs {
            let value = i64::from(u32::from_le_bytes(bytes.array()?));
            sum.limbs.push(if flags & FLAG_NEGATIVE == 0 {
                value
            } else {
                -value
            });
        }
        sum.n_additions = 1;
        Ok(sum)
    }

    fn add_shifted(&mut self, mantissa: u64, position: u64, is_negative: bool) {
        if self.n_additions >= ADDITIONS_MAX {
            self.carry();
        }
        self.n_additions += 1;
        let index = usize::try_from(position / u64::from(LIMB_BITS)).unwrap_or(usize::MAX);
        let shifted = u128::from(mantissa) << (position % u64::from(LIMB_BITS));
        let [a, b, c] = [0_u32, 32, 64]
            .map(|at| i64::try_from(shifted >> at & 0xffff_ffff).unwrap_or_default());
        if let Some([low, middle, high]) = self.limbs_at(index..index.saturating_add(3)) {
            let sign = if is_negative { -1 } else { 1 };
            *low += sign * a;
            *middle += sign * b;
            *high += sign * c;
        }
    }

    /// The limbs at some places, which are kept from now on.
    fn limbs_at(&mut self, places: Range<usize>) -> Option<&mut [i64]> {
        if self.limbs.is_empty() {
            self.first = places.start;
        }
        if places.start < self.first {
            let before = std::iter::repeat_n(0, self.first - places.start);
            self.limbs.insert_many(0, before);
            self.first = places.start;
        }
        let own = places.start - self.first..places.end.checked_sub(self.first)?;
        if own.end > self.limbs.len() {
            self.limbs.resize(own.end, 0);
        }
        self.limbs.get_mut(own)
    }

    /// Moves carries up: every limb but the last is then one of 32 bits.
    fn carry(&mut self) {
        let mut carry = 0;
        for limb in &mut self.limbs {
            let sum = limb.wrapping_add(carry);
            *limb = sum & LIMB_MASK;
            carry = sum >> LIMB_BITS;
        }
        match (carry, self.limbs.last_mut()) {
            (0, _) => {}
            // Just the sign: it stays in the last limb.
            (-1, Some(last)) => *last += carry << LIMB_BITS,
            _ => self.limbs.push(carry),
        }
        self.n_additions = 1;
    }

    /// The absolute value, and the sign.
    fn magnitude(&self) -> Magnitude {
        let sum = self.carried(1);
        if sum.is_negative {
            let positive = self.carried(-1);
            return Magnitude {
                is_negative: true,
                ..positive
            };
        }
        sum
    }

    /// The sum times 1 or -1 in limbs of 32 bits; of one below 0 those of its two's complement.
    fn carried(&self, sign: i64) -> Magnitude {
        let mut limbs = [0; N_LIMBS];
        let mut carry = 0_i64;
        let mut end = self.first;
        let kept = self.limbs.iter().map(|limb| limb.wrapping_mul(sign));
        let all = kept.chain(std::iter::repeat(0));
        for (at, (place, limb)) in limbs.iter_mut().skip(self.first).zip(all).enumerate() {
            if at >= self.limbs.len() && (carry == 0 || carry == -1) {
                break;
            }
            let sum = limb.wrapping_add(carry);
            *place = u32::try_from(sum & LIMB_MASK).unwrap_or_default();
            carry = sum >> LIMB_BITS;
            end += 1;
        }
        Magnitude {
            limbs,
            kept: self.first..end,
            is_negative: carry < 0,
        }
    }
}

/// The absolute value of a sum.
struct Magnitude {
    /// The integer of 2^-1074.
    limbs: [u32; N_LIMBS],
    /// Limbs outside are 0.
    kept: Range<usize>,
    is_negative: bool,
}

impl Magnitude {
    /// From the first limb that is not 0 to the last one; empty at 0 for 0.
    fn used(&self) -> Range<usize> {
        let kept = self.limbs.get(self.kept.clone()).unwrap_or_default();
        let first = kept.iter().position(|limb| *limb != 0);
        let last = kept.iter().rposition(|limb| *limb != 0);
        match (first, last) {
            (Some(first), Some(last)) => self.kept.start + first..self.kept.start + last + 1,
            _ => 0..0,
        }
    }

    /// The nearest f64.
    fn rounded(&self) -> f64 {
        let used = self.used();
        // The four uppermost limbs hold all bits of the result; what is below them only breaks ties.
        let low = used.end.saturating_sub(4);
        let mut bits: u128 = 0;
        for limb in self
            .limbs
            .get(low..used.end)
            .unwrap_or_default()
            .iter()
            .rev()
        {
            bits = bits << LIMB_BITS | u128::from(*limb);
        }
        let has_more = used.start < low;
        let n_bits = u128::BITS - bits.leading_zeros();
        let shift = n_bits.saturating_sub(MANTISSA_BITS + 1);
        let mut mantissa = u64::try_from(bits >> shift).unwrap_or_default();
        if shift > 0 {
            let below = bits & ((1 << shift) - 1);
            let half = 1_u128 << (shift - 1);
            let is_up = below > half || below == half && (has_more || mantissa & 1 == 1);
            mantissa += u64::from(is_up);
        }
        // Numbers below 2^53 steps are their own bits; above, the hidden bit becomes one step of the exponent.
        let exponent = low as u64 * u64::from(LIMB_BITS) + u64::from(shift);
        let result = (exponent << MANTISSA_BITS).saturating_add(mantissa);
        if result >= EXPONENT_MAX << MANTISSA_BITS {
            return f64::INFINITY;
        }
        f64::from_bits(result)
    }
}

#[cfg(test)]
mod tests {
    use super::ExactSum;
    use crate::store::series::bytes::ByteReader;

    fn sum(numbers: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        for number in numbers {
            sum.add(*number);
        }
        sum.value()
    }

    /// Answers of Python's `math.fsum`, which rounds an exact sum once.
    #[test]
    fn sums_are_those_of_fsum() {
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum(&[1e16, 1.0, 1e-16]), 10000000000000002.0);
        assert_eq!(sum(&[1e16, 1.0]), 1e16);
        assert_eq!(sum(&[f64::MAX, -f64::MAX, 5e-324]), 5e-324);
        assert_eq!(sum(&[5e-324; 3]), 1.5e-323);
        assert_eq!(sum(&[-1.5, 0.25]), -1.25);
        assert_eq!(
            sum(&[2.2250738585072014e-308, -5e-324]),
            2.225073858507201e-308
        );
    }

    #[test]
    fn an_intermediate_overflow_is_none() {
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]), f64::MAX);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(sum(&[f64::INFINITY, -1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum(&[f64::NAN, 1.0]).is_nan());
    }

    #[test]
    fn any_order_any_grouping_and_any_storage_give_the_same_bits() {
        let mut state = 7_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f64::from_bits(state)
        };
        let numbers: Vec<f64> = std::iter::repeat_with(&mut next)
            .filter(|number| number.is_finite())
            .take(3_000)
            .collect();
        let forwards = sum(&numbers);
        let backwards: Vec<f64> = numbers.iter().rev().copied().collect();
        assert_eq!(forwards.to_bits(), sum(&backwards).to_bits());
        let mut merged = ExactSum::default();
        for part in numbers.chunks(37) {
            let mut partial = ExactSum::default();
            for number in part {
                partial.add(*number);
            }
            let mut bytes = Vec::new();
            partial.write(&mut bytes);
            let mut reader = ByteReader::new(&bytes);
            let read = ExactSum::read(&mut reader).unwrap();
            assert_eq!(read.value().to_bits(), partial.value().to_bits());
            merged.merge(&read);
        }
        assert_eq!(merged.value().to_bits(), forwards.to_bits());
    }

    #[test]
    fn a_sum_may_change_its_sign_and_its_size_again_and_again() {
        let mut sum = ExactSum::default();
        let mut expected: i128 = 0;
        for round in 0..40_u32 {
            let step = f64::from(round + 1).powi(9) * 16.0;
            for number in [-step, -step, -1.0, step] {
                sum.add(number);
                expected += number as i128;
                assert_eq!(sum.value(), expected as f64);
            }
            if round % 3 == 0 {
                let mut other = ExactSum::default();
                other.add_integer(-expected * 2);
                sum.merge(&other);
                expected = -expected;
                assert_eq!(sum.value(), expected as f64);
            }
            let mut bytes = Vec::new();
            sum.write(&mut bytes);
            let read = ExactSum::read(&mut ByteReader::new(&bytes)).unwrap();
            assert_eq!(read, sum);
        }
    }

    #[test]
    fn integers_are_added_exactly() {
        let mut sum = ExactSum::default();
        sum.add_integer(i128::from(i64::MAX) * 5);
        sum.add_integer(-i128::from(i64::MAX) * 5 + 3);
        sum.add(0.5);
        assert_eq!(sum.value(), 3.5);
        sum.add_integer(-7);
        assert_eq!(sum.value(), -3.5);
    }
}
