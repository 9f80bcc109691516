//! The registers in a block of a Zephyr dump: `A` (the crashed CPU) and `F` (each other CPU).
//!
//! Layouts: `arm_arch_block`, `riscv_arch_block` and `xtensa_arch_block` of `arch/*/core/coredump.c`, words of 4 bytes.
//!
//! | target | version | words |
//! |---|---|---|
//! | 3 Cortex-M | 1 | r0-r3 r12 lr pc xpsr sp |
//! | | 2 | + r4-r11, zero unless the firmware has `CONFIG_EXTRA_EXCEPTION_INFO` |
//! | | 3 | + whether r4-r11 are real, offset of `callee_saved` in `struct k_thread` |
//! | 4 RISC-V | 1 | ra tp t0-t2 a0-a7 t3-t6 pc sp; with RV32E 13 words: without a6, a7, t3-t6 |
//! | | 3 | x0-x31 pc; what the firmware does not save (s1-s11; x16-x31 of RV32E) is zero |
//! | 5 Xtensa | 1 | u8 chip, u16 version (1; 2 adds u8 tool chain), pc exccause excvaddr sar ps (scompare1) a0-a15 (lbeg lend lcount) |
//!
//! Versions 2 and 4 of RISC-V are 1 and 3 with 64-bit words. A register that is zero because it was never saved is
//! left out, so that nobody takes it for a value.

use super::image::Image;
use crate::formats::bytes::Bytes;
use crate::model::{
    register_file::RegisterFile,
    registers::{Reg, RegValue, RegisterSet},
};
use std::ops::RangeInclusive;

pub(super) const X86: u16 = 1;
pub(super) const X86_64: u16 = 2;
pub(super) const CORTEX_M: u16 = 3;
pub(super) const RISCV: u16 = 4;
pub(super) const XTENSA: u16 = 5;
pub(super) const ARM64: u16 = 6;

/// Words of the first RISC-V layout, and of the same for RV32E.
const RISCV_SAVED: [u16; 17] = [
    1, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31,
];
const RV32E_SAVED: [u16; 11] = [1, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15];
/// Registers of RISC-V that are saved together or not at all.
const RISCV_GROUPS: [&[u16]; 3] = [
    &[9],
    &[18, 19, 20, 21, 22, 23, 24, 25, 26, 27],
    &[16, 17, 28, 29, 30, 31],
];

/// A block's data and where it begins in the image.
pub(super) struct Block<'a> {
    pub(super) image: &'a Image<'a>,
    pub(super) start: usize,
    pub(super) data: &'a [u8],
    pub(super) version: u16,
}

/// The registers; `None` for a processor or a version whose layout is not known.
pub(super) fn read(target: u16, block: &Block<'_>) -> Option<RegisterSet> {
    let read = match (target, block.version) {
        (CORTEX_M, _) => cortex_m(block),
        (RISCV, 1) => riscv_saved(block),
        (RISCV, 3) => riscv_all(block),
        (XTENSA, _) => xtensa(block)?,
        _ => return None,
    };
    let mut registers = RegisterSet::new(read.file());
    for (reg, value) in read.iter().filter(|(_, v)| *v != RegValue::NotStored) {
        registers.set(reg, value);
    }
    Some(registers)
}

impl Block<'_> {
    fn words(&self, from: usize) -> impl Iterator<Item = RegValue> + '_ {
        let mut at = Bytes::new(self.data.get(from..).unwrap_or(&[]));
        let start = self.start.saturating_add(from);
        std::iter::from_fn(move || {
            let word_at = start.saturating_add(at.offset());
            let word = at.u32()?;
            let is_lost = self
                .image
                .is_hole(&(word_at..word_at.saturating_add(size_of::<u32>())));
            Some(if is_lost {
                RegValue::NotStored
            } else {
                RegValue::Known(word.into())
            })
        })
    }
}

