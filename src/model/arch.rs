//! Which processor a target is.

use super::register_file::RegisterFile;
use serde::{Deserialize, Serialize};

/// A processor architecture, as far as it matters for reading a dump.
///
/// Captures often know only "ARM"; the symbol file's attributes say which profile it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Arch {
    /// ARM, profile not known. Read as Cortex-M.
    #[serde(rename = "arm")]
    Arm,
    /// Cortex-M0, M0+, M1.
    #[serde(rename = "armv6-m")]
    ArmV6M,
    /// Cortex-M3, M4, M7.
    #[serde(rename = "armv7-m")]
    ArmV7M,
    /// Cortex-M23, M33, M55, M85.
    #[serde(rename = "armv8-m")]
    ArmV8M,
    /// RISC-V, 32 bit.
    #[serde(rename = "riscv32")]
    Riscv32,
    /// Xtensa.
    #[serde(rename = "xtensa")]
    Xtensa,
    /// 64-bit ARM: symbolized only.
    #[serde(rename = "aarch64")]
    Aarch64,
    /// 64-bit x86: symbolized only.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Anything else: symbolized as far as its debug information goes.
    #[serde(rename = "other")]
    Other,
}

impl Arch {
    /// The name used in JSON and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::ArmV6M => "armv6-m",
            Self::ArmV7M => "armv7-m",
            Self::ArmV8M => "armv8-m",
            Self::Riscv32 => "riscv32",
            Self::Xtensa => "xtensa",
            Self::Aarch64 => "aarch64",
            Self::X86_64 => "x86_64",
            Self::Other => "other",
        }
    }

    /// True for every ARM that this product unwinds (Cortex-M).
    pub fn is_cortex_m(self) -> bool {
        matches!(self, Self::Arm | Self::ArmV6M | Self::ArmV7M | Self::ArmV8M)
    }

    /// Which registers it has; of one that is symbolized only, none that anybody asks for.
    pub fn register_file(self) -> RegisterFile {
        match self {
            Self::Riscv32 => RegisterFile::Riscv,
            Self::Xtensa => RegisterFile::Xtensa,
            _ => RegisterFile::Arm,
        }
    }

    /// Bytes of an address.
    pub fn address_bytes(self) -> u8 {
        match self {
            Self::Aarch64 | Self::X86_64 => 8,
            _ => 4,
        }
    }
}
