//! Why it crashed: one rule a file, the first that answers wins.
//!
//! A rule states one cause. Its doc comment gives an example sentence, which its test checks. A rule may infer the
//! cause from registers and memory when the capture has no fault registers; then its sentence says "probably".

mod abort;
mod assert;
mod brown_out;
mod bus_fault;
mod debug_event;
mod divide_by_zero;
mod esp_abort;
mod freed_object;
mod hard_fault;
mod heap_corruption;
mod invalid_return;
mod invalid_state;
mod lockup;
mod memory_fault;
mod nested_fault;
mod no_coprocessor;
mod no_execute;
mod null_pointer;
mod panic;
mod return_overwritten;
mod riscv_trap;
mod secure_fault;
mod sentence;
mod stack_canary;
mod stack_overflow;
#[cfg(test)]
pub(in crate::analysis) mod testing;
mod unaligned;
mod undefined_instruction;
mod unhandled_interrupt;
mod unknown;
mod vector_table;
mod watchdog;
mod xtensa_exception;

pub use assert::assert_location;
pub(super) use lockup::is_locked_up;

use super::crash_facts::{Case, CrashFacts, HaltedIn};
use super::interrupts::line_text;
use super::wording;
use crate::model::addr::TargetAddr;
use crate::model::arch::Arch;
use crate::model::registers::Reg;
use crate::model::report::{Fault, FaultKind, FrameTrust};
use crate::model::target_state::InterruptLine;

/// Exceptions up to this number are resets, NMI and faults: the crash itself.
const LAST_FAULT: u32 = 7;
/// Interrupts that one line of evidence names.
const MAX_INTERRUPTS: usize = 4;

/// Reset reasons that a reader of a crash wants to know.
const RESTART_WORDS: [&str; 8] = [
    "bod",
    "brown",
    "lockup",
    "low volt",
    "power fail",
    "watchdog",
    "wdg",
    "wdt",
];

/// One cause of crashes.
pub struct FaultRule {
    /// Stable name, the name of its file.
    pub id: &'static str,
    /// Says what happened, or `None` when this cause is not the one.
    pub explain: fn(&Case<'_>) -> Option<Finding>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The class.
    pub kind: FaultKind,
    /// The address that was accessed or jumped to.
    pub address: Option<u64>,
    /// The headline.
    pub summary: String,
    /// What to look at next.
    pub advice: Option<&'static str>,
    /// What this rule saw, strongest first.
    pub evidence: Vec<String>,
}

/// All rules in order of precedence, the most specific first: what happened to the whole machine; what explains the
/// faults that follow from it (a stack, a heap, a first fault); what the program says of itself; a damaged return
/// address; then the classes of the hardware, and last what is left without a cause.
pub static FAULT_RULES: &[FaultRule] = &[
    lockup::RULE,
    brown_out::RULE,
    stack_overflow::RULE,
    esp_abort::RULE,
    stack_canary::RULE,
    nested_fault::RULE,
    heap_corruption::RULE,
    freed_object::RULE,
    unhandled_interrupt::RULE,
    assert::RULE,
    panic::RULE,
    abort::RULE,
    watchdog::RULE,
    xtensa_exception::RULE,
    return_overwritten::RULE,
    riscv_trap::RULE,
    null_pointer::RULE,
    no_execute::RULE,
    divide_by_zero::RULE,
    unaligned::RULE,
    undefined_instruction::RULE,
    no_coprocessor::RULE,
    invalid_state::RULE,
    invalid_return::RULE,
    memory_fault::RULE,
    secure_fault::RULE,
    bus_fault::RULE,
    vector_table::RULE,
    debug_event::RULE,
    hard_fault::RULE,
    unknown::RULE,
];

/// Explains a crash; `None` when the target simply stopped.
pub fn explain(facts: &CrashFacts<'_>) -> Option<Fault> {
    let case = Case::new(facts);
    let finding = FAULT_RULES.iter().find_map(|rule| (rule.explain)(&case))?;
    let mut evidence = finding.evidence;
    evidence.extend(halted_evidence(&case));
    evidence.extend(status_evidence(&case));
    evidence.extend(super::riscv_facts::status_evidence(&case));
    evidence.extend(access_evidence(&case));
    evidence.extend(interrupt_evidence(&case));
    evidence.extend(heap_evidence(&case, &evidence));
    evidence.extend(restart_evidence(&case));
    evidence.extend(frame_evidence(&case));
    let is_recorded = CAUSE_REGISTERS
        .iter()
        .any(|reg| facts.registers.known(*reg).is_some());
    let is_inferred = !case.has_cause() && facts.dump.fault.get("cfsr").is_none() && !is_recorded;
    if is_inferred && !ended_itself(finding.kind) {
        let why = match facts.arch {
            Arch::ArmV6M => "this core (ARMv6-M) has no fault status registers",
            _ => "this capture holds no fault registers",
        };
        let so = match finding.kind {
            FaultKind::Unknown => "not known",
            _ => "inferred",
        };
        evidence.push(format!("{why}: the cause is {so}"));
    }
    let shown = case
        .culprit
        .as_ref()
        .map(|culprit| &culprit.instruction)
        .or(case.instruction.as_ref());
    Some(Fault {
        kind: finding.kind,
        address: finding.address.map(TargetAddr),
        summary: match case.halted_in() {
            Some(halted) => format!("{}; {HALTED_IN}{}", finding.summary, handler(&halted)),
            None => finding.summary,
        },
        advice: if case.is_lost() {
            Some(LOST_ADVICE.to_owned())
        } else {
            finding.advice.map(str::to_owned)
        },
        registers: facts
            .dump
            .fault
            .values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), TargetAddr::from(*value)))
            .chain(cause_registers(facts))
            .collect(),
        instruction: shown.map(|decoded| decoded.instruction.clone()),
        evidence,
        bits: case.bits,
    })
}

