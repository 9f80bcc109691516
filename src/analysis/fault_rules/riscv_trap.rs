//! A trap of a RISC-V core, by `mcause` and `mtval`.

use super::sentence::{access_phrase, access_sentence, plain_sentence};
use super::{FaultRule, Finding};
use crate::analysis::address_space::NULL_PAGE_BYTES;
use crate::analysis::crash_facts::Case;
use crate::analysis::riscv_facts;
use crate::analysis::wording::address;
use crate::arch::riscv::{cause, cause_name};
use crate::model::registers::Reg;
use crate::model::report::FaultKind;

/// "`poke` wrote 13 to 0x00000004 through a null pointer (store access fault), in task shell, main.c:92" and
/// "`update_apply` ran an illegal instruction (.insn 0xffffffff), main.c:100".
pub(super) const RULE: FaultRule = FaultRule {
    id: "riscv_trap",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let code = riscv_facts::exception(case.facts)?;
    Some(match code {
        cause::FETCH_MISALIGNED => finding(
            FaultKind::Unaligned,
            case.pc(),
            plain_sentence(
                case,
                &format!("jumped to {}, where no instruction can begin", target(case)),
            ),
            "Look at the function pointer or return address that held this value.",
        ),
        cause::FETCH_ACCESS | cause::FETCH_PAGE => bad_jump(case),
        cause::ILLEGAL => illegal(case),
        cause::BREAKPOINT => finding(
            FaultKind::Abort,
            case.pc(),
            plain_sentence(case, "stopped itself (ebreak)"),
            "`ebreak` is put there on purpose: an assertion or a place that must not be reached. See who called this.",
        ),
        cause::LOAD_MISALIGNED | cause::STORE_MISALIGNED => misaligned(case),
        _ if riscv_facts::is_access(code) => bad_access(case),
        8..=11 => finding(
            FaultKind::Abort,
            case.pc(),
            plain_sentence(case, &ecall_phrase(case)),
            "Nobody serves this call: see who made it, or whether its handler was installed.",
        ),
        _ => finding(
            FaultKind::Unknown,
            case.pc(),
            plain_sentence(case, &format!("caused a trap ({})", cause_name(code))),
            "See the core's manual for this number of mcause.",
        ),
    })
}

fn finding(kind: FaultKind, at: Option<u64>, summary: String, advice: &'static str) -> Finding {
    Finding {
        kind,
        address: at,
        summary,
        advice: Some(advice),
        evidence: Vec::new(),
    }
}

fn target(case: &Case<'_>) -> String {
    case.pc()
        .map_or_else(|| "a bad address".to_owned(), address)
}

fn bad_jump(case: &Case<'_>) -> Finding {
    if case.pc().is_some_and(|pc| pc < NULL_PAGE_BYTES) {
        return finding(
            FaultKind::NullPointer,
            case.pc(),
            plain_sentence(case, "called a null function pointer"),
            "Find which function pointer the caller used, and why nothing was stored in it.",
        );
    }
    finding(
        FaultKind::NoExecute,
        case.pc(),
        plain_sentence(
            case,
            &format!("jumped to {}, where no code is", target(case)),
        ),
        "Look at the function pointer or return address that held this value: it was overwritten or never set.",
    )
}

fn illegal(case: &Case<'_>) -> Finding {
    let shown = case.instruction.as_ref().map_or(String::new(), |decoded| {
        format!(" ({})", decoded.instruction.text)
    });
    finding(
        FaultKind::IllegalInstruction,
        case.pc(),
        plain_sentence(case, &format!("ran an illegal instruction{shown}")),
        "Check that the code was not overwritten and that it was built for the extensions of this core; compilers put such an \
         instruction where a program must not get.",
    )
}

fn misaligned(case: &Case<'_>) -> Finding {
    let size = case.access().map(|access| access.element.clamp(1, 8));
    let to = size.map_or_else(String::new, |size| format!(" to {size} bytes"));
    finding(
        FaultKind::Unaligned,
        case.fault_address(),
        format!(
            "{} {}, which is not aligned{to}{}",
            case.who(),
            access_phrase(case, ""),
            case.place_phrase()
        ),
        "Copy the bytes with memcpy, or declare the structure packed, instead of casting the pointer.",
    )
}

