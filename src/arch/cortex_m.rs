//! Cortex-M exceptions: numbers and names, the `EXC_RETURN` value, the size of hardware frames.
//!
//! Sources: `ARMv6-M` ARM B1.5, `ARMv7-M` ARM B1.5.2 (numbers) and B1.5.8 (`EXC_RETURN`), `ARMv8-M` ARM
//! B3.9 (numbers), B3.18 (stack frames) and D1.2.95 (`EXC_RETURN` payload).

/// Bytes of a basic frame: r0-r3, r12, lr, pc, xPSR.
pub const BASIC_FRAME_BYTES: u64 = 0x20;
/// Bytes of an extended frame: the basic one, s0-s15, FPSCR and a reserved word.
pub const EXTENDED_FRAME_BYTES: u64 = 0x68;
/// Bytes of the additional state context of `ARMv8-M`: signature, reserved word, r4-r11.
pub const ADDITIONAL_CONTEXT_BYTES: u64 = 0x28;
/// First word of an additional state context (bit 0: the frame above it has no floating-point state).
pub const INTEGRITY_SIGNATURES: [u32; 2] = [0xFEFA_125A, 0xFEFA_125B];
/// xPSR bit 24: the core was in Thumb state, as a Cortex-M always is unless it is about to fault.
pub const XPSR_THUMB: u32 = 1 << 24;
/// xPSR bit 9 of a stacked value: four bytes of padding lie above the frame.
pub const XPSR_PADDED: u32 = 1 << 9;
/// xPSR bits 22 and 23: reserved, zero in every stacked value. ARMv8-M keeps SFPA in bit 20 and B in bit 21 of a
/// stacked value (ARMv8-M ARM, RETPSR).
pub const XPSR_RESERVED: u32 = 0x00C0_0000;
/// xPSR bits 0 to 8: the exception that was being handled (IPSR), 0 in thread mode.
pub const XPSR_EXCEPTION: u32 = 0x1FF;

/// Number of the first external interrupt.
pub const FIRST_IRQ: u32 = 16;

const EXCEPTION_NAMES: [(u32, &str); 11] = [
    (1, "Reset"),
    (2, "NMI"),
    (3, "HardFault"),
    (4, "MemManage"),
    (5, "BusFault"),
    (6, "UsageFault"),
    (7, "SecureFault"),
    (11, "SVCall"),
    (12, "DebugMonitor"),
    (14, "PendSV"),
    (15, "SysTick"),
];

/// The manual's name of an exception: 3 is `HardFault`, 15 `SysTick`, 21 `IRQ 5`.
pub fn exception_name(number: u32) -> String {
    if number >= FIRST_IRQ {
        return format!("IRQ {}", number - FIRST_IRQ);
    }
    EXCEPTION_NAMES
        .iter()
        .find(|(n, _)| *n == number)
        .map_or_else(
            || format!("exception {number}"),
            |(_, name)| (*name).to_owned(),
        )
}

/// The value that the core puts in LR when it takes an exception.
///
/// `ARMv6-M` and `ARMv7-M` use six values (F1, F9, FD and E1, E9, ED in the low byte); `ARMv8-M` gives bits 0, 5 and 6 a
/// meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExcReturn(pub u32);

impl ExcReturn {
    /// Reads `value` as an `EXC_RETURN`; `None` when it is not one. Bit 0 is not looked at: a program counter has lost it.
    pub fn from_address(value: u64) -> Option<Self> {
        let value = Self(u32::try_from(value).ok()?);
        value.is_valid().then_some(value)
    }

    /// True for the pattern that no code address can have: bits 7 to 31 set, bit 1 clear.
    pub fn is_valid(self) -> bool {
        self.0 & 0xFFFF_FF82 == 0xFFFF_FF80
    }

    /// Bit 2 (SPSEL): the frame is on the process stack.
    pub fn uses_psp(self) -> bool {
        self.0 & (1 << 2) != 0
    }

    /// Bit 3 (Mode): the exception interrupted thread mode, not another handler.
    pub fn to_thread(self) -> bool {
        self.0 & (1 << 3) != 0
    }

    /// Bit 4 (`FType`) clear: the frame holds floating-point state.
    pub fn has_fp_frame(self) -> bool {
        self.0 & (1 << 4) == 0
    }

    /// Bit 5 (DCRS, `ARMv8-M`) set: the callee registers were stacked by the default rules.
    pub fn default_callee_stacking(self) -> bool {
        self.0 & (1 << 5) != 0
    }

    /// Bit 6 (S, `ARMv8-M`): the interrupted code's registers are on a secure stack.
    pub fn secure_stack(self) -> bool {
        self.0 & (1 << 6) != 0
    }

    /// Bit 0 (ES, `ARMv8-M`): the exception was taken to the secure state.
    pub fn secure_exception(self) -> bool {
        self.0 & 1 != 0
    }

    /// Bytes of the frame without padding and without an additional state context.
    pub fn frame_bytes(self) -> u64 {
        if self.has_fp_frame() {
            EXTENDED_FRAME_BYTES
        } else {
            BASIC_FRAME_BYTES
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ExcReturn, exception_name};

    #[test]
    fn exceptions_have_the_manuals_names() {
        for (number, name) in [
            (3, "HardFault"),
            (15, "SysTick"),
            (16, "IRQ 0"),
            (21, "IRQ 5"),
            (8, "exception 8"),
        ] {
            assert_eq!(exception_name(number), name);
        }
    }

    #[test]
    fn exc_return_values_of_the_manuals_are_told_from_addresses() {
        // value, PSP, thread, floating point
        for (value, psp, thread, fp) in [
            (0xFFFF_FFF1_u32, false, false, false),
            (0xFFFF_FFF9, false, true, false),
            (0xFFFF_FFFD, true, true, false),
            (0xFFFF_FFE1, false, false, true),
            (0xFFFF_FFE9, false, true, true),
            (0xFFFF_FFED, true, true, true),
            (0xFFFF_FFBC, true, true, false),
            (0xFFFF_FFB8, false, true, false),
        ] {
            let exc = ExcReturn::from_address(u64::from(value)).unwrap();
            assert_eq!(
                (exc.uses_psp(), exc.to_thread(), exc.has_fp_frame()),
                (psp, thread, fp),
                "{value:08x}"
            );
        }
        for value in [
            0_u64,
            0xFFFF_FFFF,
            0xFFFF_FFFE,
            0x0800_1234,
            0xFEFF_FFFF,
            0x1_FFFF_FFFD,
        ] {
            assert_eq!(ExcReturn::from_address(value), None, "{value:x}");
        }
    }
}
