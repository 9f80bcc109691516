//! The two widths of integers that blocks are made of. All arithmetic wraps: it is undone when a block is read.

use super::planes::{Room, Rooms};

/// An integer that is stored in byte planes.
pub(super) trait Lane: Copy + Ord + Default {
    /// Bytes of one.
    const BYTES: usize;
    /// The largest distance whose differences do not wrap.
    const SPAN_MAX: u64;

    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// `self - lower` as it is without a sign.
    fn above(self, lower: Self) -> u64;
    /// The low bits.
    fn from_bits(bits: u64) -> Self;
    fn to_i64(self) -> i64;
    fn from_i64(number: i64) -> Option<Self>;
    /// Byte `k` of the number, the lowest first.
    fn byte(self, k: usize) -> u8;
    /// The byte as byte `k` of a number.
    fn of_byte(byte: u8, k: usize) -> Self;
    fn or(self, other: Self) -> Self;
    /// Divides the bits, as a number without a sign.
    fn divided(self, by: u64) -> Self;
    /// Least and greatest of some values.
    fn extremes(values: &[Self]) -> Option<(Self, Self)>;
    /// The sum of the distances from each value to the next, and the least step, which may be negative.
    fn steps(values: &[Self]) -> (u64, Option<Self>);
    /// The room for numbers of this width.
    fn room(rooms: &mut Rooms) -> &mut Room<Self>;
}

macro_rules! lane {
    ($signed:ty, $unsigned:ty, $add:ident, $room:ident) => {
        impl Lane for $signed {
            const BYTES: usize = size_of::<$signed>();
            const SPAN_MAX: u64 = u64::MAX >> (67 - <$signed>::BITS);

            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }

            fn above(self, lower: Self) -> u64 {
                u64::from(self.wrapping_sub(lower).cast_unsigned())
            }

            fn from_bits(bits: u64) -> Self {
                <$unsigned>::try_from(bits & u64::MAX >> (64 - <$signed>::BITS))
                    .unwrap_or_default()
                    .cast_signed()
            }

            fn to_i64(self) -> i64 {
                i64::from(self)
            }

            fn from_i64(number: i64) -> Option<Self> {
                Self::try_from(number).ok()
            }

            fn byte(self, k: usize) -> u8 {
                // A shift and a cut, which many numbers at once can do.
                u8::try_from(self.cast_unsigned() >> (8 * k) & 0xff).unwrap_or_default()
            }

            fn of_byte(byte: u8, k: usize) -> Self {
                (<$unsigned>::from(byte) << (8 * k)).cast_signed()
            }

            fn or(self, other: Self) -> Self {
                self | other
            }

            fn divided(self, by: u64) -> Self {
                Self::from_bits(u64::from(self.cast_unsigned()) / by)
            }

            fn extremes(values: &[Self]) -> Option<(Self, Self)> {
                let first = *values.first()?;
                Some(values.iter().fold((first, first), |(least, most), value| {
                    (least.min(*value), most.max(*value))
                }))
            }

            fn steps(values: &[Self]) -> (u64, Option<Self>) {
                let next = values.get(1..).unwrap_or_default();
                let (mut sum, mut least) = (0_u64, Self::MAX);
                for (before, value) in values.iter().zip(next) {
                    sum = sum.$add(u64::from(value.abs_diff(*before)));
                    least = least.min(value.wrapping_sub(*before));
                }
                (sum, (!next.is_empty()).then_some(least))
            }

            fn room(rooms: &mut Rooms) -> &mut Room<Self> {
                &mut rooms.$room
            }
        }
    };
}

// The sum of fewer than 2^21 distances of 32 bits fits 64 bits.
lane!(i32, u32, wrapping_add, narrow);
lane!(i64, u64, saturating_add, wide);
