//! The call stack that a device printed, where the capture holds no stack to walk.

use crate::model::coredump::Coredump;
use crate::model::registers::RegisterSet;
use crate::model::report::FrameTrust;
use crate::unwind::walk::{PhysicalFrame, StopReason, Walk};

/// Adds the frames that the device printed, when they tell more than the walk of what was captured.
///
/// Of an ESP-IDF device they are the chain of frames that it walked itself. Other devices print what looks like return
/// addresses: those are not taken.
pub(super) fn extend(walk: &mut Walk, dump: &Coredump) {
    let is_chain = dump.format == "esp-panic" || !dump.arch.is_cortex_m();
    let printed = &dump.printed_stack;
    let walked = || walk.frames.iter().filter(|frame| !frame.is_tail_call);
    if !is_chain || printed.len() <= walked().count() {
        return;
    }
    let is_same_start = walked()
        .zip(printed)
        .all(|(frame, printed)| frame.pc == *printed);
    let Some(innermost) = walk
        .frames
        .first()
        .cloned()
        .filter(|_| is_same_start || walked().count() == 1)
    else {
        return;
    };
    walk.frames = vec![innermost];
    for pc in printed.iter().skip(1) {
        let mut registers = RegisterSet::new(dump.arch.register_file());
        registers.set_pc(*pc);
        walk.frames.push(PhysicalFrame {
            pc: *pc,
            lookup: pc.saturating_sub(1),
            sp: None,
            cfa: None,
            registers,
            trust: FrameTrust::FramePointer,
            interrupted: None,
            is_tail_call: false,
        });
    }
    walk.stop = StopReason::EndOfStack;
}
