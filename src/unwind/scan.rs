//! The last resort: words on the stack that look like return addresses or exception frames.

use super::code::Code;
use super::exception_frame::{Proof, looks_like_frame};
use crate::arch::cortex_m::ExcReturn;
use std::ops::Range;

/// A stack pointer that ran out of memory is taken to belong to the next captured range if it is no further away.
const MAX_GAP_BYTES: u64 = 16 * 1024 * 1024;

/// A word that looks like a return address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Where it lies.
    pub(super) slot: u64,
    /// The address, as one of an instruction.
    pub(super) return_addr: u64,
}

/// The first word in `area` that looks like a return address. What is looked at is taken from `budget` (bytes).
pub(super) fn return_address(
    area: Range<u64>,
    code: &Code<'_, '_>,
    budget: &mut u64,
) -> Option<Hit> {
    let mut slot = align_up(area.start);
    while slot < area.end && *budget >= 4 {
        *budget -= 4;
        let word = code.memory.read_u32(slot).ok()?;
        if let Some(return_addr) = code.return_address(word) {
            return Some(Hit { slot, return_addr });
        }
        slot = slot.checked_add(4)?;
    }
    None
}

/// Every place in `area` where an exception frame can be, lowest first.
pub(super) fn exception_frames(
    area: Range<u64>,
    exc_return: ExcReturn,
    code: &Code<'_, '_>,
    budget: &mut u64,
) -> Vec<u64> {
    const MOST: usize = 8;
    let mut found = Vec::new();
    let mut addr = align_up(area.start);
    while addr < area.end && *budget >= 4 && found.len() < MOST {
        *budget -= 4;
        if looks_like_frame(addr, Some(exc_return), Proof::Searched, code.memory, code) {
            found.push(addr);
        }
        let Some(next) = addr.checked_add(4) else {
            break;
        };
        addr = next;
    }
    found
}

/// The captured part of the stack from `sp` on, as far as anything says where it ends.
///
/// A stack pointer outside captured memory has run over the end of its stack: then it begins with the lowest address of
/// the stack, or the lowest captured one above it. `stack` is what the RTOS says of the thread's stack.
pub(super) fn stack_area(
    sp: Option<u64>,
    stack: Option<&Range<u64>>,
    code: &Code<'_, '_>,
    budget: u64,
) -> Option<Range<u64>> {
    let ranges = code.memory.ranges();
    let range_of = |addr: u64| ranges.iter().find(|r| r.contains(&addr));
    let Some(sp) = sp else {
        return stack.cloned();
    };
    let main_stack = code.abi.initial_stack(code);
    if let Some(stack) = stack {
        let on_main = main_stack.is_some_and(|top| (sp..=stack.start).contains(&top));
        if stack.contains(&sp) {
            return Some(sp..stack.end);
        }
        // Run over: below the stack lies what belongs to others, and only its own part is sure to hold its callers.
        if sp < stack.start && range_of(sp).is_none() {
            return Some(stack.clone());
        }
        if sp < stack.start && !on_main && stack.start - sp <= budget / 2 {
            return Some(sp..stack.end);
        }
    }
    let range = range_of(sp).or_else(|| {
        ranges
            .iter()
            .find(|r| r.start > sp && r.start - sp <= MAX_GAP_BYTES)
    });
    match (range, stack) {
        (Some(range), _) => {
            let start = sp.max(range.start);
            let end = main_stack
                .filter(|top| (start..=range.end).contains(top))
                .unwrap_or(range.end);
            Some(start..end)
        }
        (None, Some(stack)) => Some(stack.clone()),
        (None, None) => None,
    }
}

fn align_up(addr: u64) -> u64 {
    addr.saturating_add(3) & !3
}
