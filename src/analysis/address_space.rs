//! What a Cortex-M address is for when nothing else is known of it.
//!
//! Source: the system address map, ARMv7-M Architecture Reference Manual, B3.1 (the same in v6-M and v8-M).

/// Below this an access goes through a null pointer: a member of a structure lies a little above 0.
pub const NULL_PAGE_BYTES: u64 = 4096;

/// A part of the system address map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// 0x00000000: flash and tightly coupled memory.
    Code,
    /// 0x20000000: on-chip RAM.
    Sram,
    /// 0x40000000: on-chip peripherals.
    Peripheral,
    /// 0x60000000: external memory.
    ExternalRam,
    /// 0xA0000000: external devices.
    ExternalDevice,
    /// 0xE0000000: the processor's own registers.
    System,
    /// 0xE0100000: left to the vendor.
    Vendor,
}

impl Area {
    /// The part that `addr` lies in.
    pub fn of(addr: u64) -> Self {
        match addr {
            0..0x2000_0000 => Self::Code,
            0x2000_0000..0x4000_0000 => Self::Sram,
            0x4000_0000..0x6000_0000 => Self::Peripheral,
            0x6000_0000..0xA000_0000 => Self::ExternalRam,
            0xA000_0000..0xE000_0000 => Self::ExternalDevice,
            0xE000_0000..0xE010_0000 => Self::System,
            _ => Self::Vendor,
        }
    }

    /// True where the architecture forbids execution, whatever is there.
    pub fn is_never_executable(self) -> bool {
        matches!(
            self,
            Self::Peripheral | Self::ExternalDevice | Self::System | Self::Vendor
        )
    }

    /// What a failed access to it means, after "to 0x40001000, "; `None` where nothing is known to be.
    pub fn occupant(self) -> Option<&'static str> {
        match self {
            Self::Peripheral => Some("a peripheral that is off or missing"),
            Self::ExternalDevice => Some("an external device that does not answer"),
            Self::System => Some("the system region"),
            Self::Code | Self::Sram | Self::ExternalRam | Self::Vendor => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Area;

    #[test]
    fn addresses_belong_to_the_areas_of_the_manual() {
        for (addr, area) in [
            (0, Area::Code),
            (0x2000_0000, Area::Sram),
            (0x5FFF_FFFF, Area::Peripheral),
            (0x9FFF_FFFF, Area::ExternalRam),
            (0xDFFF_FFFF, Area::ExternalDevice),
            (0xE000_ED28, Area::System),
            (0xF000_0000, Area::Vendor),
        ] {
            assert_eq!(Area::of(addr), area, "{addr:#x}");
        }
    }
}
