//! The stack ran out of its area.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::recursion::recursion;
use crate::analysis::riscv_facts;
use crate::analysis::wording::{address, bytes};
use crate::arch::cortex_m::EXTENDED_FRAME_BYTES;
use crate::model::registers::Reg;
use crate::model::report::{FaultKind, FrameTrust};
use std::ops::Range;

/// "Stack overflow of task cmd: the stack pointer 0x1FFD7530 is 174 KiB below its stack (0x20003140 to 0x20003938)".
pub(super) const RULE: FaultRule = FaultRule {
    id: "stack_overflow",
    explain,
};

/// A stack pointer that is further below the captured memory than this is garbage, not an overflow.
const MAX_DISTANCE_BYTES: u64 = 16 << 20;

/// A main stack that has grown by more than this is another stack.
const MAX_MAIN_DISTANCE_BYTES: u64 = 1 << 20;

/// A memory protection fault this close below a stack hit its guard.
const GUARD_BYTES: u64 = 1024;

/// What kernels call when they find a stack overflowed: `FreeRTOS`, `ThreadX`, RTX5, `ChibiOS`.
const HOOKS: [&str; 4] = [
    "_tx_thread_stack_error_handler",
    "chSysStackOverflow",
    "osRtxKernelErrorNotify",
    "vApplicationStackOverflowHook",
];

fn explain(case: &Case<'_>) -> Option<Finding> {
    let signs = signs(case);
    if signs.is_empty() {
        return None;
    }
    let of = case
        .thread_phrase()
        .map_or(String::new(), |thread| format!(" of {thread}"));
    let details: Vec<String> = [recursion_phrase(case), pointer_phrase(case)]
        .into_iter()
        .flatten()
        .collect();
    let details = if details.is_empty() {
        headline_sign(case, &signs)?
    } else {
        details.join(", ")
    };
    Some(Finding {
        kind: FaultKind::StackOverflow,
        address: case.recorded_address().map(|(addr, _)| addr).or(case.sp()),
        summary: format!("Stack overflow{of}: {details}"),
        advice: Some(
            "Look for recursion or large local arrays in the frames below; else give this stack more room.",
        ),
        evidence: signs,
    })
}

/// The sign that stands in the headline when neither a recursion nor the stack pointer tells more.
fn headline_sign(case: &Case<'_>, signs: &[String]) -> Option<String> {
    if hook(case).is_none()
        && let Some(text) = said(case)
    {
        return Some(format!("the device reported it ({text})"));
    }
    signs.first().cloned()
}

/// The device's own words, if they speak of the stack.
fn said<'a>(case: &Case<'a>) -> Option<&'a str> {
    let reason = case.facts.dump.reason.as_deref()?;
    let lower = reason.to_ascii_lowercase();
    [
        "stack overflow",
        "stack_overflow",
        "stackoverflow",
        "stack check",
        "stack canary",
    ]
    .iter()
    .any(|words| lower.contains(words))
    .then_some(reason)
}

/// Everything that says so, strongest first.
fn signs(case: &Case<'_>) -> Vec<String> {
    let mut signs = Vec::new();
    if case.cfsr("STKOF") {
        signs.push("the processor's stack limit check fired (STKOF)".to_owned());
    }
    if let Some(hook) = hook(case) {
        signs.push(format!(
            "the kernel's check found the end of the stack overwritten (`{hook}` was called)"
        ));
    }
    if let Some(reason) = said(case) {
        signs.push(format!("the device says: {reason}"));
    }
    if case.cfsr("STKERR") || case.cfsr("MSTKERR") {
        signs.push(
            "the registers could not be saved on the stack when the fault was taken".to_owned(),
        );
    }
    if let (Some(sp), Some(stack)) = (case.sp(), case.thread_stack())
        && sp < stack.start
    {
        signs.push(format!(
            "the stack pointer is below the thread's stack, which begins at {}",
            address(stack.start)
        ));
    }
    if let Some((sp, stack)) = main_stack_left(case) {
        let grown_into = (case.facts.describe)(sp).map_or(String::new(), |name| {
            format!(", it grew into `{}`", plain(&name))
        });
        signs.push(format!(
            "the stack pointer is below the main stack, which begins at {}{grown_into}",
            address(stack.start)
        ));
    }
    if let Some(guard) = guard_hit(case) {
        signs.push(format!(
            "the access at {} hit the guard below the stack",
            address(guard)
        ));
    }
    if let Some(addr) = riscv_facts::refused_stack(case) {
        signs.push(format!(
            "memory refused the stack itself: the access at {} is in the frame at the stack pointer",
            address(addr)
        ));
    }
    if lost_frame(case) {
        signs.push(
            "the stack pointer lies outside of memory and there is no usable program counter"
                .to_owned(),
        );
    }
    if let Some((left, stack)) = no_room(case) {
        signs.push(format!(
            "no exception frame was stored, and {} above the end of the stack ({}) is no room for one",
            bytes(left),
            address(stack.start)
        ));
    }
    if stack_access_below_memory(case) {
        signs.push("an access through the stack pointer went below memory".to_owned());
    }
    if !signs.is_empty() && case.thread().is_some_and(|t| t.stack_unused_min == Some(0)) {
        signs.push("no byte of this stack was left unused (high-water mark 0)".to_owned());
    }
    signs
}

