//! The Cortex-M ports with memory protection of kernel V11: an unprivileged task could forge what lies on its stack, so the
//! kernel keeps the registers in the control block (`xMPUSettings.ulContext`), the hardware frame included.
//!
//! `pxTopOfStack` points behind the saved words, the place of the next save being the start of `ulContext`. In the order of
//! their addresses (`portable/GCC/ARM_CM*/port.c`, `portasm.c`; FP only if `EXC_RETURN` bit 4 is clear):
//!
//! | port | words |
//! |---|---|
//! | CM3, CM4 | [s16-s31, s0-s15, FPSCR], CONTROL, r4-r11, `EXC_RETURN`, PSP, hardware frame |
//! | CM33 without `TrustZone` | [FP as above], r4-r11, hardware frame, PSP, PSPLIM, CONTROL, `EXC_RETURN` |
//! | CM33 with `TrustZone` | [FP as above], r4-r11, hardware frame, secure context, PSP, PSPLIM, CONTROL, `EXC_RETURN` |
//!
//! The number of words and the values tell the port; with pointer authentication (CM85) four words of keys follow.

use super::super::layout::Field;
use super::cortex_m::{finish, has_task_state};
use crate::arch::cortex_m::{ExcReturn, XPSR_PADDED};
use crate::model::{
    memory::Memory,
    registers::{Reg, RegisterSet},
};
use crate::symbols::symbol_set::SymbolSet;
use crate::unwind::exception_frame;

/// Words of s16-s31, s0-s15 and FPSCR.
const FP_WORDS: u64 = 33;
/// Words of the hardware frame without floating point.
const FRAME_WORDS: u64 = 8;

/// Word offsets of one port's context, counted from its start without the FP words.
struct Port {
    words: u64,
    callee_saved: u64,
    exc_return: u64,
    psp: u64,
    frame: u64,
}

const PORTS: [Port; 5] = [
    // CM3, CM4
    Port {
        words: 19,
        callee_saved: 1,
        exc_return: 9,
        psp: 10,
        frame: 11,
    },
    // CM33 without TrustZone
    Port {
        words: 20,
        callee_saved: 0,
        exc_return: 19,
        psp: 16,
        frame: 8,
    },
    // CM33 with TrustZone
    Port {
        words: 21,
        callee_saved: 0,
        exc_return: 20,
        psp: 17,
        frame: 8,
    },
    // CM85 without TrustZone
    Port {
        words: 24,
        callee_saved: 0,
        exc_return: 19,
        psp: 16,
        frame: 8,
    },
    // CM85 with TrustZone
    Port {
        words: 25,
        callee_saved: 0,
        exc_return: 20,
        psp: 17,
        frame: 8,
    },
];

