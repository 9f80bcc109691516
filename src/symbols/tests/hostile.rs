//! Damaged ELFs: an answer, part of one or an error, never a panic or an endless loop.

use super::super::debug_info::DebugInfo;
use super::super::symbol_file::SymbolFile;
use super::fixture;
use crate::model::memory::MemoryMap;
use crate::model::registers::{Reg, RegisterSet};

const ELFS: &[&str] = &[
    "qemu-bare/an505.elf",
    "qemu-freertos/an386.elf",
    "symbols/dwarf2.elf",
    "symbols/dwarf5.elf",
    "symbols/zlib.elf",
    "symbols/split.debug",
];

fn exercise(bytes: Vec<u8>) {
    let Ok(file) = SymbolFile::parse("damaged", bytes) else {
        return;
    };
    let info = DebugInfo::new(&file);
    let mut regs = RegisterSet::default();
    for n in 0..16 {
        regs.set_known(Reg::r(n), 0x2000_1000_u32);
    }
    let mut memory = MemoryMap::default();
    memory.insert(0x2000_0000, &[0x11; 0x2000]);
    for addr in (0..0x3000_u64).step_by(0x1FE) {
        let _frames = info.source_frames(addr);
        let _range = info.function_range(addr);
        let _step = info.unwind_step(addr, &regs, &memory);
        let _symbol = file.symbol_at(addr);
    }
}

#[test]
fn truncated_elfs_never_panic() {
    for elf in ELFS {
        let bytes = std::fs::read(fixture(elf)).unwrap();
        for len in (0..bytes.len()).step_by(997) {
            // Cut off, and with the rest zeroed: the section table survives that.
            exercise(bytes[..len].to_vec());
            if len % 3 == 0 {
                let mut zeroed = bytes.clone();
                let until = len.saturating_add(997).min(bytes.len());
                zeroed[len..until].fill(0);
                exercise(zeroed);
            }
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let mut state = 0x1234_5678_9ABC_DEF0_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for elf in ELFS {
        let bytes = std::fs::read(fixture(elf)).unwrap();
        for _round in 0..150 {
            let mut damaged = bytes.clone();
            for _flip in 0..8 {
                let at = random(damaged.len());
                damaged[at] ^= 1 << random(8);
            }
            // The headers often enough that tables contradict each other.
            let at = random(64);
            damaged[at] ^= 1 << random(8);
            exercise(damaged.clone());
            damaged[..64].copy_from_slice(&bytes[..64]);
            exercise(damaged);
        }
    }
}
