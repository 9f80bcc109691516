//! A queue, timer or task was used after it had been deleted.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::{Case, source_line};
use crate::analysis::wording::address;
use crate::model::memory::Memory as _;
use crate::model::registers::Reg;
use crate::model::report::{FaultKind, Frame};
use crate::model::target_state::HeapView;

/// "`xQueueReceive` used an object that had been freed (0x20000770 is filled with 0xDD), called by `read_again`, in
/// task cmd, main.c:73".
pub(super) const RULE: FaultRule = FaultRule {
    id: "freed_object",
    explain,
};

/// Functions of an RTOS that work on an object they are given, by how their names begin. Sorted.
const OBJECT_FUNCTIONS: [&str; 34] = [
    "k_event_",
    "k_mbox_",
    "k_msgq_",
    "k_mutex_",
    "k_pipe_",
    "k_queue_",
    "k_sem_",
    "k_timer_",
    "osEventFlags",
    "osMessageQueue",
    "osMutex",
    "osSemaphore",
    "osTimer",
    "prvCopyData",
    "prvUnlockQueue",
    "tx_event_flags_",
    "tx_mutex_",
    "tx_queue_",
    "tx_semaphore_",
    "uxListRemove",
    "uxQueue",
    "vEventGroup",
    "vListInsert",
    "vQueue",
    "vStreamBuffer",
    "vTaskPlaceOnEventList",
    "vTaskPriorityDisinherit",
    "xEventGroup",
    "xQueue",
    "xStreamBuffer",
    "xTaskGenericNotify",
    "xTaskPriority",
    "xTaskRemoveFromEventList",
    "xTimer",
];

/// Bytes that allocators and debug builds fill freed memory with.
const FREE_FILLS: [u8; 3] = [0x6B, 0xDD, 0xFE];
/// Words that do the same.
const FREE_WORDS: [u32; 3] = [0xDEAD_BEEF, 0xFEEE_FEEE, 0xDEAD_DEAD];

/// Frames from the innermost one among which the RTOS's function is looked for.
const MAX_DEPTH: usize = 8;
/// Stack that the RTOS's functions may use, as far as it is looked through.
const MAX_STACK_BYTES: u64 = 512;
/// Words of an object that are looked at, and of these how many have to be a fill.
const OBJECT_WORDS: u64 = 12;
const MIN_FILLED: usize = 6;