fn cortex_m(block: &Block<'_>) -> RegisterSet {
    const CALLEE_SAVED: RangeInclusive<u16> = 4..=11;
    let mut registers = RegisterSet::default();
    let order = [0, 1, 2, 3, 12, 14, 15]
        .map(Reg::r)
        .into_iter()
        .chain([Reg::XPSR, Reg::SP])
        .chain(CALLEE_SAVED.map(Reg::r));
    let n_registers = order.clone().count();
    for (reg, value) in order.zip(block.words(0)) {
        registers.set(reg, value);
    }
    let are_real = match block.words(0).nth(n_registers) {
        Some(RegValue::Known(flag)) if block.version >= 3 => flag != 0,
        _ => CALLEE_SAVED.clone().any(|n| is_not_zero(&registers, n)),
    };
    if !are_real {
        CALLEE_SAVED.for_each(|n| registers.set(Reg::r(n), RegValue::NotStored));
    }
    registers
}

fn riscv_saved(block: &Block<'_>) -> RegisterSet {
    let n_words = block.data.len() / size_of::<u32>();
    let saved: &[u16] = if n_words < RISCV_SAVED.len().saturating_add(2) {
        &RV32E_SAVED
    } else {
        &RISCV_SAVED
    };
    let mut registers = RegisterSet::new(RegisterFile::Riscv);
    let order = saved.iter().map(|n| Reg(*n));
    for (reg, value) in order.chain([Reg::RISCV_PC, Reg(2)]).zip(block.words(0)) {
        registers.set(reg, value);
    }
    registers
}

fn riscv_all(block: &Block<'_>) -> RegisterSet {
    let mut registers = RegisterSet::new(RegisterFile::Riscv);
    let order = (0..32).map(Reg).chain([Reg::RISCV_PC]);
    for (reg, value) in order.zip(block.words(0)).skip(1) {
        registers.set(reg, value);
    }
    for group in RISCV_GROUPS {
        leave_out_zeros(&mut registers, group);
    }
    registers
}

fn xtensa(block: &Block<'_>) -> Option<RegisterSet> {
    const N_A_REGISTERS: u16 = 16;
    let mut head = Bytes::new(block.data);
    let (_chip, version) = (head.u8()?, head.u16()?);
    if version >= 2 {
        _ = head.u8()?; // the tool chain that the firmware was built with
    }
    let first = [
        Reg::XTENSA_PC,
        Reg::EXCCAUSE,
        Reg::EXCVADDR,
        Reg::SAR,
        Reg::PS,
    ];
    let loops = [Reg::LBEG, Reg::LEND, Reg::LCOUNT];
    let n_words = head.remaining() / size_of::<u32>();
    let n_least = first.len().saturating_add(usize::from(N_A_REGISTERS));
    // Processors lack one or both of these; together they tell by the number of words.
    let (has_scompare, has_loops) = match n_words.checked_sub(n_least)? {
        0 => (false, false),
        1 => (true, false),
        3 => (false, true),
        _ => (true, true),
    };
    let order = first
        .map(Some)
        .into_iter()
        .chain(has_scompare.then_some(None))
        .chain((0..N_A_REGISTERS).map(|n| Some(Reg(n))))
        .chain(loops.map(|reg| has_loops.then_some(reg)));
    let mut registers = RegisterSet::new(RegisterFile::Xtensa);
    for (reg, value) in order.zip(block.words(head.offset())) {
        if let Some(reg) = reg {
            registers.set(reg, value);
        }
    }
    // The window had spilled as many groups of four registers as it was in use.
    for group in [[4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]] {
        leave_out_zeros(&mut registers, &group);
    }
    Some(registers)
}

fn is_not_zero(registers: &RegisterSet, n: u16) -> bool {
    registers.known(Reg(n)).is_some_and(|value| value != 0)
}

