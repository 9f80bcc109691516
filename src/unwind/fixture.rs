//! Test inputs: the ELF cores of `tests/fixtures` (read by hand here, not by the product's own reader) and their ELFs.

use crate::model::{
    memory::MemoryMap,
    register_file::RegisterFile,
    registers::{Reg, RegisterSet},
};
use crate::symbols::{debug_info::DebugInfo, symbol_file::SymbolFile};

/// A core file: one register set a thread, and memory.
pub(super) struct Core {
    pub(super) threads: Vec<RegisterSet>,
    pub(super) memory: MemoryMap,
}

pub(super) fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(super) fn text(name: &str) -> String {
    String::from_utf8(bytes(name)).unwrap()
}

pub(super) fn symbol_file(name: &str) -> SymbolFile {
    SymbolFile::parse(name, bytes(name)).unwrap()
}

/// The same ELF with its call-frame information hidden.
pub(super) fn symbol_file_without_cfi(name: &str) -> SymbolFile {
    symbol_file_hiding(name, b".debug_frame\0")
}

/// The ELF with one of its sections renamed, so that nobody finds it.
pub(super) fn symbol_file_hiding(name: &str, section: &[u8]) -> SymbolFile {
    let mut elf = bytes(name);
    let at = elf
        .windows(section.len())
        .position(|window| window == section)
        .unwrap();
    elf[at + 1] = b'x';
    SymbolFile::parse(name, elf).unwrap()
}

pub(super) fn info(file: &SymbolFile) -> DebugInfo<'_> {
    DebugInfo::new(file)
}

pub(super) fn core(name: &str) -> Core {
    read_core(name, |word, registers_at| {
        let mut regs = RegisterSet::default();
        for n in 0..16_u16 {
            regs.set_known(Reg::r(n), word(registers_at + 4 * usize::from(n)));
        }
        regs.set_known(Reg::XPSR, word(registers_at + 64));
        regs
    })
}

/// The same of RISC-V: the program counter, then x1 to x31.
pub(super) fn riscv_core(name: &str) -> Core {
    read_core(name, |word, registers_at| {
        let mut regs = RegisterSet::new(RegisterFile::Riscv);
        regs.set_pc(word(registers_at).into());
        for n in 1..32_u16 {
            regs.set_known(Reg(n), word(registers_at + 4 * usize::from(n)));
        }
        regs
    })
}

fn read_core(name: &str, registers: fn(&dyn Fn(usize) -> u32, usize) -> RegisterSet) -> Core {
    let data = bytes(name);
    let word = |at: usize| u32::from_le_bytes(data[at..at + 4].try_into().unwrap());
    let half = |at: usize| usize::from(u16::from_le_bytes(data[at..at + 2].try_into().unwrap()));
    let mut core = Core {
        threads: Vec::new(),
        memory: MemoryMap::default(),
    };
    for header in (0..half(44)).map(|n| word(28) as usize + n * half(42)) {
        let (offset, size) = (word(header + 4) as usize, word(header + 16) as usize);
        if word(header) == 1 {
            core.memory
                .insert(word(header + 8).into(), &data[offset..offset + size]);
            continue;
        }
        let mut note = offset;
        while note < offset + size {
            let (name_len, desc_len) = (word(note) as usize, word(note + 4) as usize);
            let desc = note + 12 + name_len.next_multiple_of(4);
            if word(note + 8) == 1 {
                let regs = registers(&word, desc + 72);
                core.threads.push(regs);
            }
            note = desc + desc_len.next_multiple_of(4);
        }
    }
    core
}
