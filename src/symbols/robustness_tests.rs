//! Damaged debug information: wrong answers are fine, panics and endless work are not.

use super::debug_info::DebugInfo;
use super::frame_oracle_tests::fixture;
use super::globals::{globals, read_global};
use super::symbol_file::SymbolFile;
use super::symbol_set::SymbolSet;
use super::types::{array_length, member_offset, type_size};
use super::variables::{FrameContext, ValueLimits, locals};
use crate::model::memory::MemoryMap;
use crate::model::registers::{Reg, RegisterSet};
use std::time::{Duration, Instant};

/// A small generator of numbers (xorshift, Marsaglia 2003): the same flips on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

fn use_everything(file: &SymbolFile, code: std::ops::Range<u64>) {
    let set = SymbolSet {
        infos: vec![DebugInfo::new(file)],
    };
    let info = &set.infos[0];
    let limits = ValueLimits::default();
    for global in globals(info).iter().take(200) {
        read_global(info, global, file.initial_data(), &set, &limits);
    }
    for name in ["g_outer", "ring", "g_cube"] {
        array_length(info, name);
        type_size(info, name);
    }
    for name in ["node", "struct bits", "sample_t", "outer"] {
        type_size(info, name);
        member_offset(info, name, "next");
    }
    let mut registers = RegisterSet::default();
    for n in 0..16 {
        registers.set_known(Reg::r(n), 0x2000_0100_u64 + u64::from(n) * 4);
    }
    let mut memory = MemoryMap::default();
    memory.insert(0x2000_0000, &[0x11; 0x800]);
    let mut caller_registers = registers.clone();
    for lookup in code.step_by(26) {
        caller_registers.set_known(Reg::PC, lookup + 1);
        let caller = FrameContext {
            lookup,
            registers: &caller_registers,
            cfa: Some(0x2000_0200),
            memory: &memory,
            caller: None,
            symbols: &set,
        };
        let frame = FrameContext {
            registers: &registers,
            cfa: Some(0x2000_0180),
            caller: Some(&caller),
            ..caller
        };
        for source in info.source_frames(lookup) {
            if let Some(scope) = source.scope {
                locals(info, scope, &frame, &limits);
            }
        }
    }
}

#[test]
fn flipped_bits_in_the_debug_sections_never_panic_nor_hang() {
    for (path, code, n_rounds) in [
        ("types/types-dwarf2.elf", 0x0800_0000..0x0800_0090, 40),
        ("types/types-dwarf5.elf", 0x0800_0000..0x0800_0090, 40),
        ("qemu-bare/an386.elf", 0x200..0x840, 25),
    ] {
        let original = fixture(path);
        let first = object_sections_start(&original);
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        for round in 0..n_rounds {
            let mut bytes = original.clone();
            // A few flips hit names and code; many hit the structure somewhere.
            for _flip in 0..=round * 4 {
                let at = first + numbers.below(bytes.len() - first);
                bytes[at] ^= 1 << numbers.below(8);
            }
            let started = Instant::now();
            if let Ok(file) = SymbolFile::parse(path, bytes) {
                use_everything(&file, code.clone());
            }
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{path}, round {round}"
            );
        }
    }
}

/// Where the debug sections begin: behind the loaded segments.
fn object_sections_start(bytes: &[u8]) -> usize {
    let word = |at: usize| {
        usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap()
    };
    let n = usize::from(u16::from_le_bytes([bytes[44], bytes[45]]));
    (0..n)
        .map(|i| word(28) + i * 32)
        .map(|header| word(header + 4) + word(header + 16))
        .max()
        .unwrap()
}
