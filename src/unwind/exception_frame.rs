//! Hardware exception frames: what a Cortex-M core pushes when it takes an exception.
//!
//! ```text
//! +0x00 r0 r1 r2 r3 r12 lr pc xPSR          basic, 0x20 bytes
//! +0x20 s0..s15 FPSCR reserved              extended, 0x68 bytes in all: `EXC_RETURN` bit 4 clear
//!       4 bytes of padding                  when xPSR bit 9 is set
//! ```
//! `ARMv8-M` may put an additional state context *below* it (at lower addresses): signature, reserved word, r4-r11.
//! The signature decides, not the bits of `EXC_RETURN`: tool chains and handlers do not agree on those.
//!
//! Sources: `ARMv7-M` ARM B1.5.6 and B1.5.7, `ARMv8-M` ARM B3.18 and B3.19.

use super::code::Code;
use crate::arch::cortex_m::{
    ADDITIONAL_CONTEXT_BYTES, BASIC_FRAME_BYTES, ExcReturn, INTEGRITY_SIGNATURES, XPSR_EXCEPTION,
    XPSR_PADDED, XPSR_RESERVED, XPSR_THUMB,
};
use crate::model::{
    memory::Memory,
    registers::{Reg, RegValue, RegisterSet},
};

/// Registers of a basic frame in the order of their slots.
const BASIC_SLOTS: [Reg; 8] = [
    Reg(0),
    Reg(1),
    Reg(2),
    Reg(3),
    Reg(12),
    Reg::LR,
    Reg::PC,
    Reg::XPSR,
];

/// How much a frame must look like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is where the hardware says: only refuse what cannot be a frame.
    Expected,
    /// Found by looking at memory: every field has to fit.
    Searched,
}

/// The registers of the code that was interrupted, from the frame at `frame_addr`.
///
/// `regs` are those of the handler after its own frames were unwound: r4-r11 and s16-s31 are taken from there. Without an
/// `exc_return` the frame is read as a basic one. `None` when the frame is not in memory.
///
/// s0-s15 are what the core would reload. With lazy stacking these slots may not have been written yet, but then the
/// handler has not used the FPU and the frame is all there is.
pub fn pop(
    frame_addr: u64,
    exc_return: Option<u32>,
    regs: &RegisterSet,
    memory: &dyn Memory,
) -> Option<RegisterSet> {
    let mut caller = regs.clone();
    let base = basic_frame_addr(frame_addr, memory)?;
    if base != frame_addr {
        for n in 0..8_u16 {
            let slot = frame_addr.checked_add(8 + 4 * u64::from(n))?;
            caller.set(Reg::r(4 + n), read(memory, slot));
        }
    }
    let mut addr = base;
    for reg in BASIC_SLOTS {
        let word = memory.read_u32(addr).ok()?;
        let value = if reg == Reg::PC { word & !1 } else { word };
        caller.set_known(reg, value);
        addr = addr.checked_add(4)?;
    }
    let exc = exc_return.map(ExcReturn);
    if exc.is_some_and(ExcReturn::has_fp_frame) {
        for n in 0..16_u16 {
            caller.set(Reg::s(n), read(memory, addr));
            addr = addr.checked_add(4)?;
        }
        caller.set(Reg::FPSCR, read(memory, addr));
    }
    let size = exc.map_or(BASIC_FRAME_BYTES, ExcReturn::frame_bytes);
    let padded = caller
        .known(Reg::XPSR)
        .is_some_and(|xpsr| xpsr & u64::from(XPSR_PADDED) != 0);
    let sp = base
        .checked_add(size)?
        .checked_add(if padded { 4 } else { 0 })?;
    caller.set_known(Reg::SP, sp);
    if exc.is_some_and(ExcReturn::uses_psp) {
        caller.set(Reg::MSP, regs.get(Reg::SP));
        caller.set_known(Reg::PSP, sp);
    } else {
        caller.set_known(Reg::MSP, sp);
    }
    Some(caller)
}

/// True when the words at `frame_addr` can be an exception frame.
pub(super) fn looks_like_frame(
    frame_addr: u64,
    exc_return: Option<ExcReturn>,
    proof: Proof,
    memory: &dyn Memory,
    code: &Code<'_, '_>,
) -> bool {
    let Some(base) = basic_frame_addr(frame_addr, memory) else {
        return false;
    };
    let word = |offset: u64| {
        base.checked_add(offset)
            .and_then(|addr| memory.read_u32(addr).ok())
    };
    let (Some(lr), Some(pc), Some(xpsr)) = (word(0x14), word(0x18), word(0x1C)) else {
        return false;
    };
    if xpsr & XPSR_RESERVED != 0 {
        return false;
    }
    let pc_in_code = code.contains(u64::from(pc));
    let lr_is_exc_return = ExcReturn(lr).is_valid();
    let lr_in_code = lr & 1 == 1 && code.contains(u64::from(lr & !1).wrapping_sub(1));
    match proof {
        Proof::Expected => {
            // Without symbols nobody knows what is code: the place alone has to do.
            let can_be_code = code.symbols.is_empty() && code.abi.can_be_code(u64::from(pc));
            pc_in_code || can_be_code || lr_in_code || lr_is_exc_return
        }
        Proof::Searched => {
            let to_thread = exc_return.is_none_or(ExcReturn::to_thread);
            pc_in_code
                && pc & 1 == 0
                && xpsr & XPSR_THUMB != 0
                && (xpsr & XPSR_EXCEPTION == 0) == to_thread
                && (lr_in_code || lr == u32::MAX || (lr_is_exc_return && !to_thread))
        }
    }
}

