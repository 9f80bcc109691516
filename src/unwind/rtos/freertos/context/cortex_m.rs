//! The Cortex-M ports that keep a task's registers on its stack.
//!
//! From `pxTopOfStack` upwards, as `portable/GCC/*/port.c` and `portasm.c` of kernel V10 and V11 push it; then comes the
//! hardware exception frame:
//!
//! | port | words |
//! |---|---|
//! | CM0, CM3 | r4-r11 |
//! | CM4F, CM7 | r4-r11, `EXC_RETURN`, [s16-s31] |
//! | CM4 with MPU (V10) | CONTROL, r4-r11, `EXC_RETURN`, [s16-s31] |
//! | CM33 with MPU (V10) | PSPLIM, CONTROL, `EXC_RETURN`, r4-r11, [s16-s31] |
//! | CM33 with `TrustZone` and MPU (V10) | secure context, PSPLIM, CONTROL, `EXC_RETURN`, r4-r11, [s16-s31] |
//! | CM85 with pointer authentication | four words of keys, then as the CM33 |
//! | CM23, CM33 without `TrustZone` | PSPLIM, `EXC_RETURN`, r4-r11, [s16-s31] |
//! | CM23, CM33 with `TrustZone` | secure context, PSPLIM, `EXC_RETURN`, r4-r11, [s16-s31] |
//!
//! The ELF does not say which port it was built with: the one whose words make sense is taken.

use crate::arch::cortex_m::{ExcReturn, XPSR_EXCEPTION, XPSR_RESERVED, XPSR_THUMB};
use crate::model::{
    memory::Memory,
    registers::{Reg, RegValue, RegisterSet},
};
use crate::symbols::symbol_set::SymbolSet;
use crate::unwind::exception_frame;

/// Word offsets of one port's context.
struct Port {
    /// r4.
    callee_saved: u64,
    /// `EXC_RETURN`, if the port stores it.
    exc_return: Option<u64>,
    /// Words before s16-s31 or the hardware frame.
    words: u64,
}

/// Ports, the most telling first: without an `EXC_RETURN` there is less to recognize it by.
const PORTS: [Port; 8] = [
    // CM4F, CM7
    Port {
        callee_saved: 0,
        exc_return: Some(8),
        words: 9,
    },
    // CM33 without TrustZone
    Port {
        callee_saved: 2,
        exc_return: Some(1),
        words: 10,
    },
    // CM33 with TrustZone, or with MPU
    Port {
        callee_saved: 3,
        exc_return: Some(2),
        words: 11,
    },
    // CM33 with TrustZone and MPU
    Port {
        callee_saved: 4,
        exc_return: Some(3),
        words: 12,
    },
    // CM85 without TrustZone, pointer authentication
    Port {
        callee_saved: 6,
        exc_return: Some(5),
        words: 14,
    },
    // CM85 with TrustZone, pointer authentication
    Port {
        callee_saved: 7,
        exc_return: Some(6),
        words: 15,
    },
    // CM4 with MPU
    Port {
        callee_saved: 1,
        exc_return: Some(9),
        words: 10,
    },
    // CM0, CM3
    Port {
        callee_saved: 0,
        exc_return: None,
        words: 8,
    },
];

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
    let exc = match port.exc_return {
        None => None,
        Some(index) => Some(
            word(index)
                .map(ExcReturn)
                .filter(|exc| exc.is_valid() && exc.to_thread() && exc.uses_psp())?,
        ),
    };
    let mut regs = RegisterSet::default();
    for n in 0..8_u16 {
        regs.set_known(
            Reg::r(4 + n),
            word(port.callee_saved.checked_add(u64::from(n))?)?,
        );
    }
    let mut words = port.words;
    if exc.is_some_and(ExcReturn::has_fp_frame) {
        for n in 0..16_u16 {
            regs.set_known(Reg::s(16 + n), word(words)?);
            words = words.checked_add(1)?;
        }
    }
    let frame = top.checked_add(4 * words)?;
    let regs = exception_frame::pop(frame, exc.map(|e| e.0), &regs, memory)?;
    has_task_state(&regs, symbols).then(|| finish(regs))
}

