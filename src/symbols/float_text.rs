//! Floating-point numbers as C's `%g` prints them, which is how gdb prints them.

/// A `float`: 9 digits tell any two apart.
pub(super) fn single(bits: u32) -> String {
    let value = f32::from_bits(bits);
    if value.is_nan() {
        return nan(bits >> 31 != 0, &format!("{:x}", bits & 0x007F_FFFF));
    }
    general(f64::from(value), 9)
}

/// A `double`: 17 digits tell any two apart.
pub(super) fn double(bits: u64) -> String {
    let value = f64::from_bits(bits);
    if value.is_nan() {
        let mantissa = bits & 0x000F_FFFF_FFFF_FFFF;
        let digits = format!("{:x}{:08x}", mantissa >> 32, mantissa & 0xFFFF_FFFF);
        return nan(bits >> 63 != 0, &digits);
    }
    general(value, 17)
}

/// A half-precision number (`__fp16`, `_Float16`): 5 digits.
pub(super) fn half(bits: u16) -> String {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1F);
    let fraction = f64::from(bits & 0x3FF) / 1024.0;
    match exponent {
        0 => general(sign * fraction * 2_f64.powi(-14), 5),
        0x1F if bits & 0x3FF != 0 => nan(bits >> 15 != 0, &format!("{:x}", bits & 0x3FF)),
        0x1F => general(sign * f64::INFINITY, 5),
        _ => general(sign * (1.0 + fraction) * 2_f64.powi(exponent - 15), 5),
    }
}

fn nan(negative: bool, mantissa: &str) -> String {
    format!("{}nan(0x{mantissa})", if negative { "-" } else { "" })
}

/// `%.{digits}g` (C17, 7.21.6.1).
fn general(value: f64, digits: usize) -> String {
    if value.is_infinite() {
        return if value < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let limit = i32::try_from(digits).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= limit {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
    }
    let decimals = usize::try_from(limit - 1 - exponent).unwrap_or(0);
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::{double, half, single};

    #[test]
    fn floats_print_like_percent_g() {
        for (value, text) in [
            (0.1_f32, "0.100000001"),
            (22.75, "22.75"),
            (-0.0, "-0"),
            (1e10, "1e+10"),
            (123_456_792.0, "123456792"),
            (1.5e-5, "1.49999996e-05"),
            (f32::INFINITY, "inf"),
            (f32::MIN_POSITIVE, "1.17549435e-38"),
        ] {
            assert_eq!(single(value.to_bits()), text);
        }
        for (value, text) in [
            (0.1_f64, "0.10000000000000001"),
            (4.25, "4.25"),
            (1e300, "1.0000000000000001e+300"),
            (100_000.0, "100000"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(double(value.to_bits()), text);
        }
        assert_eq!(single(0x7FC0_0000), "nan(0x400000)");
        assert_eq!(double(0xFFF8_0000_0000_0000), "-nan(0x8000000000000)");
        assert_eq!(half(0x3C00), "1");
        assert_eq!(half(0x3555), "0.33325");
        assert_eq!(half(0xFC00), "-inf");
    }
}