fn bad_access(case: &Case<'_>) -> Finding {
    let at = case.fault_address();
    if at.is_some_and(|at| at < NULL_PAGE_BYTES) {
        return Finding {
            evidence: vec![format!("the address is below {NULL_PAGE_BYTES}")],
            ..finding(
                FaultKind::NullPointer,
                at,
                format!(
                    "{} {} through a null pointer{}{}",
                    case.who(),
                    access_phrase(case, ""),
                    case.class_phrase(),
                    case.place_phrase()
                ),
                "The address is the offset of a member: see which pointer in this frame is null.",
            )
        };
    }
    finding(
        FaultKind::BusFault,
        at,
        access_sentence(case),
        "Look at where the pointer in this frame comes from: it was overwritten, never set, or points to what is switched off.",
    )
}

/// `called the environment (ecall, a7 = 93)`.
fn ecall_phrase(case: &Case<'_>) -> String {
    match case.facts.registers.known(Reg(17)) {
        Some(service) => {
            format!("made an environment call that nobody serves (ecall, a7 = {service})")
        }
        None => "made an environment call that nobody serves (ecall)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    /// `sw a1, 0(a0)` with 13.
    fn store(to: u32) -> Scene {
        Scene::riscv(&0x00b5_2023_u32.to_le_bytes())
            .reg(10, to)
            .reg(11, 13)
    }

    #[test]
    fn every_cause_has_its_sentence() {
        let jump = |to: u32| {
            Scene::riscv(&[]).reg(1100, to).frames(vec![
                frame("", "", FrameTrust::Context),
                frame("handle_cmd", "main.c:47", FrameTrust::Cfi),
            ])
        };
        let illegal = || Scene::riscv(&[0xFF; 4]);
        for (scene, mcause, mtval, kind, summary) in [
            (
                store(4),
                7,
                4,
                "null pointer",
                "`poke` wrote 13 to 0x00000004 through a null pointer (store access fault), main.c:16",
            ),
            (
                store(0xA000_0010),
                7,
                0xA000_0010,
                "bus fault",
                "`poke` wrote 13 to 0xA0000010, where nothing is (store access fault), main.c:16",
            ),
            (
                store(0xA000_0010),
                7,
                0, // not every core says
                "bus fault",
                "`poke` wrote 13 to 0xA0000010, where nothing is (store access fault), main.c:16",
            ),
            (
                store(0x2000_0002),
                6,
                0x2000_0002,
                "unaligned access",
                "`poke` wrote 13 to 0x20000002, which is not aligned to 4 bytes, main.c:16",
            ),
            (
                illegal(),
                2,
                0xFFFF_FFFF,
                "illegal instruction",
                "`poke` ran an illegal instruction (.insn 0xffffffff), main.c:16",
            ),
            (
                jump(0xA000_0000),
                1,
                0xA000_0000,
                "no-execute region",
                "`handle_cmd` jumped to 0xA0000000, where no code is, main.c:47",
            ),
            (
                jump(0),
                1,
                0,
                "null pointer",
                "`handle_cmd` called a null function pointer, main.c:47",
            ),
            (
                Scene::riscv(&[0x02, 0x90]),
                3,
                0,
                "abort",
                "`poke` stopped itself (ebreak), main.c:16",
            ),
            (
                Scene::riscv(&[0x73, 0, 0, 0]).reg(17, 93),
                11,
                0,
                "abort",
                "`poke` made an environment call that nobody serves (ecall, a7 = 93), main.c:16",
            ),
        ] {
            let scene = scene.fault("mcause", mcause).fault("mtval", mtval);
            assert_eq!(scene.headline(), (kind.to_owned(), summary.to_owned()));
        }
    }

    #[test]
    fn an_interrupt_is_no_fault_and_without_mcause_the_cause_is_inferred() {
        assert!(
            store(0x2000_0010)
                .fault("mcause", 0x8000_0007)
                .explain()
                .is_none()
        );
        assert_eq!(
            store(4).headline().1,
            "`poke` probably wrote 13 to 0x00000004 through a null pointer, main.c:16"
        );
    }

    #[test]
    fn the_evidence_says_what_mcause_means() {
        let fault = store(4)
            .fault("mcause", 7)
            .fault("mtval", 4)
            .explain()
            .unwrap();
        for words in [
            "MCAUSE 0x00000007: store access fault — a store to",
            "MTVAL equals the store's address",
        ] {
            assert!(
                fault.evidence.iter().any(|e| e.starts_with(words)),
                "{:?}",
                fault.evidence
            );
        }
    }
}
