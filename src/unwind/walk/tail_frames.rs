//! Frames of functions that left by a tail call: nothing of them is on the stack, but the debug information of the calls
//! says that the way from the caller to its callee led through them (`symbols/tail_call.rs`).
//!
//! Asked only where call-frame information found the caller: a return address that was found by other means may be left
//! over from an earlier call, and the way to it would be invented.

use super::walker::Walker;
use super::{Depth, PhysicalFrame};
use crate::model::report::FrameTrust;
use crate::symbols::tail_call::{TailCall, TailChain};

/// Frames of this kind in one walk.
const MOST_TAIL_FRAMES: usize = 1024;

/// The frames between the one whose code is at `lookup` and its caller, innermost first.
pub(super) fn between(
    walker: &mut Walker<'_, '_, '_>,
    lookup: u64,
    caller: &PhysicalFrame,
) -> Vec<PhysicalFrame> {
    if walker.depth != Depth::Outer
        || caller.trust != FrameTrust::Cfi
        || caller.interrupted.is_some()
        || caller.lookup == caller.pc
    {
        return Vec::new();
    }
    let question = (caller.pc, lookup);
    let chain = match walker.tail_chains.get(&question) {
        Some(known) => known.clone(),
        None => ask(walker, lookup, caller),
    };
    walker.tail_chains.insert(question, chain.clone());
    let frames: Option<Vec<PhysicalFrame>> = chain
        .calls
        .iter()
        .map(|call| frame(walker, *call, caller))
        .collect();
    let frames = frames
        .filter(|frames| frames.len() <= MOST_TAIL_FRAMES.saturating_sub(walker.n_tail_frames))
        .unwrap_or_default();
    walker.n_tail_frames = walker.n_tail_frames.saturating_add(frames.len());
    if !frames.is_empty() && !chain.is_complete {
        walker.warn(
            "FS-UNW-012",
            format!(
                "Between the call that returns to 0x{:08x} and the code at 0x{lookup:08x} more functions ran than are \
                 listed: they left by tail calls, and there are several ways.",
                caller.pc
            ),
        );
    }
    frames
}

fn ask(walker: &Walker<'_, '_, '_>, lookup: u64, caller: &PhysicalFrame) -> TailChain {
    let code = &walker.code;
    // Most calls lead to the very function that runs: their instruction says so, and no debug information is read.
    let function = code.function(lookup);
    let called = walker.call_target(caller.pc);
    if function.is_none_or(|function| called == Some(function.start)) {
        return TailChain::default();
    }
    let info = code.info(caller.lookup);
    let is_same_file = info.is_some_and(|info| info.file().contains_code(lookup));
    info.filter(|_| is_same_file)
        .map(|info| info.tail_calls(caller.pc, called, lookup))
        .unwrap_or_default()
}

/// The frame that made the tail call, as it was when it left: it had restored the stack pointer and every register that
/// it had to keep, so that no register holds a variable of its own any more.
fn frame(
    walker: &Walker<'_, '_, '_>,
    call: TailCall,
    caller: &PhysicalFrame,
) -> Option<PhysicalFrame> {
    let (pc, lookup) = match call {
        TailCall::Before(pc) => (pc, pc.checked_sub(1)?),
        TailCall::At(lookup) => (walker.next_instruction(lookup)?, lookup),
    };
    let mut registers = caller.registers.clone();
    registers.forget();
    registers.set_pc(pc);
    Some(PhysicalFrame {
        pc,
        lookup,
        sp: caller.sp,
        cfa: None,
        registers,
        trust: FrameTrust::Cfi,
        interrupted: None,
        is_tail_call: true,
    })
}
