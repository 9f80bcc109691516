//! What a task control block tells without debug information.
//!
//! ESP-IDF's FreeRTOS (`tskTaskControlBlock` of `tasks.c`): pxTopOfStack at 0, two list items of 20 bytes, uxPriority at
//! 44, pxStack at 48, then, with or without a word before it, the name.

use crate::model::memory::{Memory as _, MemoryMap};
use std::ops::Range;

const STACK: u64 = 48;
/// The name begins at one of these.
const NAMES: [u64; 3] = [52, 56, 60];
const LONGEST_NAME: u64 = 32;
/// A larger stack is a damaged control block.
const LARGEST_STACK: u64 = 1 << 20;

/// The stack pointer that was saved when the task was switched out.
pub(super) fn saved_sp(memory: &MemoryMap, tcb: u64) -> Option<u64> {
    memory.read_u32(tcb).ok().map(u64::from)
}

/// Its name: the first place that holds a text which ends within its field.
pub(super) fn name(memory: &MemoryMap, tcb: u64) -> Option<String> {
    NAMES
        .iter()
        .find_map(|offset| text(memory, tcb.checked_add(*offset)?))
}

fn text(memory: &MemoryMap, at: u64) -> Option<String> {
    let mut text = String::new();
    for n in 0..LONGEST_NAME {
        match memory.read_u8(at.checked_add(n)?).ok()? {
            0 => return (text.len() > 1).then_some(text),
            byte @ 0x20..=0x7E => text.push(char::from(byte)),
            _ => return None,
        }
    }
    None
}

/// Its stack: from where the control block says it begins to the end of the captured piece that `sp` lies in.
pub(super) fn stack(memory: &MemoryMap, tcb: u64, sp: u64) -> Option<Range<u64>> {
    let start = memory
        .read_u32(tcb.checked_add(STACK)?)
        .ok()
        .map(u64::from)?;
    let regions = memory.regions();
    let index = regions.partition_point(|region| region.end() <= sp);
    let region = regions.get(index).filter(|region| region.start <= sp)?;
    let fits = start != 0 && start <= sp && region.end().saturating_sub(start) <= LARGEST_STACK;
    fits.then(|| start..region.end())
}
