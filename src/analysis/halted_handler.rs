//! Captures of a core that was halted inside of its fault handler, as a debugger takes them: the crash is not where the
//! program counter is but in the code that the fault interrupted.
//!
//! A dump that the handler wrote itself holds the registers of the fault, which are of that code already. The exception
//! number in xPSR tells the one from the other. Interrupts may have come on top of the handler: they are passed.
//!
//! Nothing can handle a fault inside of `HardFault`: such a core is locked up. The handlers of the other faults can fault
//! themselves; then the crash is in them (`fault_rules::nested_fault`). HFSR tells, where it was captured.

use super::fault_rules::is_locked_up;
use crate::arch::cortex_m::{XPSR_EXCEPTION, exception_name};
use crate::arch::riscv;
use crate::model::arch::Arch;
use crate::model::coredump::Coredump;
use crate::model::registers::{Reg, RegisterSet};
use crate::model::report::{Frame, FrameTrust};
use crate::unwind::walk::{PhysicalFrame, StopReason, Walk};
use std::ops::RangeInclusive;

/// `HardFault`.
const HARD_FAULT: u32 = 3;
/// `HardFault`, `MemManage`, `BusFault`, `UsageFault` and `SecureFault`.
const FAULTS: RangeInclusive<u32> = HARD_FAULT..=7;
/// HFSR bit 30: the fault came from a handler that could not handle it.
const HFSR_FORCED: u32 = 1 << 30;

/// The handler that the target was halted in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HaltedHandler {
    /// The fault that it handles: `HardFault`.
    pub(super) exception: String,
    /// Frames of the walk before the crash.
    pub(super) n_frames: usize,
    /// The frame of the exception was found: it is the next one.
    is_left: bool,
    /// Exceptions that it takes to leave them: that of the fault, and interrupts that came on top of its handler.
    n_exceptions: usize,
    /// False when the handler may as well have faulted itself: no captured register tells.
    pub(super) is_certain: bool,
}

impl HaltedHandler {
    /// Marks the handler's frames among those of the report, where inlined functions are frames too.
    pub(super) fn mark(&self, frames: &mut [Frame]) {
        let mut left = self.n_exceptions;
        for frame in frames {
            if frame.interrupted.is_some() {
                left = left.saturating_sub(1);
            }
            if left == 0 || (!self.is_left && frame.trust == FrameTrust::Scan) {
                return;
            }
            frame.fault_handler = true;
        }
    }

    /// The registers at the instruction that faulted, as far as they are known.
    pub(super) fn registers(&self, walk: &Walk) -> RegisterSet {
        if let Some(frame) = walk.frames.get(self.n_frames).filter(|_| self.is_left) {
            return frame.registers.clone();
        }
        let mut registers = RegisterSet::default();
        let process_stack = walk
            .frames
            .first()
            .and_then(|f| f.registers.known(Reg::PSP));
        if let (StopReason::NoMemory(addr), Some(psp)) = (walk.stop, process_stack)
            && addr == psp
        {
            // The stack ran out: there was no memory to push the registers to.
            registers.set_sp(psp);
        }
        registers
    }
}

/// The handler of the fault, if the walk begins in it.
pub(super) fn halted_handler(walk: &Walk, dump: &Coredump, arch: Arch) -> Option<HaltedHandler> {
    match arch {
        Arch::Riscv32 => of_riscv(walk, dump),
        _ if arch.is_cortex_m() => of_cortex_m(walk, dump),
        _ => None,
    }
}

fn of_cortex_m(walk: &Walk, dump: &Coredump) -> Option<HaltedHandler> {
    // Some handlers dump their own xPSR and the registers of the fault, which are 0 when they could not be pushed.
    if is_locked_up(dump) || walk.frames.first()?.pc == 0 {
        return None;
    }
    let mut first = 0;
    let mut n_exceptions = 1;
    loop {
        let number = handled_exception(walk.frames.get(first)?)?;
        let below = next_exception(walk, first);
        if FAULTS.contains(&number) {
            let hfsr = dump.fault.get("hfsr");
            // The registers are those of a handler that faulted itself: the dump is of the second fault.
            let is_in_second = first == 0
                && number > HARD_FAULT
                && hfsr.is_some_and(|hfsr| hfsr & HFSR_FORCED != 0);
            let is_certain = number == HARD_FAULT || first > 0 || hfsr.is_some();
            // A print has no memory in which the frame could be, and no debugger wrote it.
            let is_capture = below.is_some() || (is_certain && !dump.memory.is_empty());
            return (is_capture && !is_in_second).then(|| HaltedHandler {
                exception: exception_name(number),
                n_frames: below.unwrap_or_else(|| n_trusted(walk)),
                is_left: below.is_some(),
                n_exceptions,
                is_certain,
            });
        }
        first = below?;
        n_exceptions += 1;
    }
}

