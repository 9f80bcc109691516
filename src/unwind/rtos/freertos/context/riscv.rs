//! Registers of a task that is not running, on RISC-V: what the port's trap entry left on the task's stack.
//!
//! From `pxTopOfStack` upwards, in words:
//!
//! | port | words |
//! |---|---|
//! | kernel V11 (`portable/GCC/RISC-V`) | mepc, ra, t0-t2, s0, s1, a0-a7, s2-s11, t3-t6, critical nesting, mstatus |
//! | kernel V10.3 to V10.5 | the same without the critical nesting |
//! | either with RV32E | mepc, ra, t0-t2, s0, s1, a0-a5, critical nesting, mstatus |
//! | ESP-IDF (`RvExcFrame`) | mepc, ra, sp, gp, tp, .. : xN is word N; mstatus |
//!
//! The ELF does not say which port it was built with: the one whose words make sense is taken.

use crate::model::{
    memory::Memory,
    register_file::RegisterFile,
    registers::{Reg, RegValue, RegisterSet},
};
use crate::symbols::symbol_set::SymbolSet;

/// One port's context.
struct Port {
    /// The registers from the first word after mepc on.
    order: &'static [u16],
    /// Word of mstatus.
    mstatus: u64,
    /// Word of the critical nesting, if the port stores it.
    nesting: Option<u64>,
    /// Words in all: the stack pointer of the task is behind them. `None` when it is among the registers.
    words: Option<u64>,
}

/// ra, t0-t2, s0, s1, a0-a7, s2-s11, t3-t6.
const FULL: [u16; 28] = [
    1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
    29, 30, 31,
];
/// ra, t0-t2, s0, s1, a0-a5.
const EMBEDDED: [u16; 12] = [1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// x1 to x31.
const NUMBERED: [u16; 31] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    27, 28, 29, 30, 31,
];

/// Ports, the most telling first.
const PORTS: [Port; 4] = [
    Port {
        order: &NUMBERED,
        mstatus: 32,
        nesting: None,
        words: None,
    },
    Port {
        order: &FULL,
        mstatus: 30,
        nesting: Some(29),
        words: Some(31),
    },
    Port {
        order: &EMBEDDED,
        mstatus: 14,
        nesting: Some(13),
        words: Some(15),
    },
    Port {
        order: &FULL,
        mstatus: 29,
        nesting: None,
        words: Some(30),
    },
];

/// `mstatus.MPP`: the task runs in machine mode.
const MPP_MACHINE: u32 = 3 << 11;
/// Bits of `mstatus` that a 32-bit core never sets (reserved, 23 to 30).
const MSTATUS_RESERVED: u32 = 0x7F80_0000;
/// Deeper nesting of critical sections is no count.
const MAX_NESTING: u32 = 64;
/// An interrupted task's stack pointer is not further above its context.
const MAX_CONTEXT_BYTES: u64 = 4096;

/// The registers that the task will continue with, or `None` when no port's context is there.
pub(super) fn saved_registers(
    top: u64,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> Option<RegisterSet> {
    PORTS
        .iter()
        .find_map(|port| read_as(port, top, symbols, memory))
}

fn read_as(
    port: &Port,
    top: u64,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> Option<RegisterSet> {
    let word = |index: u64| memory.read_u32(top.checked_add(4 * index)?).ok();
    let mepc = u64::from(word(0)?);
    let mstatus = word(port.mstatus)?;
    let in_code = symbols
        .infos
        .iter()
        .any(|info| info.file().contains_code(mepc));
    let is_machine = mstatus & MPP_MACHINE == MPP_MACHINE && mstatus & MSTATUS_RESERVED == 0;
    if !in_code || mepc & 1 == 1 || !is_machine {
        return None;
    }
    if let Some(index) = port.nesting
        && word(index)? > MAX_NESTING
    {
        return None;
    }
    let mut regs = RegisterSet::new(RegisterFile::Riscv);
    for (index, reg) in (1..).zip(port.order) {
        regs.set(
            Reg(*reg),
            word(index).map_or(RegValue::NotStored, |w| RegValue::Known(w.into())),
        );
    }
    regs.set_pc(mepc);
    regs.set_known(Reg::MSTATUS, mstatus);
    if let Some(words) = port.words {
        regs.set_sp(top.checked_add(4 * words)?);
    }
    let above = regs.sp()?.checked_sub(top)?;
    (above <= MAX_CONTEXT_BYTES && above % 4 == 0).then_some(regs)
}

#[cfg(test)]
mod tests {
    use super::{EMBEDDED, FULL, NUMBERED, saved_registers};
    use crate::model::{memory::MemoryMap, registers::Reg};
    use crate::symbols::symbol_set::SymbolSet;
    use crate::unwind::fixture::{info, symbol_file};

    const TOP: u32 = 0x8010_1000;
    const PC: u32 = 0x8000_0100;

    #[test]
    fn every_port_is_known_by_its_words() {
        let file = symbol_file("qemu-riscv/weir-virt.elf");
        let symbols = SymbolSet {
            infos: vec![info(&file)],
        };
        let of = |order: &[u16]| -> Vec<u32> {
            let values = order.iter().map(|reg| 0x1000 + u32::from(*reg));
            std::iter::once(PC).chain(values).collect()
        };
        let mut esp = of(&NUMBERED);
        esp[2] = TOP + 37 * 4;
        for (port, mut words, tail, sp, has_s11) in [
            ("V11", of(&FULL), vec![1, 0x1880], TOP + 31 * 4, true),
            (
                "V10",
                of(&FULL),
                vec![0x1880, 0xA5A5_A5A5],
                TOP + 30 * 4,
                true,
            ),
            ("RV32E", of(&EMBEDDED), vec![0, 0x1880], TOP + 15 * 4, false),
            ("ESP-IDF", esp, vec![0x1881], TOP + 37 * 4, true),
        ] {
            words.extend(tail);
            words.extend([0xA5A5_A5A5; 16]);
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            let mut memory = MemoryMap::default();
            memory.insert(TOP.into(), &bytes);
            let regs = saved_registers(TOP.into(), &symbols, &memory).expect(port);
            assert_eq!(regs.pc(), Some(PC.into()), "{port}");
            assert_eq!(regs.sp(), Some(sp.into()), "{port}");
            assert_eq!(regs.known(Reg(1)), Some(0x1001), "{port}");
            assert_eq!(regs.known(Reg(15)), Some(0x100F), "{port}");
            assert_eq!(regs.known(Reg(27)), has_s11.then_some(0x101B), "{port}");
        }
    }

    #[test]
    fn a_stack_of_fill_bytes_holds_no_context() {
        let file = symbol_file("qemu-riscv/weir-virt.elf");
        let symbols = SymbolSet {
            infos: vec![info(&file)],
        };
        let mut memory = MemoryMap::default();
        memory.insert(TOP.into(), &[0xA5; 512]);
        assert_eq!(saved_registers(TOP.into(), &symbols, &memory), None);
        assert_eq!(saved_registers(u64::MAX - 8, &symbols, &memory), None);
    }
}
