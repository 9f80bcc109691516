//! Addresses of the target, as a type of their own.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An address in the target's address space (never a file offset).
///
/// Printed and serialized as `0x08001234`: at least eight hex digits, sixteen when it does not fit 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TargetAddr(pub u64);

impl fmt::Display for TargetAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > u64::from(u32::MAX) {
            write!(f, "0x{:016x}", self.0)
        } else {
            write!(f, "0x{:08x}", self.0)
        }
    }
}

impl fmt::Debug for TargetAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<u32> for TargetAddr {
    fn from(value: u32) -> Self {
        Self(u64::from(value))
    }
}

impl From<u64> for TargetAddr {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

impl Serialize for TargetAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TargetAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        u64::from_str_radix(digits, 16)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::TargetAddr;

    #[test]
    fn addresses_print_with_eight_digits_and_survive_json() {
        let addr = TargetAddr(0x0800_1234);
        assert_eq!(serde_json::to_string(&addr).unwrap(), "\"0x08001234\"");
        assert_eq!(
            serde_json::from_str::<TargetAddr>("\"0x08001234\"").unwrap(),
            addr
        );
        assert_eq!(TargetAddr(0x1_0000_0000).to_string(), "0x0000000100000000");
    }
}
