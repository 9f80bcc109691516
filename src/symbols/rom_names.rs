//! Names of routines in the mask ROM of ESP chips.
//!
//! An ESP-IDF application is linked with `*.rom.ld`: the routines that it calls are absolute symbols without a size. Only the
//! exported ones are among them, so that an address far behind a name is in another routine, of which nothing is known
//! (the chip's ROM ELF has all names and can be given as a further symbol file).

use super::elf_image::{self, ElfImage};
use object::elf;
use std::ops::Range;

/// Mask ROM of the Xtensa chips and of the RISC-V ones, and of the ESP32-P4.
const ROMS: [Range<u64>; 2] = [0x4000_0000..0x4007_0000, 0x4FC0_0000..0x4FC2_0000];
/// Below this offset the RISC-V chips keep a table of jumps, 4 bytes each.
const JUMP_TABLE_BYTES: u64 = 0x1800;
/// An address further behind a name is not in that routine.
const LONGEST_ROUTINE: u64 = 0x400;

/// The exported routines of a ROM, by address.
#[derive(Debug, Default)]
pub(super) struct RomNames {
    machine: u16,
    sorted: Vec<(u64, String)>,
}

impl RomNames {
    /// Takes them from the symbol table of an application.
    pub(super) fn load(image: &ElfImage, bytes: &[u8]) -> Self {
        let mut sorted: Vec<(u64, String)> = elf_image::symbols(bytes)
            .into_iter()
            .filter(|symbol| {
                symbol.section == elf::SHN_ABS
                    && matches!(symbol.kind, elf::STT_NOTYPE | elf::STT_FUNC)
                    && ROMS.iter().any(|rom| rom.contains(&symbol.value))
            })
            .map(|symbol| (symbol.value, symbol.name))
            .collect();
        sorted.sort();
        Self {
            machine: image.machine,
            sorted,
        }
    }

    /// The exported routine that `addr` most likely lies in.
    pub(super) fn at(&self, addr: u64) -> Option<String> {
        let rom = ROMS.iter().find(|rom| rom.contains(&addr))?;
        let after = self.sorted.partition_point(|(start, _)| *start <= addr);
        let (start, _) = self.sorted.get(after.checked_sub(1)?)?;
        let is_table =
            self.machine == elf::EM_RISCV && start.saturating_sub(rom.start) < JUMP_TABLE_BYTES;
        let longest = if is_table { 4 } else { LONGEST_ROUTINE };
        if addr - start >= longest {
            return None;
        }
        // Of several names of one routine the ROM's own: `esp_rom_*` are what ESP-IDF calls it.
        let first = self.sorted.partition_point(|(other, _)| other < start);
        let mut names = self.sorted.get(first..after)?.iter().map(|(_, name)| name);
        let own = names.clone().find(|name| !name.starts_with("esp_rom_"));
        own.or(names.next_back()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::{RomNames, elf};

    #[test]
    fn a_name_reaches_as_far_as_a_routine_and_not_over_a_table_of_jumps() {
        let names = RomNames {
            machine: elf::EM_XTENSA,
            sorted: vec![
                (0x4000_689C, "ets_set_appcpu_boot_addr".to_owned()),
                (0x4000_7D54, "esp_rom_printf".to_owned()),
                (0x4000_7D54, "ets_printf".to_owned()),
            ],
        };
        assert_eq!(names.at(0x4000_814A).as_deref(), Some("ets_printf"));
        assert_eq!(names.at(0x4000_7C77), None);
        assert_eq!(names.at(0x400D_0000), None);
        let jumps = RomNames {
            machine: elf::EM_RISCV,
            sorted: vec![(0x4000_00E4, "tdefl_init".to_owned())],
        };
        assert_eq!(jumps.at(0x4000_0120), None);
    }
}