/// What to do when the rules had nothing of the crash to look at.
const LOST_ADVICE: &str =
    "See the warnings for what the capture lacks: with it the place of the crash can be found.";

/// How the clause of a headline begins that says where the target was halted after the crash.
pub const HALTED_IN: &str = "halted in ";

/// "`HardFault_Handler`", or "the handler of `HardFault`" when its function is not known.
fn handler(halted: &HaltedIn<'_>) -> String {
    match halted.function {
        Some(name) => format!("`{name}`"),
        None => format!("the handler of {}", wording::exception(halted.exception)),
    }
}

/// "the target was halted in `HardFault_Handler`, the handler of `HardFault`: the crash is in the code that it interrupted".
fn halted_evidence(case: &Case<'_>) -> Option<String> {
    let halted = case.halted_in()?;
    let function = (halted.function).map_or_else(String::new, |name| format!("`{name}`, "));
    let exception = wording::exception(halted.exception);
    let so = if case.frames().is_empty() {
        "the frame of the exception was not found, so that what faulted is not known"
    } else {
        "the crash is in the code that it interrupted"
    };
    Some(format!(
        "the target was {HALTED_IN}{function}the handler of {exception}: {so}"
    ))
}

/// True for an end that the program or its supervisor chose: what fault registers say is no part of it.
fn ended_itself(kind: FaultKind) -> bool {
    use FaultKind::{Abort, Assert, BrownOut, Lockup, Panic, Watchdog};
    matches!(kind, Abort | Assert | BrownOut | Lockup | Panic | Watchdog)
}

/// Registers that say what an exception was, of families that keep them with the others.
const CAUSE_REGISTERS: [Reg; 2] = [Reg::EXCCAUSE, Reg::EXCVADDR];

fn cause_registers(facts: &CrashFacts<'_>) -> impl Iterator<Item = (String, TargetAddr)> {
    CAUSE_REGISTERS.iter().filter_map(|reg| {
        let value = facts.registers.known(*reg)?;
        Some((facts.registers.file().name(*reg), TargetAddr(value)))
    })
}