/// The main stack, when the crashed context uses it and the stack pointer is below it: its frames reach from there up
/// into the stack, so that it is no other stack.
fn main_stack_left(case: &Case<'_>) -> Option<(u64, Range<u64>)> {
    let stack = case.facts.main_stack.clone()?;
    let sp = case.sp().filter(|sp| *sp < stack.start)?;
    let outermost = case.thread()?.frames.iter().rev().find_map(|f| f.sp)?.0;
    let is_near = stack.start - sp <= MAX_MAIN_DISTANCE_BYTES;
    (is_near && (stack.start..=stack.end).contains(&outermost)).then_some((sp, stack))
}

/// `ring` of `ring+16`.
fn plain(described: &str) -> &str {
    described
        .split_once('+')
        .map_or(described, |(name, _)| name)
}

/// A context without a single register of an exception frame, and the stack pointer so near to the end of a stack that
/// no frame fits: the stack limit check (`ARMv8-M`) keeps the core from pushing one.
fn no_room(case: &Case<'_>) -> Option<(u64, Range<u64>)> {
    let registers = case.facts.registers;
    let is_lost = [Reg::PC, Reg::LR, Reg::r(0), Reg::r(1), Reg::r(2), Reg::r(3)]
        .into_iter()
        .all(|reg| registers.known(reg).is_none_or(|value| value == 0));
    let sp = (case.sp()).filter(|_| is_lost && case.facts.arch.is_cortex_m())?;
    let threads = case.thread().and_then(|thread| {
        let base = thread.stack_base?.0;
        Some(base..base.checked_add(thread.stack_size?)?)
    });
    [threads, case.facts.main_stack.clone()]
        .into_iter()
        .flatten()
        .find(|stack| stack.contains(&sp) && sp - stack.start < EXTENDED_FRAME_BYTES)
        .map(|stack| (sp - stack.start, stack))
}

/// The function that a kernel calls when its own check fails, if the crash happened in it.
fn hook<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.frames()
        .iter()
        .filter_map(|frame| frame.function.as_deref())
        .find(|name| HOOKS.contains(name))
}

/// A memory protection fault just below the stack of the crashed thread.
fn guard_hit(case: &Case<'_>) -> Option<u64> {
    let (addr, register) = case.recorded_address()?;
    let stack = case.thread_stack()?;
    let is_below = addr < stack.start && stack.start - addr <= GUARD_BYTES;
    (register == "mmfar" && case.cfsr("DACCVIOL") && is_below).then_some(addr)
}

/// No frame could be stored, so that the registers are missing or zero, and the stack pointer says why.
fn lost_frame(case: &Case<'_>) -> bool {
    let Some(sp) = case.sp() else { return false };
    if case.pc().is_some_and(|pc| pc != 0) || case.is_known_memory(sp) {
        return false;
    }
    if case.facts.dump.memory.is_empty() {
        // RAM begins at 0x20000000 on almost every Cortex-M: a little below it there is none.
        return !case.facts.dump.fault.is_empty()
            && (0x2000_0000 - MAX_DISTANCE_BYTES..0x2000_0000).contains(&sp);
    }
    memory_above(case, sp).is_some()
}

fn stack_access_below_memory(case: &Case<'_>) -> bool {
    let (Some(access), Some(addr)) = (case.access(), case.fault_address()) else {
        return false;
    };
    access.is_on_stack && !case.is_known_memory(addr) && memory_above(case, addr).is_some()
}

/// The captured memory that begins a little above `addr`.
fn memory_above(case: &Case<'_>, addr: u64) -> Option<Range<u64>> {
    let next = case
        .captured()
        .into_iter()
        .find(|range| range.start > addr)?;
    (next.start - addr <= MAX_DISTANCE_BYTES).then_some(next)
}

fn pointer_phrase(case: &Case<'_>) -> Option<String> {
    let sp = case.sp()?;
    if let Some(stack) = case.thread_stack() {
        if sp < stack.start {
            return Some(format!(
                "the stack pointer {} is {} below its stack ({} to {})",
                address(sp),
                bytes(stack.start - sp),
                address(stack.start),
                address(stack.end)
            ));
        }
        return None;
    }
    if let Some((sp, stack)) = main_stack_left(case) {
        let grown_into = (case.facts.describe)(sp)
            .map_or(String::new(), |name| format!(", in `{}`", plain(&name)));
        return Some(format!(
            "the stack pointer {} is {} below the main stack ({} to {}){grown_into}",
            address(sp),
            bytes(stack.start - sp),
            address(stack.start),
            address(stack.end)
        ));
    }
    if case.is_known_memory(sp) {
        return None;
    }
    if let Some(ram) = memory_above(case, sp) {
        return Some(format!(
            "the stack pointer {} is {} below the captured memory ({})",
            address(sp),
            bytes(ram.start - sp),
            address(ram.start)
        ));
    }
    // Where RAM begins is not known.
    let is_lost = case.pc().is_none_or(|pc| pc == 0) && case.captured().is_empty();
    is_lost.then(|| {
        format!(
            "the registers could not be saved at the stack pointer {}",
            address(sp)
        )
    })
}

