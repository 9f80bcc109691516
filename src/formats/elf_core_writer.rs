//! Writes ELF core files of 32-bit processors that `elf_core` and gdb read: the table there says what stands where.

use crate::model::build_id::BuildId;
use crate::model::memory::MemoryMap;
use crate::model::register_file::RegisterFile;
use crate::model::registers::{Reg, RegisterSet};

const EM_ARM: u16 = 40;
const EM_RISCV: u16 = 243;
const ET_CORE: u16 = 4;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const NT_PRSTATUS: u32 = 1;
const NT_ARM_VFP: u32 = 0x400;
const NT_GNU_BUILD_ID: u32 = 3;
const HEADER_BYTES: u32 = 52;
const PROGRAM_HEADER_BYTES: u32 = 32;
/// `e_flags` of ARM EABI version 5.
const ARM_EABI5: u32 = 0x0500_0000;
/// `PF_R | PF_W | PF_X`: what the memory was is not known here.
const READ_WRITE_EXECUTE: u32 = 7;
/// Bytes of `NT_PRSTATUS`, and where the registers stand in it.
const ARM_STATUS_BYTES: usize = 148;
const RISCV_STATUS_BYTES: usize = 204;
const REGISTERS_AT: usize = 72;
const SIGNAL_AT: usize = 12;
const PID_AT: usize = 24;

/// Of the note that says where the registers are from, if they were found in memory: name, kind.
pub(super) const FOUND_NOTE: (&[u8], u32) = (b"FIELDSCOPE", 1);
/// General registers of a Cortex-M that a note can have: r0 to r15.
pub(super) const N_GENERAL: u16 = 16;

/// A core of one context. `None` where its registers are of a family that no core is written of, or where it has none of
/// program counter and stack pointer.
///
/// `found_at`: the registers are those of an exception frame at that address of a Cortex-M, and not all of them are known. The core
/// says so in a note of ours, which other debuggers pass over: they show 0 for what is not known.
pub fn elf_core(
    registers: &RegisterSet,
    memory: &MemoryMap,
    build_id: Option<&BuildId>,
    signal: u16,
    found_at: Option<u64>,
) -> Option<Vec<u8>> {
    registers.pc()?;
    registers.sp()?;
    let value = |reg| low_word(registers.known(reg).unwrap_or(0));
    let (machine, flags, n_bytes, words): (u16, u32, usize, Vec<u32>) = match registers.file() {
        RegisterFile::Arm => {
            let mut words: Vec<u32> = (0..16).map(|n| value(Reg::r(n))).collect();
            words.extend([value(Reg::XPSR), 0]);
            (EM_ARM, ARM_EABI5, ARM_STATUS_BYTES, words)
        }
        RegisterFile::Riscv => {
            let mut words = vec![value(Reg::RISCV_PC)];
            words.extend((1..32).map(|n| value(Reg(n))));
            (EM_RISCV, 0, RISCV_STATUS_BYTES, words)
        }
        RegisterFile::Xtensa => return None,
    };
    let mut status = vec![0; n_bytes];
    put(&mut status, SIGNAL_AT, &signal.to_le_bytes());
    put(&mut status, PID_AT, &1_u32.to_le_bytes());
    for (n, word) in words.into_iter().enumerate() {
        put(&mut status, REGISTERS_AT + 4 * n, &word.to_le_bytes());
    }
    let mut notes = note("CORE", NT_PRSTATUS, &status);
    let has_floats = (0..32).all(|n| registers.known(Reg::s(n)).is_some());
    if registers.file() == RegisterFile::Arm && has_floats {
        let mut floats: Vec<u8> = Vec::with_capacity(260);
        for n in 0..32 {
            floats.extend(value(Reg::s(n)).to_le_bytes());
        }
        // The registers d16 to d31, which this processor does not have.
        floats.resize(256, 0);
        floats.extend(value(Reg::FPSCR).to_le_bytes());
        notes.extend(note("LINUX", NT_ARM_VFP, &floats));
    }
    if let Some(addr) = found_at {
        let is_known = |n: &u16| registers.known(Reg::r(*n)).is_some();
        let known = (0..N_GENERAL).filter(is_known).map(|n| 1 << n);
        let words = [low_word(addr), known.sum()].map(u32::to_le_bytes);
        notes.extend(note("FIELDSCOPE", FOUND_NOTE.1, words.as_flattened()));
    }
    if let Some(id) = build_id {
        notes.extend(note("GNU", NT_GNU_BUILD_ID, id.as_bytes()));
    }
    Some(file(machine, flags, &notes, memory))
}

