//! The tasks of a dump of version 0.1 to 0.3: control blocks and stacks one after the other, then memory segments.
//!
//! A task: u32 control block, u32 top of the stack, u32 its end; the control block's bytes, the stack's bytes, each padded
//! to 4. The first task is the one that crashed. A segment: u32 address, u32 length, bytes.

use super::elf_body::finish_threads;
use super::image::Image;
use super::{FAKE, Header, frames};
use crate::model::{
    coredump::{CapturedThread, Coredump},
    registers::RegisterSet,
    warning::Warning,
};
use std::ops::Range;

/// Larger stacks are a damaged header.
const LARGEST_STACK: usize = 1 << 20;

/// Reads the tasks and segments that lie at `body` in the image.
pub(super) fn read(image: &Image<'_>, body: Range<usize>, header: &Header, dump: &mut Coredump) {
    let mut at = body.start;
    for n in 0..header.n_tasks {
        if let Some(next) = task(image, at, &body, header, dump) {
            at = next;
        } else {
            dump.warnings.push(Warning::at(
                "FS-ESP-004",
                image.place(at),
                format!(
                    "the dump is cut off or damaged here: {n} of its {} tasks could be read",
                    header.n_tasks
                ),
            ));
            finish_threads(dump);
            return;
        }
    }
    for n in 0..header.n_segments {
        if let Some(next) = segment(image, at, &body, dump) {
            at = next;
        } else {
            dump.warnings.push(Warning::at(
                    "FS-ESP-004",
                    image.place(at),
                    format!(
                        "the dump is cut off or damaged here: {n} of its {} memory segments could be read",
                        header.n_segments
                    ),
                ));
            break;
        }
    }
    finish_threads(dump);
}

/// Reads a task; the offset behind it, or `None` when it is not there as a whole.
fn task(
    image: &Image<'_>,
    at: usize,
    body: &Range<usize>,
    header: &Header,
    dump: &mut Coredump,
) -> Option<usize> {
    let word = |n: usize| image.u32(at.checked_add(n)?);
    let (tcb, top, end) = (word(0)?, word(4)?, word(8)?);
    let tcb_at = at.checked_add(12)?;
    let tcb_len = usize::try_from(header.tcb_len).ok()?;
    let stack_at = tcb_at.checked_add(tcb_len.checked_next_multiple_of(4)?)?;
    let stack_len = usize::try_from(top.abs_diff(end)).ok()?;
    if stack_at > body.end || stack_len > LARGEST_STACK {
        return None;
    }
    let next = stack_at.checked_add(stack_len.checked_next_multiple_of(4)?)?;
    let capture = |range: Range<usize>, addr: u32, dump: &mut Coredump| {
        if !FAKE.contains(&addr) {
            let range = range.start..range.end.min(body.end);
            image.capture(range, addr.into(), &mut dump.memory);
        }
    };
    capture(tcb_at..tcb_at.saturating_add(tcb_len), tcb, dump);
    let low = top.min(end);
    capture(stack_at..stack_at.saturating_add(stack_len), low, dump);
    let file = header.registers();
    let registers = frames::from_stack(&dump.memory, low.into(), file);
    if FAKE.contains(&tcb) || registers.is_none() {
        dump.warnings.push(Warning::at(
            "FS-ESP-008",
            image.place(at),
            format!(
                "the stack of the task at 0x{tcb:08x} was damaged or is not in the dump: its registers are not known"
            ),
        ));
    }
    dump.threads.push(CapturedThread {
        id: Some(tcb.into()),
        registers: registers.unwrap_or_else(|| RegisterSet::new(file)),
        ..CapturedThread::default()
    });
    (next <= body.end).then_some(next)
}

fn segment(
    image: &Image<'_>,
    at: usize,
    body: &Range<usize>,
    dump: &mut Coredump,
) -> Option<usize> {
    let addr = image.u32(at)?;
    let len = usize::try_from(image.u32(at.checked_add(4)?)?).ok()?;
    let start = at.checked_add(8)?;
    let end = start.checked_add(len)?;
    let there = start..end.min(body.end);
    if there.start < there.end {
        image.capture(there, addr.into(), &mut dump.memory);
    }
    (end <= body.end).then_some(end)
}
