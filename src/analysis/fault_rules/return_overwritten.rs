//! A function returned to what an overflowing buffer had left in its return address.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::wording::address;
use crate::analysis::words_as_text::{text_from, word_as_text};
use crate::model::registers::Reg;
use crate::model::report::{FaultKind, Frame};

/// "A return address on the stack was overwritten with the text "sensor-2": probably an array of `rename_device`
/// overflowed, main.c:19".
pub(super) const RULE: FaultRule = FaultRule {
    id: "return_overwritten",
    explain,
};

/// xPSR bit 24: Thumb state. Clear when the address that was jumped to was even.
const XPSR_THUMB: u64 = 1 << 24;
/// Words above the stack pointer that are looked through for the rest of a text or a pattern.
const WORDS_ABOVE: u64 = 4;

fn explain(case: &Case<'_>) -> Option<Finding> {
    let pc = case
        .pc()
        .filter(|pc| case.is_outside_code(*pc) && *pc >= 16)?;
    let causes = ["INVSTATE", "IACCVIOL", "IBUSERR", "UNDEFINSTR"];
    if case.has_cause() && !causes.iter().any(|name| case.cfsr(name)) {
        return None;
    }
    let call = last_call(case)?;
    if call.is_indirect || is_in_a_register(case, pc) {
        return None;
    }
    let target = jump_target(case, pc);
    let text = overwriting_text(case, target);
    let repeats = text.is_none() && is_repeated_above(case, target);
    // Code without an ELF (a ROM, a second image) is reached through veneers that leave no pointer in a register.
    let fetch_failed = ["INVSTATE", "IACCVIOL", "IBUSERR"]
        .iter()
        .any(|name| case.cfsr(name));
    if text.is_none() && !repeats && !fetch_failed {
        return None;
    }
    let owner = call
        .function
        .as_ref()
        .map(|name| format!(": probably an array of `{name}` overflowed"))
        .unwrap_or_default();
    let target_text = address(u64::from(target));
    let what = match (&text, &call.function) {
        (Some(text), _) => {
            format!("A return address on the stack was overwritten with the text \"{text}\"{owner}")
        }
        (None, _) if repeats => {
            format!("A return address on the stack was overwritten with {target_text}{owner}")
        }
        (None, Some(name)) => {
            format!("`{name}` probably returned to an overwritten address, {target_text}")
        }
        (None, None) => {
            format!("A return address on the stack was probably overwritten with {target_text}")
        }
    };
    let line = case
        .frames()
        .iter()
        .find(|frame| frame.function.is_some())
        .and_then(crate::analysis::crash_facts::source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    let thread = case
        .thread_phrase()
        .map_or(String::new(), |thread| format!(", in {thread}"));
    let mut evidence = Vec::new();
    if text.is_some() {
        evidence.push(format!(
            "the bytes of the program counter ({}) and of the stack above it are text",
            address(u64::from(target))
        ));
    } else if repeats {
        evidence.push("the same word stands on the stack above".to_owned());
    }
    evidence.push(format!(
        "the last call before it (at {}) named its target, and no register holds this address: it came from the stack",
        address(call.at)
    ));
    Some(Finding {
        kind: FaultKind::NoExecute,
        address: Some(pc),
        summary: format!("{what}{thread}{line}"),
        advice: Some(
            "Look for a copy into a local array without a check of its size, in the function named here or in one that it called.",
        ),
        evidence,
    })
}

/// The call that LR points behind.
struct LastCall {
    at: u64,
    is_indirect: bool,
    function: Option<String>,
}

/// The call instruction before LR: BL (which names its target) or BLX (`ARMv7-M` ARM A7.7.18, A7.7.19).
fn last_call(case: &Case<'_>) -> Option<LastCall> {
    let lr = case.facts.registers.known(Reg::LR)?;
    let after = lr.checked_sub(1).filter(|_| lr & 1 == 1)?;
    if !(case.facts.in_code)(after) {
        return None;
    }
    let half = |back: u64| {
        let mut bytes = [0; 2];
        let at = after.checked_sub(back)?;
        case.facts.memory.read(at, &mut bytes).ok()?;
        Some(u16::from_le_bytes(bytes))
    };
    let is_indirect = half(2)? & 0xFF80 == 0x4780;
    let is_direct = half(2)? & 0xD000 == 0xD000 && half(4).is_some_and(|h| h & 0xF800 == 0xF000);
    if !is_indirect && !is_direct {
        return None;
    }
    let at = after.checked_sub(if is_direct { 4 } else { 2 })?;
    let described = (case.facts.describe)(at);
    Some(LastCall {
        at,
        is_indirect: is_indirect && !is_direct,
        function: described
            .map(|name| {
                name.split_once('+')
                    .map_or(name.clone(), |(f, _)| f.to_owned())
            })
            .or_else(|| Some(case.frames().iter().find_map(named)?.to_owned())),
    })
}

fn named(frame: &Frame) -> Option<&str> {
    frame.function.as_deref()
}

/// A call or a jump through a pointer leaves the pointer in a register; a return does not.
fn is_in_a_register(case: &Case<'_>, pc: u64) -> bool {
    (0..=12).any(|n| {
        case.facts
            .registers
            .known(Reg::r(n))
            .is_some_and(|value| value & !1 == pc)
    })
}

/// The word that was jumped to: the program counter has lost bit 0, which went into the Thumb bit.
fn jump_target(case: &Case<'_>, pc: u64) -> u32 {
    let is_thumb = case
        .facts
        .registers
        .known(Reg::XPSR)
        .is_some_and(|xpsr| xpsr & XPSR_THUMB != 0);
    u32::try_from(pc | u64::from(is_thumb)).unwrap_or(u32::MAX)
}

/// The text from the return address on, if it is text and goes on above or in a register that was restored with it.
fn overwriting_text(case: &Case<'_>, target: u32) -> Option<String> {
    let word = word_as_text(target)?;
    let rest = case
        .sp()
        .map_or(String::new(), |sp| text_from(sp, case.facts.memory));
    let before = (4..=11).any(|n| {
        let value = case.facts.registers.known(Reg::r(n));
        value
            .and_then(|value| u32::try_from(value).ok())
            .and_then(word_as_text)
            .is_some()
    });
    (!rest.is_empty() || before).then(|| format!("{word}{rest}"))
}

fn is_repeated_above(case: &Case<'_>, target: u32) -> bool {
    let Some(sp) = case.sp() else { return false };
    (0..WORDS_ABOVE)
        .filter_map(|n| sp.checked_add(4 * n))
        .any(|at| (case.facts.memory.read_u32(at)).is_ok_and(|word| word & !1 == target & !1))
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    /// LR behind `bl` at 0x910.
    fn returned_to(target: u32) -> Scene {
        Scene::new(&[])
            .code(0x910, &[0xFF, 0xF7, 0x10, 0xFF])
            .reg(14, 0x915)
            .reg(15, target & !1)
            .xpsr(0)
            .frames(vec![
                frame("", "", FrameTrust::Context),
                frame("rename_device", "src/main.c:19", FrameTrust::Context),
            ])
    }

    #[test]
    fn a_text_that_goes_on_above_the_return_address() {
        let scene = returned_to(0x736E_6573)
            .memory(0x2000_8000, b"or-2\0")
            .fault("cfsr", 0x100);
        assert_eq!(
            scene.headline(),
            ("no-execute region".to_owned(), "A return address on the stack was overwritten with the text \"sensor-2\": probably an array of `rename_device` overflowed, main.c:19".to_owned())
        );
    }

    #[test]
    fn a_pattern_is_told_and_a_lone_word_is_a_guess() {
        let pattern = [0xCC, 0xCC, 0xCC, 0xA0];
        let scene = returned_to(0xA0CC_CCCD)
            .memory(0x2000_8004, &pattern)
            .fault("cfsr", 1);
        assert_eq!(
            scene.headline().1,
            "A return address on the stack was overwritten with 0xA0CCCCCD: probably an array of `rename_device` overflowed, main.c:19"
        );
        assert_eq!(
            returned_to(0xA0CC_CCCD).fault("cfsr", 1).headline().1,
            "`rename_device` probably returned to an overwritten address, 0xA0CCCCCD, main.c:19"
        );
    }

    #[test]
    fn a_call_through_a_pointer_is_no_return() {
        // `blx r3` before LR; and a tail call that left the pointer in r3.
        let by_pointer = Scene::new(&[])
            .code(0x910, &[0x00, 0xBF, 0x98, 0x47])
            .reg(14, 0x915)
            .reg(15, 0xE000_0000)
            .fault("cfsr", 1);
        let tail_call = returned_to(0xE000_0001)
            .reg(3, 0xE000_0001)
            .fault("cfsr", 1);
        for scene in [by_pointer, tail_call] {
            assert!(scene.headline().1.contains("jumped to 0xE0000000"));
        }
    }
}