fn file(machine: u16, flags: u32, notes: &[u8], memory: &MemoryMap) -> Vec<u8> {
    let n_segments = u16::try_from(memory.regions().len() + 1).unwrap_or(u16::MAX);
    let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend(ET_CORE.to_le_bytes());
    bytes.extend(machine.to_le_bytes());
    for word in [1, 0, HEADER_BYTES, 0, flags] {
        bytes.extend(word.to_le_bytes());
    }
    let sizes = [HEADER_BYTES, PROGRAM_HEADER_BYTES].map(|n| u16::try_from(n).unwrap_or(0));
    for half in [sizes[0], sizes[1], n_segments, 0, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    let mut at = HEADER_BYTES + PROGRAM_HEADER_BYTES * u32::from(n_segments);
    let mut header = |kind: u32, addr: u64, data: &[u8], rights: u32, align: u32| {
        let n_bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        for word in [kind, at, low_word(addr), 0, n_bytes, n_bytes, rights, align] {
            bytes.extend(word.to_le_bytes());
        }
        at = at.saturating_add(n_bytes);
    };
    header(PT_NOTE, 0, notes, 0, 4);
    for region in memory.regions().iter().take(usize::from(n_segments) - 1) {
        header(PT_LOAD, region.start, &region.bytes, READ_WRITE_EXECUTE, 1);
    }
    bytes.extend_from_slice(notes);
    for region in memory.regions().iter().take(usize::from(n_segments) - 1) {
        bytes.extend_from_slice(&region.bytes);
    }
    bytes
}

fn note(name: &str, kind: u32, desc: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20 + desc.len());
    for n in [name.len() + 1, desc.len()] {
        bytes.extend(u32::try_from(n).unwrap_or(0).to_le_bytes());
    }
    bytes.extend(kind.to_le_bytes());
    for part in [[name.as_bytes(), b"\0"].concat().as_slice(), desc] {
        bytes.extend_from_slice(part);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn put(into: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = into.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn low_word(value: u64) -> u32 {
    u32::try_from(value & 0xFFFF_FFFF).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::elf_core;
    use crate::formats::Format as _;
    use crate::formats::elf_core::ElfCore;
    use crate::model::build_id::BuildId;
    use crate::model::memory::{Memory as _, MemoryMap};
    use crate::model::progress::Unattended;
    use crate::model::register_file::RegisterFile;
    use crate::model::registers::{Reg, RegisterSet};

    #[test]
    fn what_is_written_is_read() {
        let id = BuildId::from_hex("0123456789abcdef0123456789abcdef01234567").unwrap();
        let mut memory = MemoryMap::default();
        memory.insert(0x2000_0000, &[1, 2, 3]);
        memory.insert(0xE000_ED28, &0x8200_u32.to_le_bytes());
        for file in [RegisterFile::Arm, RegisterFile::Riscv] {
            let mut registers = RegisterSet::new(file);
            assert_eq!(elf_core(&registers, &memory, Some(&id), 11, None), None);
            let n_registers = if file == RegisterFile::Arm { 16 } else { 32 };
            for n in 1..n_registers {
                registers.set_known(Reg(n), 100 + u64::from(n));
            }
            registers.set_known(Reg(0), 0_u64);
            registers.set_pc(0x1234);
            if file == RegisterFile::Arm {
                registers.set_known(Reg::XPSR, 0x0100_0003_u64);
                for n in 0..32 {
                    registers.set_known(Reg::s(n), u64::from(n));
                }
                registers.set_known(Reg::FPSCR, 7_u64);
            }
            let core = elf_core(&registers, &memory, Some(&id), 11, None).unwrap();
            let decoded = ElfCore.decode(&core, &Unattended).unwrap();
            let [dump] = decoded.coredumps.as_slice() else {
                panic!("{decoded:?}");
            };
            assert!(dump.warnings.is_empty(), "{:?}", dump.warnings);
            assert_eq!(dump.build_id.as_ref(), Some(&id));
            let mut read = dump.threads[0].registers.clone();
            // Half of the 32 double-precision registers of a core are none of this processor.
            for n in 16..32 {
                assert_eq!(read.known(Reg(256 + n)).unwrap_or(0), 0);
            }
            let missing: Vec<_> = registers
                .iter()
                .filter(|(reg, value)| read.get(*reg) != *value && *reg != Reg(0))
                .collect();
            assert!(missing.is_empty(), "{file:?} {missing:?}");
            read.forget();
            assert_eq!(dump.memory.read_u8(0x2000_0002), Ok(3));
            assert_eq!(dump.fault.get("cfsr"), Some(0x8200));
        }
    }

    #[test]
    fn registers_that_were_found_in_memory_are_not_more_than_that() {
        let mut memory = MemoryMap::default();
        memory.insert(0x2000_0000, &[0; 64]);
        let mut registers = RegisterSet::default();
        for reg in [0, 1, 2, 3, 12, 14].map(Reg) {
            registers.set_known(reg, 7_u64);
        }
        registers.set_pc(0x1234);
        registers.set_sp(0x2000_0040);
        registers.set_known(Reg::XPSR, 0x0100_0000_u64);
        let core = elf_core(&registers, &memory, None, 11, Some(0x2000_0020)).unwrap();
        let decoded = ElfCore.decode(&core, &Unattended).unwrap();
        let dump = &decoded.coredumps[0];
        let read = &dump.threads[0].registers;
        assert_eq!(read.known(Reg(12)), Some(7));
        for n in 4..12 {
            assert_eq!(read.known(Reg(n)), None, "r{n}");
        }
        let [warning] = dump.warnings.as_slice() else {
            panic!("{:?}", dump.warnings);
        };
        assert_eq!(warning.code, "FS-CORE-010");
        assert!(warning.message.contains("0x20000020") && warning.message.contains("r4 to r11"));
    }
}