/// The registers of the task at `tcb`, or `None` when its context is not in the control block.
pub(super) fn saved_registers(
    tcb: u64,
    top: u64,
    context: Field,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> Option<RegisterSet> {
    let start = context.at(tcb)?;
    let bytes = top.checked_sub(start)?;
    if bytes > context.size || !bytes.is_multiple_of(4) {
        return None;
    }
    PORTS
        .iter()
        .find_map(|port| read_as(port, start, bytes / 4, symbols, memory))
}

fn read_as(
    port: &Port,
    start: u64,
    words: u64,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> Option<RegisterSet> {
    let has_fp = words == port.words.checked_add(FP_WORDS)?;
    if !has_fp && words != port.words {
        return None;
    }
    let word = |index: u64| memory.read_u32(start.checked_add(4 * index)?).ok();
    let base = if has_fp { FP_WORDS } else { 0 };
    let exc = ExcReturn(word(base + port.exc_return)?);
    if !exc.is_valid() || !exc.to_thread() || !exc.uses_psp() || exc.has_fp_frame() != has_fp {
        return None;
    }
    let mut regs = RegisterSet::default();
    for n in 0..8_u16 {
        regs.set_known(
            Reg::r(4 + n),
            word(base + port.callee_saved + u64::from(n))?,
        );
    }
    // The copy of the frame ends after the basic words: the floating-point ones are kept elsewhere.
    let frame = start.checked_add(4 * (base + port.frame))?;
    let mut regs = exception_frame::pop(frame, None, &regs, memory)?;
    if has_fp {
        for n in 0..16_u16 {
            regs.set_known(Reg::s(16 + n), word(u64::from(n))?);
            regs.set_known(Reg::s(n), word(16 + u64::from(n))?);
        }
        regs.set_known(Reg::FPSCR, word(32)?);
    }
    // The task goes on where its stack pointer was before the hardware pushed the frame.
    let padding = match regs.known(Reg::XPSR) {
        Some(xpsr) if xpsr & u64::from(XPSR_PADDED) != 0 => 4,
        _ => 0,
    };
    let pushed = if has_fp {
        exc.frame_bytes()
    } else {
        4 * FRAME_WORDS
    };
    let sp = u64::from(word(base + port.psp)?).checked_add(pushed + padding)?;
    regs.set_known(Reg::SP, sp);
    has_task_state(&regs, symbols).then(|| finish(regs))
}

#[cfg(test)]
mod tests {
    use super::super::super::layout::Field;
    use super::saved_registers;
    use crate::model::{memory::MemoryMap, registers::Reg};
    use crate::symbols::symbol_set::SymbolSet;
    use crate::unwind::fixture::{info, symbol_file};

    const TCB: u64 = 0x2000_0800;
    const CONTEXT: Field = Field {
        offset: 0x40,
        size: 4 * 64,
    };
    /// r0 r1 r2 r3 r12 lr pc xPSR, stopped in `vTaskDelay`.
    const FRAME: [u32; 8] = [1, 2, 3, 4, 12, 0x0565, 0x10CC, 0x0100_0000];
    const PSP: u32 = 0x2000_0400;

    /// The words of one port, as its `xPortPendSVHandler` stores them.
    fn cases() -> Vec<(&'static str, Vec<u32>)> {
        let r4_11: Vec<u32> = (0x44..0x4C).collect();
        let v8 = |special: &[u32]| [&r4_11[..], &FRAME, special].concat();
        // s16 to s31, then s0 to s15 and FPSCR.
        let fp: Vec<u32> = (116..132).chain(100..116).chain([0x0300_0000]).collect();
        vec![
            (
                "CM4",
                [&[3], &r4_11[..], &[0xFFFF_FFFD, PSP], &FRAME].concat(),
            ),
            (
                "CM4 with floating point",
                [&fp[..], &[3], &r4_11, &[0xFFFF_FFED, PSP], &FRAME].concat(),
            ),
            ("CM33", v8(&[PSP, 0x2000_0100, 3, 0xFFFF_FFBC])),
            (
                "CM33 with floating point",
                [fp.clone(), v8(&[PSP, 0x2000_0100, 3, 0xFFFF_FFAC])].concat(),
            ),
            (
                "CM33 with TrustZone",
                v8(&[7, PSP, 0x2000_0100, 3, 0xFFFF_FFBC]),
            ),
            (
                "CM85",
                v8(&[PSP, 0x2000_0100, 3, 0xFFFF_FFBC, 0xA0, 0xA1, 0xA2, 0xA3]),
            ),
        ]
    }

    #[test]
    fn every_port_is_known_by_the_number_and_the_values_of_its_words() {
        let file = symbol_file("qemu-freertos/an386.elf");
        let symbols = SymbolSet {
            infos: vec![info(&file)],
        };
        for (port, words) in cases() {
            let top = TCB + CONTEXT.offset + 4 * words.len() as u64;
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            let mut memory = MemoryMap::default();
            memory.insert(TCB + CONTEXT.offset, &bytes);
            let read = |top| saved_registers(TCB, top, CONTEXT, &symbols, &memory);
            let regs = read(top).expect(port);
            assert_eq!(regs.known(Reg::r(4)), Some(0x44), "{port}");
            assert_eq!(regs.known(Reg::r(11)), Some(0x4B), "{port}");
            assert_eq!(regs.pc(), Some(0x10CC), "{port}");
            let has_fp = port.contains("floating point");
            let pushed = if has_fp { 0x68 } else { 0x20 };
            assert_eq!(regs.sp(), Some(u64::from(PSP) + pushed), "{port}");
            for n in [0, 15, 16, 31] {
                let expected = has_fp.then_some(100 + u64::from(n));
                assert_eq!(regs.known(Reg::s(n)), expected, "{port} s{n}");
            }
            // The running task's `pxTopOfStack` is where the next save begins: nothing is saved there.
            assert!(read(TCB + CONTEXT.offset).is_none(), "{port}");
            assert!(read(top + 4).is_none(), "{port}");
        }
    }
}