/// What every task that was switched out has: it stands in code, in Thumb state, in no exception.
pub(super) fn has_task_state(regs: &RegisterSet, symbols: &SymbolSet<'_>) -> bool {
    let xpsr = regs
        .known(Reg::XPSR)
        .and_then(|xpsr| u32::try_from(xpsr).ok());
    let in_code = symbols
        .infos
        .iter()
        .any(|info| regs.pc().is_some_and(|pc| info.file().contains_code(pc)));
    in_code
        && xpsr.is_some_and(|xpsr| {
            xpsr & (XPSR_RESERVED | XPSR_EXCEPTION) == 0 && xpsr & XPSR_THUMB != 0
        })
}

/// The frame says nothing of the main stack; the task's own stack pointer is the process stack pointer.
pub(super) fn finish(mut regs: RegisterSet) -> RegisterSet {
    regs.set(Reg::MSP, RegValue::NotStored);
    if let Some(sp) = regs.sp() {
        regs.set_known(Reg::PSP, sp);
    }
    regs
}

#[cfg(test)]
mod tests {
    use super::saved_registers;
    use crate::model::{memory::MemoryMap, registers::Reg};
    use crate::symbols::symbol_set::SymbolSet;
    use crate::unwind::fixture::{info, symbol_file};

    /// r0 r1 r2 r3 r12 lr pc xPSR, stopped in `vTaskDelay`.
    const FRAME: [u32; 8] = [1, 2, 3, 4, 12, 0x0565, 0x10CC, 0x0100_0000];

    #[test]
    fn every_port_is_known_by_its_words() {
        let file = symbol_file("qemu-freertos/an386.elf");
        let symbols = SymbolSet {
            infos: vec![info(&file)],
        };
        let r4_11 = || 0x44..0x4C;
        let cases: [(&str, Vec<u32>, u64); 7] = [
            ("CM3", r4_11().collect(), 0x20),
            ("CM4F", r4_11().chain([0xFFFF_FFFD]).collect(), 0x20),
            (
                "CM4F with floating point",
                r4_11().chain([0xFFFF_FFED]).chain(100..116).collect(),
                0x68,
            ),
            (
                "CM33",
                [0x2000_0100, 0xFFFF_FFBC]
                    .into_iter()
                    .chain(r4_11())
                    .collect(),
                0x20,
            ),
            (
                "CM33 with TrustZone",
                [7, 0x2000_0100, 0xFFFF_FFBC]
                    .into_iter()
                    .chain(r4_11())
                    .collect(),
                0x20,
            ),
            (
                "CM33 with TrustZone and MPU",
                [7, 0x2000_0100, 3, 0xFFFF_FFBC]
                    .into_iter()
                    .chain(r4_11())
                    .collect(),
                0x20,
            ),
            (
                "CM85 with pointer authentication",
                [0xA0, 0xA1, 0xA2, 0xA3, 0x2000_0100, 0xFFFF_FFBC]
                    .into_iter()
                    .chain(r4_11())
                    .collect(),
                0x20,
            ),
        ];
        for (port, mut words, frame_bytes) in cases {
            let sp = 0x2000_0400 + 4 * words.len() as u64 + frame_bytes;
            words.extend(FRAME);
            words.extend([0; 20]);
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            let mut memory = MemoryMap::default();
            memory.insert(0x2000_0400, &bytes);
            let regs = saved_registers(0x2000_0400, &symbols, &memory).expect(port);
            assert_eq!(regs.known(Reg::r(4)), Some(0x44), "{port}");
            assert_eq!(regs.known(Reg::r(11)), Some(0x4B), "{port}");
            assert_eq!(regs.pc(), Some(0x10CC), "{port}");
            assert_eq!(regs.sp(), Some(sp), "{port}");
            let s16 = (port == "CM4F with floating point").then_some(100);
            assert_eq!(regs.known(Reg::s(16)), s16, "{port}");
        }
    }

    #[test]
    fn a_stack_of_fill_bytes_holds_no_context() {
        let file = symbol_file("qemu-freertos/an386.elf");
        let symbols = SymbolSet {
            infos: vec![info(&file)],
        };
        let mut memory = MemoryMap::default();
        memory.insert(0x2000_0400, &[0xA5; 512]);
        assert_eq!(saved_registers(0x2000_0400, &symbols, &memory), None);
        assert_eq!(saved_registers(u64::MAX - 8, &symbols, &memory), None);
    }
}
