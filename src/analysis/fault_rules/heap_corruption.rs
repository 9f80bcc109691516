//! The allocator stumbled over a damaged heap.

use super::{FaultRule, Finding, assert};
use crate::analysis::crash_facts::{Case, source_line};
use crate::analysis::instruction::AccessKind;
use crate::analysis::known_functions::{Role, role};
use crate::analysis::wording::address;
use crate::analysis::words_as_text::word_as_text;
use crate::model::report::{FaultKind, Frame};

/// "The heap is damaged: `vPortFree` found an impossible block (heap_4.c:369), called by `free_packet`, in task cmd, main.c:40".
pub(super) const RULE: FaultRule = FaultRule {
    id: "heap_corruption",
    explain,
};

/// Frames from the innermost one that may belong to the allocator and to what it called.
const MAX_DEPTH: usize = 10;

fn explain(case: &Case<'_>) -> Option<Finding> {
    let frames = case.frames();
    let index = allocator(frames)?;
    let allocator = frames.get(index)?.function.as_deref()?;
    let damage = case
        .facts
        .heaps
        .iter()
        .find_map(|heap| heap.damage.as_ref());
    let wild = wild_access(case);
    let failed_check = (assert::RULE.explain)(case);
    let (kind, what, mut evidence) = match failed_check {
        Some(found) => {
            let at = check_place(frames, index);
            let verb = match (checks_a_block(case)?, damage) {
                (false, None) => "is probably",
                (true, _) | (_, Some(_)) => "is",
            };
            (
                FaultKind::Assert,
                format!("The heap {verb} damaged: `{allocator}` found an impossible block{at}"),
                found.evidence,
            )
        }
        None => {
            let at = wild?;
            let sure = damage.is_some();
            let verb = if sure { "is" } else { "is probably" };
            let text = u32::try_from(at).ok().and_then(word_as_text);
            let text = text.map_or(String::new(), |text| format!(", the text \"{text}\""));
            (
                FaultKind::BusFault,
                format!(
                    "The heap {verb} damaged: `{allocator}` followed a wild pointer ({}{text})",
                    address(at)
                ),
                Vec::new(),
            )
        }
    };
    evidence
        .extend(damage.map(|words| format!("the heap's blocks: {}", words.trim_end_matches('.'))));
    evidence.push(format!("the crash is inside the allocator (`{allocator}`)"));
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
    Some(Finding {
        kind,
        address: case.fault_address(),
        summary: format!("{what}{by}{}{line}", case.context_phrase()),
        advice: Some(
            "The caller is seldom to blame: look for a write past the end of a block, a use after free, or a block freed twice, before this call.",
        ),
        evidence,
    })
}

/// True when the printed condition speaks of a block, false without one; `None` when the allocator complains of its caller
/// (an interrupt) or of its own set-up (`pxEnd` of `heap_5`).
fn checks_a_block(case: &Case<'_>) -> Option<bool> {
    let printed = case.facts.dump.assert.as_ref();
    let Some(text) = printed.and_then(|text| text.message.as_ref()) else {
        return Some(false);
    };
    let lower = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    (!has(&["isr", "pxend", "schedul", "interrupt"]))
        .then(|| has(&["block", "link", "chunk", "corrupt", "double free", "heap"]))
}

/// The outermost frame of the allocator, if nothing but the allocator and helpers lie inside of it.
fn allocator(frames: &[Frame]) -> Option<usize> {
    let is_of = |frame: &Frame, wanted: &[Role]| {
        let found = frame.function.as_deref().and_then(role);
        found.is_some_and(|role| wanted.contains(&role))
    };
    let inner = [
        Role::Abort,
        Role::Allocator,
        Role::Assert,
        Role::Memory,
        Role::Panic,
    ];
    let first = frames
        .iter()
        .take(MAX_DEPTH)
        .position(|frame| is_of(frame, &[Role::Allocator]))?;
    // Assertion helpers call functions of the program: from an assertion inwards anything goes.
    let inside = frames.get(..first)?;
    let from = inside
        .iter()
        .rposition(|frame| is_of(frame, &[Role::Assert, Role::Abort, Role::Panic]))
        .map_or(0, |helper| helper + 1);
    if !inside.get(from..)?.iter().all(|frame| is_of(frame, &inner)) {
        return None;
    }
    let more = frames.get(first..)?;
    let count = more
        .iter()
        .take_while(|frame| frame.function.is_none() || is_of(frame, &[Role::Allocator]))
        .count();
    (first + count).checked_sub(1)
}