fn explain(case: &Case<'_>) -> Option<Finding> {
    let frames = case.frames();
    let is_object_function = |frame: &Frame| {
        frame.function.as_deref().is_some_and(|name| {
            OBJECT_FUNCTIONS
                .iter()
                .any(|beginning| name.starts_with(beginning))
        })
    };
    let index = frames
        .iter()
        .take(MAX_DEPTH)
        .rposition(is_object_function)?;
    let function = frames.get(index)?.function.as_deref()?;
    let (object, why) = candidates(case, frames.get(index + 1))
        .into_iter()
        .find_map(|addr| Some((addr, freed(case, addr)?)))?;
    let caller = frames
        .iter()
        .skip(index + 1)
        .find(|frame| frame.function.is_some());
    let by = caller
        .and_then(|frame| frame.function.as_ref())
        .map_or(String::new(), |name| format!(", called by `{name}`"));
    let line = caller
        .and_then(source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    let name = (case.facts.describe)(object)
        .filter(|name| !name.contains('+'))
        .map_or(String::new(), |name| format!(" {name}"));
    // A block may have been freed and the pointer to it be a left-over; a fill pattern in use is proof.
    let probably = if why.contains("filled") {
        ""
    } else {
        "probably "
    };
    Some(Finding {
        kind: FaultKind::BusFault,
        address: case.fault_address(),
        summary: format!(
            "`{function}` {probably}used an object{name} that had been freed ({} {why}){by}{}{line}",
            address(object),
            case.context_phrase()
        ),
        advice: Some(
            "Find who deleted it while others still used it; set the handle to null when the object is deleted.",
        ),
        evidence: vec![format!(
            "`{function}` works on an object of the RTOS, and {} {why}",
            address(object)
        )],
    })
}

/// Pointers that the RTOS's functions hold: in registers, and on the stack up to their caller's frame.
fn candidates(case: &Case<'_>, caller: Option<&Frame>) -> Vec<u64> {
    let from_registers = (0..=12).filter_map(|n| case.facts.registers.known(Reg::r(n)));
    let stack = match (case.sp(), caller.and_then(|frame| frame.sp)) {
        (Some(sp), Some(end)) => sp..end.0.min(sp.saturating_add(MAX_STACK_BYTES)),
        _ => 0..0,
    };
    let words = (stack.start..stack.end).step_by(4);
    let from_stack = words
        .map_while(|at| case.facts.dump.memory.read_u32(at).ok())
        .map(u64::from);
    let mut found: Vec<u64> = from_registers.chain(from_stack).collect();
    found.retain(|addr| addr % 4 == 0 && *addr >= 16);
    found
}

/// Why the memory at `addr` is known to be free, after its address.
fn freed(case: &Case<'_>, addr: u64) -> Option<String> {
    let words: Vec<u32> = (0..OBJECT_WORDS)
        .map_while(|n| {
            let at = addr.checked_add(4 * n)?;
            case.facts.dump.memory.read_u32(at).ok()
        })
        .collect();
    let fill = words.iter().find(|word| is_fill(**word)).copied();
    if let Some(fill) = fill
        && words.iter().filter(|word| **word == fill).count() >= MIN_FILLED
    {
        return Some(format!("is filled with 0x{fill:08X}"));
    }
    let in_free_block = case
        .facts
        .heaps
        .iter()
        .any(|heap| is_in_free_block(heap, addr));
    in_free_block.then(|| "lies in a free block of the heap".to_owned())
}

fn is_in_free_block(heap: &HeapView, addr: u64) -> bool {
    heap.blocks.iter().any(|block| {
        !block.allocated && addr >= block.address.0 && addr - block.address.0 < block.size
    })
}

fn is_fill(word: u32) -> bool {
    let [first, rest @ ..] = word.to_le_bytes();
    FREE_WORDS.contains(&word)
        || (FREE_FILLS.contains(&first) && rest.iter().all(|byte| *byte == first))
}

#[cfg(test)]
mod tests {
    use super::OBJECT_FUNCTIONS;
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::addr::TargetAddr;
    use crate::model::report::FrameTrust;
    use crate::model::target_state::{HeapBlock, HeapView};

    fn receiving(object: u32) -> Scene {
        Scene::new(&[0x00, 0x68])
            .reg(0, 0xBBBB_BBBA)
            .reg(4, object)
            .fault("cfsr", 0x8200)
            .fault("bfar", 0xBBBB_BBBA)
            .task("cmd", 0x2000_7000, 0x2000)
            .frames(vec![
                frame("memcpy", "string.c:5", FrameTrust::Context),
                frame("prvCopyDataFromQueue", "queue.c:2492", FrameTrust::Cfi),
                frame("xQueueReceive", "queue.c:1540", FrameTrust::Cfi),
                frame("read_again", "src/main.c:73", FrameTrust::Cfi),
            ])
    }

    #[test]
    fn an_object_filled_with_the_pattern_of_freed_memory() {
        assert!(OBJECT_FUNCTIONS.is_sorted());
        let scene = receiving(0x2000_0770).memory(0x2000_0770, &[0xDD; 80]);
        assert_eq!(
            scene.headline(),
            ("bus fault".to_owned(), "`xQueueReceive` used an object that had been freed (0x20000770 is filled with 0xDDDDDDDD), called by `read_again`, in task cmd, main.c:73".to_owned())
        );
    }

    #[test]
    fn an_object_in_a_free_block_of_the_heap() {
        let heap = HeapView {
            allocator: "FreeRTOS heap_4".to_owned(),
            start: TargetAddr(0x2000_0700),
            size: 0x1000,
            free: None,
            free_counted: None,
            free_min: None,
            largest_free: None,
            blocks: vec![HeapBlock {
                address: TargetAddr(0x2000_0768),
                size: 96,
                allocated: false,
                owner: None,
            }],
            damage: None,
        };
        let scene = receiving(0x2000_0770).heap(heap);
        assert!(
            scene
                .headline()
                .1
                .starts_with("`xQueueReceive` probably used an object that had been freed (0x20000770 lies in a free block of the heap)")
        );
    }

    #[test]
    fn a_live_object_is_not_blamed() {
        assert!(receiving(0x2000_0770).headline().1.starts_with("`memcpy`"));
    }
}
