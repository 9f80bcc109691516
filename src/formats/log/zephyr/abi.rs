//! How processor families lay out the arguments of a call, as far as packages show it (`include/zephyr/sys/cbprintf_internal.h`).

/// How arguments are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abi {
    /// Each argument follows the one before at once.
    pub(super) is_packed: bool,
    /// No argument stands at a smaller alignment.
    pub(super) least_align: usize,
    /// `long double`.
    pub(super) long_double: LongDouble,
}

/// What a `long double` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LongDouble {
    /// A `double`.
    Double,
    /// 80 bits of an x87, in 12 bytes.
    Extended12,
    /// 80 bits of an x87, in 16 bytes.
    Extended16,
    /// 128 bits of IEEE 754.
    Quad,
}

impl LongDouble {
    /// All of them.
    pub(super) const ALL: [Self; 4] =
        [Self::Double, Self::Quad, Self::Extended16, Self::Extended12];

    /// Bytes of one.
    pub(super) fn n_bytes(self) -> usize {
        match self {
            Self::Double => 8,
            Self::Extended12 => 12,
            Self::Extended16 | Self::Quad => 16,
        }
    }

    /// Its alignment.
    pub(super) fn align(self) -> usize {
        match self {
            Self::Double => 8,
            Self::Extended12 => 4,
            Self::Extended16 | Self::Quad => 16,
        }
    }

    /// The nearest `double`. `bytes` begin with the least significant one.
    pub(super) fn to_double(self, bytes: &[u8]) -> Option<f64> {
        let mut wide = [0; 16];
        for (own, byte) in wide.iter_mut().zip(bytes) {
            *own = *byte;
        }
        let bits = u128::from_le_bytes(wide);
        let (fraction, exponent) = match self {
            Self::Double => return Some(f64::from_le_bytes(*bytes.first_chunk()?)),
            // The leading 1 is stored; it is not in the other form.
            Self::Extended12 | Self::Extended16 => {
                ((bits & u128::from(u64::MAX)) << 49, bits >> 64)
            }
            Self::Quad => (bits << 16 >> 16 | 1 << 112, bits >> 112),
        };
        let is_negative = exponent >> 15 & 1 != 0;
        let power = i32::try_from(exponent & 0x7FFF).ok()?;
        let fraction = fraction & ((1 << 113) - 1);
        let is_plain = fraction & ((1 << 112) - 1) == 0;
        let number = match power {
            0 => 0.0,
            0x7FFF if is_plain => f64::INFINITY,
            0x7FFF => f64::NAN,
            // Through a number of 128 bits: rounded once.
            _ => scaled(fraction, power.saturating_sub(16383 + 112)),
        };
        Some(if is_negative { -number } else { number })
    }
}

/// `fraction` times two to a power.
fn scaled(fraction: u128, power: i32) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest number is what is wanted"
    )]
    let number = fraction as f64;
    // In two steps: the power alone may be out of range where the result is not.
    let half = power / 2;
    number * 2_f64.powi(half) * 2_f64.powi(power.saturating_sub(half))
}

impl Abi {
    /// That of an architecture, by the name that Zephyr's database has for it.
    pub(super) fn of(arch: &str, is_64_bit: bool) -> Self {
        Self {
            is_packed: match arch {
                "sparc" | "nios2" | "riscv32e" => true,
                // A native simulator runs on x86.
                "x86" | "arc" | "posix" => !is_64_bit,
                _ => false,
            },
            least_align: if is_64_bit { 8 } else { 4 },
            long_double: match (arch, is_64_bit) {
                ("x86" | "posix", true) => LongDouble::Extended16,
                ("x86" | "posix", false) => LongDouble::Extended12,
                ("riscv" | "riscv32e" | "arm64" | "sparc", _) => LongDouble::Quad,
                _ => LongDouble::Double,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LongDouble;

    /// The bytes are what gcc makes of the numbers for riscv64 and x86-64.
    #[test]
    fn a_long_double_is_the_nearest_double() {
        let quad = |high: u128, low: u128| (high << 64 | low).to_le_bytes();
        for (bits, number) in [
            (quad(0x4005_1ad7_0a3d_70a3, 0xd70a_3d70_a3d7_0a3d), 70.71),
            (quad(0xbff6_0000_0000_0000, 0), -0.001953125),
            (quad(0x7fff_0000_0000_0000, 0), f64::INFINITY),
            (quad(0, 0), 0.0),
        ] {
            assert_eq!(LongDouble::Quad.to_double(&bits), Some(number));
        }
        let extended = quad(0x4005, 0x8d6b_851e_b851_eb85);
        assert_eq!(LongDouble::Extended16.to_double(&extended), Some(70.71));
    }
}