/// Where the basic part of the frame is: above the additional state context if there is one.
fn basic_frame_addr(frame_addr: u64, memory: &dyn Memory) -> Option<u64> {
    let first = memory.read_u32(frame_addr).ok()?;
    if INTEGRITY_SIGNATURES.contains(&first) {
        frame_addr.checked_add(ADDITIONAL_CONTEXT_BYTES)
    } else {
        Some(frame_addr)
    }
}

fn read(memory: &dyn Memory, addr: u64) -> RegValue {
    memory
        .read_u32(addr)
        .map_or(RegValue::NotStored, |word| RegValue::Known(word.into()))
}

#[cfg(test)]
mod tests {
    use super::pop;
    use crate::model::{
        memory::MemoryMap,
        registers::{Reg, RegValue, RegisterSet},
    };

    fn memory(addr: u64, words: &[u32]) -> MemoryMap {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let mut map = MemoryMap::default();
        map.insert(addr, &bytes);
        map
    }

    fn handler() -> RegisterSet {
        let mut regs = RegisterSet::default();
        regs.set_known(Reg::r(4), 0x44_u32);
        regs.set_known(Reg::s(16), 0x16_u32);
        regs.set_known(Reg::SP, 0x2000_0F00_u32);
        regs
    }

    const BASIC: [u32; 8] = [1, 2, 3, 4, 12, 0x0800_0101, 0x0800_0200, 0x0100_0000];

    #[test]
    fn a_basic_frame_gives_the_caller_saved_registers_and_keeps_the_rest() {
        let regs = pop(
            0x2000_1000,
            Some(0xFFFF_FFF9),
            &handler(),
            &memory(0x2000_1000, &BASIC),
        )
        .unwrap();
        for (reg, value) in [
            (Reg::r(0), 1),
            (Reg::r(3), 4),
            (Reg::r(4), 0x44),
            (Reg::r(12), 12),
            (Reg::LR, 0x0800_0101),
            (Reg::PC, 0x0800_0200),
            (Reg::SP, 0x2000_1020),
            (Reg::MSP, 0x2000_1020),
            (Reg::s(16), 0x16),
        ] {
            assert_eq!(regs.known(reg), Some(value), "{}", reg.arm_name());
        }
        assert_eq!(regs.get(Reg::s(0)), RegValue::NotStored);
    }

    #[test]
    fn an_extended_frame_with_padding_moves_sp_by_its_whole_size() {
        let mut words = BASIC.to_vec();
        if let Some(xpsr) = words.get_mut(7) {
            *xpsr |= 1 << 9;
        }
        words.extend(100..116);
        words.extend([0xF95C, 0]);
        let regs = pop(
            0x2000_1000,
            Some(0xFFFF_FFED),
            &handler(),
            &memory(0x2000_1000, &words),
        )
        .unwrap();
        assert_eq!(regs.sp(), Some(0x2000_106C));
        assert_eq!(regs.known(Reg::PSP), Some(0x2000_106C));
        assert_eq!(
            regs.known(Reg::MSP),
            Some(0x2000_0F00),
            "the handler's stack"
        );
        assert_eq!(regs.known(Reg::s(15)), Some(115));
        assert_eq!(regs.known(Reg::FPSCR), Some(0xF95C));
    }

    #[test]
    fn a_secure_context_below_the_frame_is_known_by_its_signature_and_gives_r4_to_r11() {
        for signature in [0xFEFA_125A, 0xFEFA_125B] {
            let mut words = vec![signature, 0];
            words.extend(0x40..0x48);
            words.extend(BASIC);
            // DCRS set: the bits alone would say that nothing was stacked
            let regs = pop(
                0x2000_1000,
                Some(0xFFFF_FFFD),
                &handler(),
                &memory(0x2000_1000, &words),
            )
            .unwrap();
            assert_eq!(regs.known(Reg::r(4)), Some(0x40));
            assert_eq!(regs.known(Reg::r(11)), Some(0x47));
            assert_eq!(regs.pc(), Some(0x0800_0200));
            assert_eq!(regs.sp(), Some(0x2000_1048));
        }
    }

    #[test]
    fn a_frame_that_was_not_captured_is_none_and_a_cut_extended_one_keeps_what_is_there() {
        let cut = memory(0x2000_1000, BASIC.get(..7).unwrap());
        assert_eq!(pop(0x2000_1000, None, &handler(), &cut), None);
        assert_eq!(pop(u64::MAX - 8, None, &handler(), &cut), None);
        let basic_only = memory(0x2000_1000, &BASIC);
        let regs = pop(0x2000_1000, Some(0xFFFF_FFE9), &handler(), &basic_only).unwrap();
        assert_eq!(regs.get(Reg::s(0)), RegValue::NotStored);
    }
}
