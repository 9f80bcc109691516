//! The regions of the memory protection unit at the crash.
//!
//! The unit shows one region at a time (four on `ARMv8-M`): a plain copy of its registers holds the selected one only.
//! A firmware that wants all of them in its dump copies them to a variable `mpu_snapshot` in its fault handler:
//! MPU_TYPE, MPU_CTRL, then RBAR and RASR (`ARMv8-M`: RLAR) of each region in order.

use crate::arch::mpu::{self, Layout};
use crate::model::addr::TargetAddr;
use crate::model::arch::Arch;
use crate::model::memory::Memory;
use crate::model::report::{Fault, FaultBit};
use crate::model::target_state::MpuRegion;

/// The variable that holds a copy of all regions.
pub const SNAPSHOT_SYMBOL: &str = "mpu_snapshot";

/// Regions that are read at most; no Cortex-M has more.
const MAX_REGIONS: u32 = 16;

/// Region pairs that `ARMv8-M` shows at once (RBAR and its aliases A1 to A3).
const ALIASES: u32 = 4;

/// All enabled regions that the capture holds; empty when the unit was off.
pub fn mpu_regions(memory: &dyn Memory, arch: Arch, snapshot: Option<u64>) -> Vec<MpuRegion> {
    if !arch.is_cortex_m() {
        return Vec::new();
    }
    let layout = if arch == Arch::ArmV8M {
        Layout::BaseAndLimit
    } else {
        Layout::BaseAndSize
    };
    snapshot
        .and_then(|addr| from_snapshot(memory, layout, addr))
        .or_else(|| from_registers(memory, layout))
        .unwrap_or_default()
}

/// Marks the region that an access to `addr` hit. Of overlapping regions the highest number decides.
pub fn mark_hit(regions: &mut [MpuRegion], addr: u64) {
    let hit = regions
        .iter_mut()
        .filter(|region| (region.start.0..=region.last.0).contains(&addr))
        .max_by_key(|region| region.number);
    if let Some(region) = hit {
        region.hit = true;
    }
}

/// The address that the unit refused, if it was the unit.
pub fn refused_address(fault: &Fault) -> Option<u64> {
    let refused = ["IACCVIOL", "DACCVIOL", "MSTKERR", "MUNSTKERR", "MLSPERR"];
    let is_refused = |bit: &FaultBit| refused.contains(&bit.name.as_str());
    let addr = fault.address?.0;
    fault.bits.iter().any(is_refused).then_some(addr)
}

/// The region that decides over `addr`.
pub fn region_of(regions: &[MpuRegion], addr: u64) -> Option<&MpuRegion> {
    regions
        .iter()
        .filter(|region| (region.start.0..=region.last.0).contains(&addr))
        .max_by_key(|region| region.number)
}

fn from_snapshot(memory: &dyn Memory, layout: Layout, addr: u64) -> Option<Vec<MpuRegion>> {
    let kind = memory.read_u32(addr).ok()?;
    let control = memory.read_u32(addr.checked_add(4)?).ok()?;
    // A snapshot that the handler did not come to write is all zero.
    let count = ((kind >> 8) & 0xFF).min(MAX_REGIONS);
    if count == 0 {
        return None;
    }
    if control & 1 == 0 {
        return Some(Vec::new());
    }
    let mut regions = Vec::new();
    for number in 0..count {
        let pair = addr.checked_add(8 + 8 * u64::from(number))?;
        push(&mut regions, memory, layout, number, pair);
    }
    Some(regions)
}

fn from_registers(memory: &dyn Memory, layout: Layout) -> Option<Vec<MpuRegion>> {
    if memory.read_u32(mpu::CONTROL).ok()? & 1 == 0 {
        return None;
    }
    let selected = memory.read_u32(mpu::REGION_NUMBER).ok()? & 0xFF;
    let mut regions = Vec::new();
    push(&mut regions, memory, layout, selected, mpu::REGION_BASE);
    if layout == Layout::BaseAndLimit {
        // Alias n shows the region with the number of the selected group of four plus n.
        for alias in 1..ALIASES {
            let number = (selected & !3) | alias;
            if number != selected {
                let pair = mpu::REGION_BASE + 8 * u64::from(alias);
                push(&mut regions, memory, layout, number, pair);
            }
        }
    }
    regions.sort_by_key(|region| region.number);
    Some(regions)
}

fn push(regions: &mut Vec<MpuRegion>, memory: &dyn Memory, layout: Layout, number: u32, pair: u64) {
    let (Ok(base), Ok(attributes)) = (
        memory.read_u32(pair),
        memory.read_u32(pair.saturating_add(4)),
    ) else {
        return;
    };
    let Some(found) = mpu::region(layout, base, attributes) else {
        return;
    };
    regions.extend(found.spans.into_iter().map(|span| MpuRegion {
        number,
        start: TargetAddr(*span.start()),
        last: TargetAddr(*span.end()),
        rights: found.rights.clone(),
        hit: false,
    }));
}

#[cfg(test)]
mod tests {
    use super::{mark_hit, mpu_regions};
    use crate::model::arch::Arch;
    use crate::model::memory::MemoryMap;

    fn words(addr: u64, words: &[u32]) -> MemoryMap {
        let mut memory = MemoryMap::default();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        memory.insert(addr, &bytes);
        memory
    }

    #[test]
    fn a_snapshot_gives_every_region_and_the_highest_one_that_covers_the_address_is_hit() {
        let all_of_ram = [0x2000_0000, 3 << 24 | 16 << 1 | 1];
        let off = [0x2000_0100, 6 << 24 | 7 << 1];
        let table = [0x2000_0100, 6 << 24 | 7 << 1 | 1];
        let mut snapshot = vec![8 << 8, 5];
        snapshot.extend(all_of_ram.into_iter().chain(off).chain(table));
        let memory = words(0x2000_0400, &snapshot);
        let mut regions = mpu_regions(&memory, Arch::ArmV7M, Some(0x2000_0400));
        mark_hit(&mut regions, 0x2000_0108);
        let got: Vec<_> = regions.iter().map(|r| (r.number, r.hit)).collect();
        assert_eq!(got, [(0, false), (2, true)]);
    }

    #[test]
    fn registers_give_the_selected_region_and_on_version_8_its_group() {
        let pairs = [0x3800_0002, 0x3800_01E1, 0, 0, 0x3800_0205, 0x3800_02E1];
        let mut registers = vec![16 << 8, 1, 4];
        registers.extend(pairs);
        let memory = words(0xE000_ED90, &registers);
        let numbers = |arch| {
            mpu_regions(&memory, arch, None)
                .iter()
                .map(|region| region.number)
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(Arch::ArmV8M), [4, 6]);
        assert_eq!(numbers(Arch::ArmV7M), [4]);
        let memory = words(
            0xE000_ED90,
            &[8 << 8, 1, 3, 0x2000_0000, 6 << 24 | 7 << 1 | 1],
        );
        let regions = mpu_regions(&memory, Arch::ArmV7M, None);
        assert_eq!((regions[0].number, regions[0].last.0), (3, 0x2000_00FF));
    }
}