/// The address of a load or store that failed and that is no memory.
fn wild_access(case: &Case<'_>) -> Option<u64> {
    let kind = case.access()?.kind;
    let addr = case.fault_address()?;
    (matches!(kind, AccessKind::Read | AccessKind::Write) && !case.is_known_memory(addr))
        .then_some(addr)
}

/// ` (heap_4.c:369)`: the place of the check.
fn check_place(frames: &[Frame], index: usize) -> String {
    let innermost = frames
        .iter()
        .take(index + 1)
        .find(|frame| frame.function.as_deref().and_then(role) == Some(Role::Allocator));
    innermost
        .and_then(source_line)
        .map_or(String::new(), |line| format!(" ({line})"))
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::addr::TargetAddr;
    use crate::model::report::FrameTrust;
    use crate::model::target_state::HeapView;

    fn in_free(scene: Scene) -> Scene {
        scene.task("cmd", 0x2000_7000, 0x2000).frames(vec![
            frame("vPortFree", "heap_4.c:380", FrameTrust::Context),
            frame("free_packet", "src/main.c:40", FrameTrust::Cfi),
        ])
    }

    fn damaged_heap() -> HeapView {
        HeapView {
            allocator: "FreeRTOS heap_4".to_owned(),
            start: TargetAddr(0x2000_1000),
            size: 0x1000,
            free: None,
            free_counted: None,
            free_min: None,
            largest_free: None,
            blocks: Vec::new(),
            damage: Some("the block at 0x20001020 has a size of 0".to_owned()),
        }
    }

    #[test]
    fn a_wild_pointer_inside_of_free_is_a_hint_and_a_broken_block_list_is_proof() {
        // ldr r0, [r0]
        let scene = || in_free(Scene::new(&[0x00, 0x68]).reg(0, 0x6D75_7068)).fault("cfsr", 0x8200);
        let hint = scene().fault("bfar", 0x6D75_7068);
        assert_eq!(
            hint.headline(),
            ("bus fault".to_owned(), "The heap is probably damaged: `vPortFree` followed a wild pointer (0x6D757068, the text \"hpum\"), called by `free_packet`, in task cmd, main.c:40".to_owned())
        );
        let proof = hint.heap(damaged_heap());
        assert!(proof.headline().1.starts_with("The heap is damaged: "));
    }

    #[test]
    fn an_assertion_of_the_allocator() {
        let scene = Scene::new(&[0xFF, 0xDE])
            .task("cmd", 0x2000_7000, 0x2000)
            .frames(vec![
                frame("fault_panic", "fault.c:39", FrameTrust::Context),
                frame("assert_failed", "fault.c:45", FrameTrust::Cfi),
                frame("vPortFree", "heap_4.c:369", FrameTrust::Cfi),
                frame("free_packet", "src/main.c:40", FrameTrust::Cfi),
            ]);
        assert_eq!(
            scene.headline(),
            ("failed assert".to_owned(), "The heap is probably damaged: `vPortFree` found an impossible block (heap_4.c:369), called by `free_packet`, in task cmd, main.c:40".to_owned())
        );
    }

    #[test]
    fn a_complaint_about_the_caller_is_no_damage() {
        let frames = || {
            vec![
                frame("assert_failed", "fault.c:45", FrameTrust::Context),
                frame("pvPortMalloc", "heap_5.c:200", FrameTrust::Cfi),
                frame("start", "src/main.c:40", FrameTrust::Cfi),
            ]
        };
        for (message, heap) in [("pxEnd", false), ("pxLink->xBlockSize", true)] {
            let scene = Scene::new(&[0xFF, 0xDE]).frames(frames());
            let summary = scene.assert(Some(message), "heap_5.c", 200).headline().1;
            assert_eq!(
                summary.starts_with("The heap is damaged"),
                heap,
                "{summary}"
            );
        }
    }

    #[test]
    fn a_fault_of_the_program_below_malloc_is_not_the_heaps() {
        let scene = Scene::bad_store().frames(vec![
            frame("poke", "src/main.c:16", FrameTrust::Context),
            frame("malloc", "malloc.c:1", FrameTrust::Cfi),
        ]);
        assert!(scene.headline().1.starts_with("`poke`"));
    }
}