/// Registers that are all zero were not saved.
fn leave_out_zeros(registers: &mut RegisterSet, group: &[u16]) {
    if !group.iter().any(|n| is_not_zero(registers, *n)) {
        for n in group {
            registers.set(Reg(*n), RegValue::NotStored);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, CORTEX_M, RISCV, XTENSA, read};
    use crate::formats::zephyr::image::Image;
    use crate::model::registers::{Reg, RegValue, RegisterSet};

    fn registers(target: u16, version: u16, head: &[u8], words: &[u32]) -> RegisterSet {
        let mut data = head.to_vec();
        data.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let image = Image::default();
        read(
            target,
            &Block {
                image: &image,
                start: 0,
                data: &data,
                version,
            },
        )
        .unwrap()
    }

    #[test]
    fn both_layouts_of_riscv_are_read_and_what_was_not_saved_is_unknown() {
        let words: Vec<u32> = (100..119).collect();
        let saved = registers(RISCV, 1, &[], &words);
        assert_eq!(saved.pc(), Some(117));
        assert_eq!(saved.sp(), Some(118));
        assert_eq!(saved.known(Reg(1)), Some(100));
        assert_eq!(saved.known(Reg(31)), Some(116));
        assert_eq!(saved.get(Reg(9)), RegValue::NotStored);
        let small = registers(RISCV, 1, &[], &words[..13]);
        assert_eq!((small.pc(), small.sp()), (Some(111), Some(112)));
        assert_eq!(small.get(Reg(16)), RegValue::NotStored);
        let mut words: Vec<u32> = (200..233).collect();
        words[18..28].fill(0);
        words[9] = 0;
        let all = registers(RISCV, 3, &[], &words);
        assert_eq!((all.pc(), all.sp()), (Some(232), Some(202)));
        assert_eq!(all.known(Reg(31)), Some(231));
        assert_eq!(all.get(Reg(0)), RegValue::NotStored);
        assert_eq!(all.get(Reg(9)), RegValue::NotStored);
        assert_eq!(all.get(Reg(20)), RegValue::NotStored);
        words[20] = 7;
        let all = registers(RISCV, 3, &[], &words);
        assert_eq!(all.known(Reg(21)), Some(0), "saved with the others");
    }

    #[test]
    fn each_kind_of_xtensa_is_known_by_its_number_of_words() {
        for (head, n_words, a0_at) in [
            (&[4, 1, 0][..], 21, 5),
            (&[1, 1, 0], 22, 6),
            (&[2, 1, 0], 25, 6),
            (&[5, 2, 0, 3], 25, 6),
        ] {
            let words: Vec<u32> = (1..=n_words).collect();
            let regs = registers(XTENSA, 1, head, &words);
            assert_eq!(regs.pc(), Some(1), "{n_words}");
            assert_eq!(regs.known(Reg::EXCCAUSE), Some(2));
            assert_eq!(regs.known(Reg::PS), Some(5));
            assert_eq!(regs.known(Reg(0)), Some(a0_at + 1));
            assert_eq!(regs.sp(), Some(a0_at + 2));
            let lcount = (n_words == 25).then_some(25);
            assert_eq!(regs.known(Reg::LCOUNT), lcount);
        }
        let mut words: Vec<u32> = (1..=25).collect();
        words[10..22].fill(0);
        let regs = registers(XTENSA, 1, &[2, 1, 0], &words);
        assert_eq!(regs.known(Reg(3)), Some(10));
        assert_eq!(regs.get(Reg(4)), RegValue::NotStored);
        assert_eq!(regs.get(Reg(15)), RegValue::NotStored);
    }

    #[test]
    fn a_block_that_is_too_short_gives_what_is_there() {
        let regs = registers(CORTEX_M, 2, &[], &[1, 2, 3]);
        assert_eq!(regs.known(Reg::r(2)), Some(3));
        assert_eq!(regs.get(Reg::r(3)), RegValue::NotStored);
        let regs = registers(RISCV, 3, &[], &[]);
        assert_eq!(regs.pc(), None);
    }
}
