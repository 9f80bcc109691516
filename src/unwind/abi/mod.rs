//! What a walk must know of a processor family: one file a family, and one line in the registry.
//!
//! | question | Cortex-M | RISC-V |
//! |---|---|---|
//! | a code pointer | has the Thumb bit | is the address |
//! | a return address that is none | `EXC_RETURN`: pop the hardware frame | none: trap handlers are known by what they are |
//! | a call | BL, BLX | JAL, JALR, `c.jal`, `c.jalr` that write ra |
//! | frame record | r7 or r11: previous, return address | s0: they lie below it |
//!
//! An ABI whose callers call-frame information does not describe (register windows) answers the whole step itself:
//! [`Abi::own_step`].

mod cortex_m;
mod riscv;
mod xtensa;

use super::code::Code;
use super::walk::{Found, PhysicalFrame, StopReason, Walker};
use crate::model::{
    arch::Arch,
    register_file::RegisterFile,
    registers::{Reg, RegValue, RegisterSet},
};
use std::fmt::Debug;
use std::ops::Range;

/// A frame record: where, from the frame pointer, the two words lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameRecord {
    /// The frame pointer.
    pub(super) pointer: Reg,
    /// Offset of the caller's frame pointer.
    pub(super) previous: i64,
    /// Offset of the return address.
    pub(super) return_address: i64,
    /// Offset of the caller's stack pointer.
    pub(super) caller_sp: i64,
}

/// The conventions of a processor family. The defaults are those of one of which nothing is known: no step at all.
pub(super) trait Abi: Debug + Sync {
    /// The address of the instruction that a program counter, a code pointer or a return address stands for.
    fn code_address(&self, value: u64) -> u64 {
        value
    }

    /// True when a call can leave `word` as a return address, as far as the word itself says.
    fn can_be_return_address(&self, _word: u32) -> bool {
        false
    }

    /// True where code can lie, when there is no symbol file to ask.
    fn can_be_code(&self, _addr: u64) -> bool {
        false
    }

    /// True when the instruction before `return_addr` is a call.
    fn follows_call(&self, _return_addr: u64, _code: &Code<'_, '_>) -> bool {
        false
    }

    /// True for a return address that means "nobody called".
    fn is_nobody(&self, return_addr: u64) -> bool {
        return_addr == 0
    }

    /// True where code may lie that is in no symbol file (ROM): it does not end a walk.
    fn is_code_without_symbols(&self, _addr: u64) -> bool {
        false
    }

    /// True when the return address register of a frame that has called another holds nothing of use: a function that did
    /// not store it never returns.
    fn loses_return_address_in_calls(&self) -> bool {
        false
    }

    /// Where the call before `return_addr` leads, if its instruction says.
    fn call_target(&self, _return_addr: u64, _code: &Code<'_, '_>) -> Option<u64> {
        None
    }

    /// The length of the instruction whose first half word is `first`.
    fn instruction_bytes(&self, _first: u16) -> Option<u64> {
        None
    }

    /// Functions from which a thread starts, besides those that every family has. Sorted.
    fn entry_functions(&self) -> &'static [&'static str] {
        &[]
    }

    /// Registers that a call does not change and that no unwind rule speaks of.
    fn special_registers(&self) -> &'static [Reg] {
        &[]
    }

    /// Frame records, the usual one first.
    fn frame_records(&self) -> &'static [FrameRecord] {
        &[]
    }

    /// The highest address of the stack that the firmware starts with.
    fn initial_stack(&self, _code: &Code<'_, '_>) -> Option<u64> {
        None
    }

    /// The whole step from `frame`, in place of call-frame information and everything after it; `None` for the usual
    /// way. May fill in the frame's CFA.
    fn own_step(
        &self,
        _walker: &mut Walker<'_, '_, '_>,
        _frame: &mut PhysicalFrame,
    ) -> Option<Result<Found, StopReason>> {
        None
    }

    /// The caller's registers by what the code of the frame's function has done so far: better than a frame pointer,
    /// used where there is no call-frame information.
    fn caller_by_code(&self, _frame: &PhysicalFrame, _code: &Code<'_, '_>) -> Option<RegisterSet> {
        None
    }

    /// The exception that `frame` serves, in the manual's words, when its call-frame information says that it serves
    /// one (a signal frame).
    fn exception_name(&self, _frame: &PhysicalFrame, _code: &Code<'_, '_>) -> String {
        "exception".to_owned()
    }

    /// The step when `return_value` is no address but says that `frame` serves an exception; `None` for an ordinary
    /// return address. `after` are the registers once the handler returned.
    fn exception_return(
        &self,
        _walker: &mut Walker<'_, '_, '_>,
        _frame: &PhysicalFrame,
        _after: &RegisterSet,
        _return_value: u64,
    ) -> Option<Result<Found, StopReason>> {
        None
    }

    /// The step to what the exception interrupted that `frame` serves, when what its handler has pushed is looked for in
    /// `area` of the stack, because nothing says how to return from `frame`.
    fn exception_on_stack(
        &self,
        _walker: &mut Walker<'_, '_, '_>,
        _frame: &PhysicalFrame,
        _area: Range<u64>,
    ) -> Option<Result<Found, StopReason>> {
        None
    }
}

/// A family that is symbolized only.
#[derive(Debug)]
struct NoAbi;

impl Abi for NoAbi {}

/// One line a family.
static ABIS: [(RegisterFile, &dyn Abi); 3] = [
    (RegisterFile::Arm, &cortex_m::CortexM),
    (RegisterFile::Riscv, &riscv::Riscv),
    (RegisterFile::Xtensa, &xtensa::Xtensa),
];

/// The conventions of `arch`.
pub(super) fn of(arch: Arch) -> &'static dyn Abi {
    let is_walked = arch.is_cortex_m() || matches!(arch, Arch::Riscv32 | Arch::Xtensa);
    ABIS.iter()
        .find(|(file, _)| is_walked && *file == arch.register_file())
        .map_or(&NoAbi, |(_, abi)| *abi)
}

/// The registers of a caller of which nothing is known: its scratch registers are gone, its saved ones are somewhere on
/// the stack, nobody knows where.
pub(super) fn unknown_caller(file: RegisterFile) -> RegisterSet {
    let mut regs = RegisterSet::new(file);
    for reg in (0..32).map(Reg).filter(|reg| file.is_call_clobbered(*reg)) {
        regs.set(reg, RegValue::Clobbered);
    }
    regs
}

#[cfg(test)]
mod tests {
    use super::{ABIS, of};
    use crate::model::arch::Arch;

    #[test]
    fn families_stand_in_order_and_what_is_only_symbolized_has_no_step() {
        assert!(ABIS.is_sorted_by_key(|(file, _)| *file));
        for (_, abi) in ABIS {
            assert!(abi.entry_functions().is_sorted(), "{abi:?}");
        }
        assert!(!of(Arch::X86_64).can_be_return_address(0x1001));
        assert!(of(Arch::ArmV6M).can_be_return_address(0x1001));
    }
}
