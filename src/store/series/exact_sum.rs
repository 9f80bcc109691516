//! Sums of floating-point numbers that are exact until they are read: the same numbers in any order give the same bits.
//!
//! A sum is an integer of 2^-1074, the smallest step of an f64, kept in limbs of 32 bits ("small superaccumulator",
//! R. M. Neal, Fast exact summation using small and large superaccumulators, 2015).

use crate::store::series::bytes::{ByteReader, Malformed, put_varint};

/// Enough for the largest f64 and for 2^32 of them on top.
const N_LIMBS: usize = 68;
/// Additions before carries have to be moved up: each adds less than 2^33 to a limb of 63 bits.
const ADDITIONS_MAX: u32 = 1 << 29;
const LIMB_BITS: u32 = 32;
const MANTISSA_BITS: u32 = 52;
const HIDDEN_BIT: u64 = 1 << MANTISSA_BITS;
const EXPONENT_MAX: u64 = 0x7ff;

const FLAG_NAN: u8 = 1;
const FLAG_PLUS_INFINITY: u8 = 2;
const FLAG_MINUS_INFINITY: u8 = 4;
const FLAG_NEGATIVE: u8 = 8;

/// An exact sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExactSum {
    limbs: [i64; N_LIMBS],
    n_additions: u32,
    /// Which of NaN, infinity and minus infinity were added.
    special: u8,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self {
            limbs: [0; N_LIMBS],
            n_additions: 0,
            special: 0,
        }
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
        self.carry();
        let mut other = other.clone();
        other.carry();
        for (limb, added) in self.limbs.iter_mut().zip(other.limbs) {
            *limb = limb.wrapping_add(added);
        }
        self.special |= other.special;
        self.n_additions = 2;
    }

    /// The sum, rounded once, to the nearest f64 (to the even one of two).
    pub(super) fn value(&self) -> f64 {
        match self.special {
            0 => {}
            FLAG_PLUS_INFINITY => return f64::INFINITY,
            FLAG_MINUS_INFINITY => return f64::NEG_INFINITY,
            _ => return f64::NAN,
        }
        let (limbs, is_negative) = self.magnitude();
        let magnitude = rounded(&limbs);
        if is_negative { -magnitude } else { magnitude }
    }

    /// Writes the sum: flags, the first limb that is not 0, how many follow, and those.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let (limbs, is_negative) = self.magnitude();
        let first = limbs.iter().position(|limb| *limb != 0).unwrap_or(0);
        let end = limbs
            .iter()
            .rposition(|limb| *limb != 0)
            .map_or(0, |last| last + 1);
        let used = limbs.get(first..end).unwrap_or_default();
        out.push(self.special | if is_negative { FLAG_NEGATIVE } else { 0 });
        put_varint(out, first as u64);
        put_varint(out, used.len() as u64);
        for limb in used {
            out.extend_from_slice(&limb.to_le_bytes());
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(bytes: &mut ByteReader<'_>) -> Result<Self, Malformed> {
        let flags = bytes.byte()?;
        let first = bytes.length(N_LIMBS)?;
        let n_limbs = bytes.length(N_LIMBS - first)?;
        let mut sum = Self {
            special: flags & !FLAG_NEGATIVE,
            ..Self::default()
        };
        for limb in sum.limbs.iter_mut().skip(first).take(n_limbs) {
            let value = i64::from(u32::from_le_bytes(bytes.array()?));
            *limb = if flags & FLAG_NEGATIVE == 0 {
                value
            } else {
                -value
            };
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
        if let Some([low, middle, high]) = self.limbs.get_mut(index..index.saturating_add(3)) {
            let sign = if is_negative { -1 } else { 1 };
            *low += sign * a;
            *middle += sign * b;
            *high += sign * c;
        }
    }

    /// Moves carries up: every limb but the last is then one of 32 bits, which is the only such form of a sum.
    fn carry(&mut self) {
        let mut carry = 0;
        let last = N_LIMBS - 1;
        for (index, limb) in self.limbs.iter_mut().enumerate() {
            let sum = limb.wrapping_add(carry);
            if index == last {
                *limb = sum;
            } else {
                *limb = sum & 0xffff_ffff;
                carry = sum >> LIMB_BITS;
            }
        }
        self.n_additions = 1;
    }

    /// The limbs of the absolute value, and whether the sum is negative.
    fn magnitude(&self) -> ([u32; N_LIMBS], bool) {
        let mut sum = self.clone();
        sum.carry();
        let is_negative = sum.limbs.last().is_some_and(|limb| *limb < 0);
        if is_negative {
            for limb in &mut sum.limbs {
                *limb = -*limb;
            }
            sum.carry();
        }
        let limbs = sum
            .limbs
            .map(|limb| u32::try_from(limb & 0xffff_ffff).unwrap_or_default());
        (limbs, is_negative)
    }
}

/// The f64 nearest to an integer of 2^-1074.
fn rounded(limbs: &[u32; N_LIMBS]) -> f64 {
    let Some(top) = limbs.iter().rposition(|limb| *limb != 0) else {
        return 0.0;
    };
    // The four uppermost limbs hold all bits of the result; what is below them only breaks ties.
    let low = top.saturating_sub(3);
    let mut bits: u128 = 0;
    for limb in limbs.get(low..=top).unwrap_or_default().iter().rev() {
        bits = bits << LIMB_BITS | u128::from(*limb);
    }
    let has_more = limbs.iter().take(low).any(|limb| *limb != 0);
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