fn recursion_phrase(case: &Case<'_>) -> Option<String> {
    let frames = case.frames();
    let names: Vec<&str> = frames
        .iter()
        .filter_map(|frame| frame.function.as_deref())
        .collect();
    let run = recursion(&names)?;
    let count = run.repeats * run.names.len();
    let how = if frames.iter().any(|frame| frame.trust == FrameTrust::Scan) {
        "frames found by scanning"
    } else {
        "frames"
    };
    let quoted: Vec<String> = run.names.iter().map(|name| format!("`{name}`")).collect();
    Some(match quoted.as_slice() {
        [one] => format!("{one} calls itself ({count} {how})"),
        many => format!("{} call each other ({count} {how})", many.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn a_stack_pointer_below_the_stack_of_its_task() {
        let scene = Scene::new(&[])
            .task("cmd", 0x2000_3140, 0x7F8)
            .reg(13, 0x1FFD_7530)
            .reg(15, 0)
            .fault("cfsr", 0x2_0000);
        let (kind, summary) = scene.headline();
        assert_eq!(kind, "stack overflow");
        assert_eq!(
            summary,
            "Stack overflow of task cmd: the stack pointer 0x1FFD7530 is 175 KiB below its stack (0x20003140 to 0x20003938)"
        );
    }

    #[test]
    fn recursion_that_ran_out_of_memory_without_fault_registers() {
        let scan = |name: &str| frame(name, "main.c:42", FrameTrust::Scan);
        let scene = Scene::new(&[]).reg(13, 0x1FF0_7A38).reg(15, 0).frames(vec![
            frame("", "", FrameTrust::Context),
            scan("recurse"),
            scan("recurse"),
            scan("recurse"),
            scan("loop"),
        ]);
        assert_eq!(
            scene.headline().1,
            "Stack overflow: `recurse` calls itself (3 frames found by scanning), the stack pointer 0x1FF07A38 is 993 KiB below the captured memory (0x20000000)"
        );
    }

    #[test]
    fn a_print_without_memory_shows_the_stack_pointer() {
        let scene = Scene::new(&[])
            .without_memory()
            .reg(13, 0x37FF_FFB0)
            .reg(15, 0)
            .fault("cfsr", 0x9200);
        assert_eq!(
            scene.headline().1,
            "Stack overflow: the registers could not be saved at the stack pointer 0x37FFFFB0"
        );
    }

    #[test]
    fn the_main_stack_grown_into_variables() {
        let mut outermost = frame("main", "main.c:80", FrameTrust::Cfi);
        outermost.sp = Some(crate::model::addr::TargetAddr(0x2000_8FF0));
        let scene = || {
            Scene::new(&[])
                .main_stack(0x2000_8000..0x2000_9000)
                .reg(13, 0x2000_7F00)
                .reg(15, 0xA000_0110)
                .fault("cfsr", 1)
        };
        let grown = scene().frames(vec![
            frame("open_menu", "main.c:60", FrameTrust::Cfi),
            outermost,
        ]);
        assert_eq!(
            grown.headline().1,
            "Stack overflow: the stack pointer 0x20007F00 is 256 bytes below the main stack (0x20008000 to 0x20009000)"
        );
        // Another stack: its frames do not lead up into the main one.
        assert_eq!(scene().headline().0, "no-execute region");
    }

    #[test]
    fn each_sign_alone_is_enough() {
        let scene = || Scene::new(&[0x00, 0xBF]);
        for (name, scene) in [
            (
                "stacking failed",
                scene().fault("cfsr", 0x9200).fault("bfar", 0x37FF_FFD4),
            ),
            ("limit check", scene().fault("cfsr", 0x10_0000)),
            (
                "said by the device",
                scene().reason("***ERROR*** A stack overflow in task cmd has been detected"),
            ),
            (
                "guard",
                scene()
                    .task("cmd", 0x2000_7000, 0x2000)
                    .fault("cfsr", 0x82)
                    .fault("mmfar", 0x2000_6FE0),
            ),
            (
                "no room for a frame",
                Scene::new(&[])
                    .reg(15, 0)
                    .reg(14, 0)
                    .reg(13, 0x2000_7010)
                    .task("cmd", 0x2000_7000, 0x2000),
            ),
            (
                "push below memory",
                Scene::new(&[0x10, 0xB5])
                    .reg(13, 0x2000_0000)
                    .reg(4, 1)
                    .fault("cfsr", 0x8200)
                    .fault("bfar", 0x1FFF_FFF8),
            ),
        ] {
            assert_eq!(scene.headline().0, "stack overflow", "{name}");
        }
        assert!(scene().explain().is_none());
    }
}