/// The exception that the code of a frame was handling, by its xPSR; `None` in thread mode or when it is not known.
fn handled_exception(frame: &PhysicalFrame) -> Option<u32> {
    let xpsr = u32::try_from(frame.registers.known(Reg::XPSR)?).ok()?;
    Some(xpsr & XPSR_EXCEPTION).filter(|number| *number != 0)
}

/// Frames before the first that was found by scanning: it may be of the handler or not.
fn n_trusted(walk: &Walk) -> usize {
    let frames = walk.frames.iter();
    frames.take_while(|f| f.trust != FrameTrust::Scan).count()
}

/// The index of the next frame after `first` that an exception interrupted.
fn next_exception(walk: &Walk, first: usize) -> Option<usize> {
    let mut frames = walk.frames.iter().enumerate();
    let found = frames.find(|(at, frame)| *at > first && frame.interrupted.is_some());
    found.map(|(at, _)| at)
}

fn of_riscv(walk: &Walk, dump: &Coredump) -> Option<HaltedHandler> {
    let n_frames = walk.frames.iter().position(|frame| is_trap(frame, dump))?;
    let handler = walk.frames.iter().take(n_frames);
    let n_on_top = handler.filter(|frame| frame.interrupted.is_some()).count();
    Some(HaltedHandler {
        exception: walk.frames.get(n_frames)?.interrupted.clone()?,
        n_frames,
        is_left: true,
        n_exceptions: n_on_top + 1,
        is_certain: true,
    })
}

/// True for a frame that an exception of RISC-V interrupted: by the cause that the handler saved, or because the trap that
/// the capture tells of was there.
fn is_trap(frame: &PhysicalFrame, dump: &Coredump) -> bool {
    let Some(name) = frame.interrupted.as_deref() else {
        return false;
    };
    let is_exception = riscv::exception_by_name(name).is_some();
    let cause = dump.fault.get("mcause").and_then(riscv::exception_code);
    let mepc = dump.fault.get("mepc").map(|mepc| u64::from(mepc) & !1);
    is_exception || (cause.is_some() && mepc == Some(frame.pc))
}

#[cfg(test)]
mod tests {
    use super::{HaltedHandler, halted_handler};
    use crate::model::arch::Arch;
    use crate::model::coredump::Coredump;
    use crate::model::registers::{Reg, RegisterSet};
    use crate::model::report::FrameTrust;
    use crate::unwind::walk::{PhysicalFrame, StopReason, Walk};

    /// A frame with its xPSR and the exception that interrupted it.
    fn frame(xpsr: Option<u32>, interrupted: Option<&str>) -> PhysicalFrame {
        let mut registers = RegisterSet::default();
        if let Some(xpsr) = xpsr {
            registers.set_known(Reg::XPSR, xpsr);
        }
        PhysicalFrame {
            pc: 0x354,
            lookup: 0x354,
            sp: Some(0x2000_8000),
            cfa: None,
            registers,
            trust: FrameTrust::ExceptionFrame,
            interrupted: interrupted.map(str::to_owned),
            is_tail_call: false,
        }
    }

    fn walk(frames: Vec<PhysicalFrame>) -> Walk {
        Walk {
            frames,
            stop: StopReason::ThreadEntry,
            warnings: Vec::new(),
        }
    }

