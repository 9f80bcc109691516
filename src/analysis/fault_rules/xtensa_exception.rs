//! An exception of an Xtensa processor, by its cause register.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::address_space::NULL_PAGE_BYTES;
use crate::analysis::crash_facts::Case;
use crate::analysis::wording;
use crate::arch::xtensa::{Cause, CauseClass, exception_cause};
use crate::model::register_file::RegisterFile;
use crate::model::registers::Reg;
use crate::model::report::FaultKind;

/// "`poke` read from 0x00000014 through a null pointer (`LoadProhibited`), in task main, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "xtensa_exception",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let registers = case.facts.registers;
    if registers.file() != RegisterFile::Xtensa {
        return None;
    }
    let cause = exception_cause(registers.known(Reg::EXCCAUSE)?)?;
    let address = registers.known(Reg::EXCVADDR);
    let mut finding = match cause.class {
        CauseClass::Load => access(case, cause, address, "read from"),
        CauseClass::Store => access(case, cause, address, "wrote to"),
        CauseClass::LoadStore => access(case, cause, address, "accessed"),
        CauseClass::Fetch => fetch(case, cause, address),
        CauseClass::Unaligned => {
            let at = address.map_or(String::new(), |at| format!(" {}", wording::address(at)));
            let did = format!("made an unaligned access to{at} ({})", cause.name);
            of(case, FaultKind::Unaligned, address, &did)
        }
        CauseClass::DivideByZero => of(case, FaultKind::DivideByZero, None, "divided by zero"),
        CauseClass::IllegalInstruction => {
            let did = format!(
                "ran into an instruction that does not exist ({})",
                cause.name
            );
            let mut finding = of(case, FaultKind::IllegalInstruction, case.pc(), &did);
            finding.advice = Some(
                "A jump through a damaged pointer, a damaged stack, or code that was not flashed: compare the bytes \
                 there with the ELF.",
            );
            finding
        }
        CauseClass::Coprocessor => {
            let did = format!("used a coprocessor that is switched off ({})", cause.name);
            of(case, FaultKind::UsageFault, None, &did)
        }
        CauseClass::Watchdog => {
            let mut finding = of(
                case,
                FaultKind::Watchdog,
                None,
                &format!(
                    "was running when the interrupt watchdog fired ({})",
                    cause.name
                ),
            );
            finding.advice = Some(
                "Interrupts were off, or one handler ran, for too long on that core: look for a critical section or a \
                 handler that does not end.",
            );
            finding
        }
        CauseClass::Cache => {
            let mut finding = of(
                case,
                FaultKind::BusFault,
                address,
                "touched flash or external RAM while its cache was off",
            );
            finding.advice = Some(
                "Code and data that interrupt handlers use during flash operations must be in internal RAM (IRAM_ATTR, \
                 DRAM_ATTR).",
            );
            finding
        }
        CauseClass::Debug => {
            let said = case.facts.dump.reason.as_deref().unwrap_or(cause.name);
            of(
                case,
                FaultKind::Unknown,
                None,
                &format!("hit a breakpoint or watchpoint ({said})"),
            )
        }
        CauseClass::Double | CauseClass::Other => of(
            case,
            FaultKind::Unknown,
            None,
            &format!("stopped: {}", cause.name),
        ),
    };
    let vaddr = address.map_or(String::new(), |at| {
        format!(", EXCVADDR {}", wording::address(at))
    });
    finding
        .evidence
        .push(format!("EXCCAUSE {}: {}{vaddr}", cause.number, cause.name));
    Some(finding)
}

fn of(case: &Case<'_>, kind: FaultKind, address: Option<u64>, did: &str) -> Finding {
    Finding {
        kind,
        address,
        summary: plain_sentence(case, did),
        advice: None,
        evidence: Vec::new(),
    }
}

fn access(case: &Case<'_>, cause: Cause, address: Option<u64>, verb: &str) -> Finding {
    let Some(at) = address else {
        let did = format!("made an access that failed ({})", cause.name);
        return of(case, FaultKind::MemoryFault, None, &did);
    };
    let shown = wording::address(at);
    if at < NULL_PAGE_BYTES {
        let did = format!("{verb} {shown} through a null pointer ({})", cause.name);
        let mut finding = of(case, FaultKind::NullPointer, address, &did);
        finding.advice =
            Some("The address is the offset of a member: see which pointer in this frame is null.");
        return finding;
    }
    let what = (case.facts.describe)(at).map_or(String::new(), |name| format!(" ({name})"));
    let kind = if cause.class == CauseClass::LoadStore {
        FaultKind::BusFault
    } else {
        FaultKind::MemoryFault
    };
    let did = format!("{verb} {shown}{what}, which is refused ({})", cause.name);
    let mut finding = of(case, kind, address, &did);
    finding.advice =
        Some("The pointer is not one of this program: see where this frame got it from.");
    finding
}

fn fetch(case: &Case<'_>, cause: Cause, address: Option<u64>) -> Finding {
    let target = case.pc().or(address);
    match target {
        Some(at) if at < NULL_PAGE_BYTES => {
            let mut finding = of(
                case,
                FaultKind::NullPointer,
                target,
                "called a null function pointer",
            );
            finding.advice = Some(
                "Find which function pointer the caller used, and why nothing was stored in it.",
            );
            finding
        }
        _ => {
            let at = target.map_or(String::new(), |at| format!(" to {}", wording::address(at)));
            let did = format!("jumped{at}, where no code is ({})", cause.name);
            of(case, FaultKind::NoExecute, target, &did)
        }
    }
}