/// `CFSR 0x00008200: PRECISERR, BFARVALID — what the first one means`.
fn status_evidence(case: &Case<'_>) -> Vec<String> {
    ["cfsr", "hfsr", "sfsr"]
        .into_iter()
        .filter_map(|register| {
            let value = case.facts.dump.fault.get(register)?;
            let bits: Vec<_> = case
                .bits
                .iter()
                .filter(|bit| bit.register == register)
                .collect();
            let meaning = &bits.first()?.meaning;
            let names: Vec<&str> = bits.iter().map(|bit| bit.name.as_str()).collect();
            Some(format!(
                "{} {}: {} — {meaning}",
                register.to_ascii_uppercase(),
                wording::address(u64::from(value)),
                names.join(", ")
            ))
        })
        .collect()
}

fn access_evidence(case: &Case<'_>) -> Vec<String> {
    let Some(culprit) = &case.culprit else {
        return Vec::new();
    };
    let instruction = &culprit.instruction.instruction;
    let values: Vec<String> = instruction
        .operands
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{name} = {}", wording::address(value.0)),
            None => format!("{name} not stored"),
        })
        .collect();
    let with = if values.is_empty() {
        String::new()
    } else {
        format!(" with {}", values.join(", "))
    };
    let shown = format!(
        "`{}` at {}{with}",
        instruction.text,
        wording::address(instruction.address.0)
    );
    culprit.evidence.iter().cloned().chain([shown]).collect()
}