    /// A core with a byte of memory and these fault registers.
    fn dump(fault: &[(&'static str, u32)]) -> Coredump {
        let mut dump = Coredump::new("elf-core", Arch::ArmV7M);
        dump.memory.insert(0x2000_0000, &[0]);
        dump.fault.values.extend(fault.iter().copied());
        dump
    }

    /// The exception, its handler's frames, and whether that is certain.
    fn found(walk: &Walk, dump: &Coredump) -> Option<(String, usize, bool)> {
        let HaltedHandler {
            exception,
            n_frames,
            is_certain,
            ..
        } = halted_handler(walk, dump, Arch::ArmV7M)?;
        Some((exception, n_frames, is_certain))
    }

    fn hard(n_frames: usize) -> (String, usize, bool) {
        ("HardFault".to_owned(), n_frames, true)
    }

    #[test]
    fn the_frames_above_the_fault_are_its_handler() {
        let halted = |xpsr| {
            walk(vec![
                frame(xpsr, None),
                frame(xpsr, None),
                frame(Some(0), Some("HardFault")),
                frame(Some(0), None),
            ])
        };
        assert_eq!(found(&halted(Some(3)), &dump(&[])), Some(hard(2)));
        // A handler that several exceptions share has no name of its own: without xPSR nothing is certain.
        assert_eq!(found(&halted(None), &dump(&[])), None);
        // The registers are those of the fault, and something else is on the stack.
        assert_eq!(found(&halted(Some(0)), &dump(&[])), None);
        let mut locked = dump(&[]);
        locked.memory.insert(0xE000_EDF0, &[0x0B, 0x00, 0x08, 0x00]);
        assert_eq!(found(&halted(Some(3)), &locked), None);
    }

    #[test]
    fn a_handler_whose_frame_was_not_found_is_no_place_of_a_crash() {
        let mut scanned = frame(None, None);
        scanned.trust = FrameTrust::Scan;
        let mut lost = walk(vec![frame(Some(3), None), frame(Some(3), None), scanned]);
        assert_eq!(found(&lost, &dump(&[])), Some(hard(2)));
        let handler = halted_handler(&lost, &dump(&[]), Arch::ArmV7M).unwrap();
        assert_eq!(handler.registers(&lost), RegisterSet::default());
        let print = Coredump::new("fault-print", Arch::ArmV7M);
        assert_eq!(found(&lost, &print), None);
        // A dump of a fault whose registers could not be pushed, with the xPSR of the handler.
        lost.frames[0].pc = 0;
        assert_eq!(found(&lost, &dump(&[])), None);
        // It may have faulted itself.
        let bus = walk(vec![frame(Some(5), None)]);
        assert_eq!(found(&bus, &dump(&[])), None);
    }

    #[test]
    fn the_stack_that_had_no_room_for_the_frame_is_known() {
        let mut lost = walk(vec![frame(Some(3), None)]);
        let handler = halted_handler(&lost, &dump(&[]), Arch::ArmV7M).unwrap();
        lost.stop = StopReason::NoMemory(0x1FFF_FFA0);
        assert_eq!(handler.registers(&lost).sp(), None);
        lost.frames[0]
            .registers
            .set_known(Reg::PSP, 0x1FFF_FFA0_u32);
        assert_eq!(handler.registers(&lost).sp(), Some(0x1FFF_FFA0));
    }

    #[test]
    fn an_interrupt_is_no_fault() {
        for number in [2, 11, 14, 15, 21] {
            let irq = walk(vec![
                frame(Some(number), None),
                frame(Some(0), Some("interrupt")),
            ]);
            assert_eq!(found(&irq, &dump(&[("cfsr", 0x8200)])), None, "{number}");
        }
    }

    #[test]
    fn an_interrupt_on_top_of_the_handler_is_passed() {
        let nested = walk(vec![
            frame(Some(15), None),
            frame(Some(3), Some("SysTick")),
            frame(Some(0), Some("HardFault")),
        ]);
        assert_eq!(found(&nested, &dump(&[])), Some(hard(2)));
    }

    #[test]
    fn the_handler_of_a_lesser_fault_may_have_faulted_itself() {
        let bus = walk(vec![frame(Some(5), None), frame(Some(0), Some("BusFault"))]);
        let of_bus = |is_certain| Some(("BusFault".to_owned(), 1, is_certain));
        assert_eq!(found(&bus, &dump(&[])), of_bus(false));
        assert_eq!(found(&bus, &dump(&[("hfsr", 0)])), of_bus(true));
        assert_eq!(found(&bus, &dump(&[("hfsr", 1 << 30)])), None);
    }
}