/// "IRQ 9 (`pump_isr`, priority 0x40) was being handled; IRQ 12 waited; `PRIMASK` is set: no interrupt can run".
fn interrupt_evidence(case: &Case<'_>) -> Option<String> {
    let view = case.facts.interrupts?;
    let texts = |lines: &[InterruptLine]| {
        let shown: Vec<String> = lines
            .iter()
            .filter(|line| line.number > LAST_FAULT)
            .take(MAX_INTERRUPTS)
            .map(line_text)
            .collect();
        shown.join(", ")
    };
    let active = texts(&view.active);
    let pending = texts(&view.pending);
    if active.is_empty() && view.masked.is_none() {
        return None;
    }
    let parts: Vec<String> = [
        (!active.is_empty()).then(|| format!("{active} was being handled")),
        (!pending.is_empty()).then(|| format!("{pending} waited")),
        view.masked.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    Some(parts.join("; "))
}

/// What the next boot says of the restart, where it is more than the end of this crash. It is no cause: a device that
/// waits in its fault handler is ended by its watchdog.
fn restart_evidence(case: &Case<'_>) -> Option<String> {
    let text = case.facts.dump.restart.as_ref()?;
    let lower = text.to_ascii_lowercase();
    RESTART_WORDS
        .iter()
        .any(|word| lower.contains(word))
        .then(|| format!("the device's next boot gives as reset reason: {text}"))
}

/// A damaged heap matters for any crash.
fn heap_evidence(case: &Case<'_>, said: &[String]) -> Option<String> {
    let damage = case
        .facts
        .heaps
        .iter()
        .find_map(|heap| heap.damage.as_ref())?;
    (!said
        .iter()
        .any(|line| line.contains(damage.trim_end_matches('.'))))
    .then(|| format!("the heap is damaged, too: {damage}"))
}

/// `3 of 4 frames by call-frame information, 1 by scanning the stack`.
fn frame_evidence(case: &Case<'_>) -> Option<String> {
    let frames = &case.thread()?.frames;
    let counted: Vec<String> = [
        (FrameTrust::Cfi, "by call-frame information"),
        (FrameTrust::ExceptionFrame, "from exception frames"),
        (FrameTrust::FramePointer, "by the frame pointer"),
        (FrameTrust::Scan, "by scanning the stack"),
    ]
    .into_iter()
    .map(|(trust, words)| {
        let found = frames.iter().filter(|f| f.trust == trust && !f.tail_call);
        (found.count(), words)
    })
    .chain([(
        frames.iter().filter(|f| f.tail_call).count(),
        "by the call sites of tail calls",
    )])
    .filter(|(count, _)| *count > 0)
    .enumerate()
    .map(|(index, (count, words))| match index {
        0 => format!("{count} of {} frames {words}", frames.len()),
        _ => format!("{count} {words}"),
    })
    .collect();
    (!counted.is_empty()).then(|| counted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::FAULT_RULES;
    use super::testing::Scene;
    use crate::model::target_state::{InterruptLine, InterruptView};

    #[test]
    fn rule_ids_are_unique() {
        let mut ids: Vec<_> = FAULT_RULES.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), FAULT_RULES.len());
    }

    #[test]
    fn evidence_names_the_bits_the_instruction_and_the_frames() {
        let fault = Scene::bad_store()
            .fault("cfsr", 0x8200)
            .fault("bfar", 0xF000_0000)
            .explain()
            .unwrap();
        assert_eq!(
            fault.evidence,
            [
                "CFSR 0x00008200: PRECISERR, BFARVALID — a load or store failed on the bus, and the program counter points at it",
                "BFAR equals the store's address",
                "`str r1, [r0]` at 0x00000354 with r1 = 0x0000000D, r0 = 0xF0000000",
                "1 of 2 frames by call-frame information",
            ]
        );
        assert_eq!(fault.registers.len(), 2);
    }

    #[test]
    fn evidence_names_the_interrupts_that_ran_and_waited() {
        let line = |number: u32, name: &str| InterruptLine {
            number,
            name: name.to_owned(),
            handler: (number == 25).then(|| "pump_isr".to_owned()),
            priority: Some(0x40),
        };
        let fault = Scene::bad_store()
            .fault("cfsr", 0x8200)
            .fault("bfar", 0xF000_0000)
            .interrupts(InterruptView {
                active: vec![line(3, "HardFault"), line(25, "IRQ 9")],
                pending: vec![line(15, "SysTick")],
                enabled: Vec::new(),
                masked: Some("PRIMASK is set: no interrupt can run".to_owned()),
            })
            .explain()
            .unwrap();
        assert_eq!(
            fault.evidence[3],
            "IRQ 9 (`pump_isr`, priority 0x40) was being handled; SysTick (priority 0x40) waited; PRIMASK is set: no interrupt can run"
        );
    }

    #[test]
    fn the_reset_reason_of_the_next_boot_is_evidence_and_no_cause() {
        let fault = Scene::bad_store()
            .fault("cfsr", 0x8200)
            .restart("TG0WDT_SYS_RESET")
            .explain()
            .unwrap();
        assert_eq!(fault.kind.label(), "bus fault");
        let said = "the device's next boot gives as reset reason: TG0WDT_SYS_RESET".to_owned();
        assert!(fault.evidence.contains(&said));
    }

    #[test]
    fn a_target_that_simply_stopped_has_no_fault() {
        assert_eq!(Scene::new(&[0x00, 0xBF]).explain(), None);
    }

    /// A small generator (Knuth's MMIX constants), so that a failure can be repeated.
    fn random(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    #[test]
    fn no_combination_of_instruction_registers_and_bits_stops_the_rules() {
        const WORDS: [u32; 8] = [
            0,
            1,
            8,
            0x354,
            0x2000_8000,
            0xE000_0000,
            0xFFFF_FFFD,
            u32::MAX,
        ];
        let mut state = 7;
        let mut pick = |n: u64| random(&mut state) % n;
        for _ in 0..2000 {
            let code: Vec<u8> = (0..8).map(|_| pick(256).to_le_bytes()[0]).collect();
            let mut word = || WORDS[usize::try_from(pick(8)).unwrap()];
            let mut scene = Scene::new(&code).task(
                "t",
                u64::from(word()) << 32 | u64::from(word()),
                u64::from(word()) << 33,
            );
            for n in 0..17 {
                scene = scene.reg(n, word());
            }
            scene = scene.xpsr(word() & 0x1FF).code(0x910, &code);
            for name in ["bfar", "mmfar", "sfsr", "hfsr", "sfar"] {
                scene = scene.fault(name, word());
            }
            let bits = u32::try_from(pick(u64::from(u32::MAX))).unwrap();
            scene = scene.fault("cfsr", bits);
            if let Some(fault) = scene.explain() {
                assert!(!fault.summary.is_empty());
            }
        }
    }
}
